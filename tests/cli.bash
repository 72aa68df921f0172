# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of the command have in common; helpers.bash comes first.

command=$top/vfioalign

# What the terminal of the user has or asks for is no part of a test.
unset NO_COLOR COLUMNS LD_PRELOAD
export TERM=xterm

# What a process has at its end is the system's to free.
export ASAN_OPTIONS=detect_leaks=0

# cli ARGUMENT...: runs the command, with the environment $with; sets $status, $output and $errors
with=()
cli() {
	local out=$BATS_TEST_TMPDIR/stdout err=$BATS_TEST_TMPDIR/stderr
	status=0
	timeout "$patience" env "${with[@]}" "$command" "$@" >"$out" 2>"$err" </dev/null || status=$?
	output=$(<"$out") errors=$(<"$err")
}

# under VARIABLE=VALUE... -- FUNCTION...: what FUNCTION runs has these variables
under() {
	local with=("${with[@]}")
	while [[ $1 != -- ]]; do
		with+=("$1")
		shift
	done
	"${@:2}"
}

# ended STATUS: with nothing on stderr, unless it is "loudly ended ..."
ended() {
	if [[ $status != "$1" || ($errors && ! ${loud:-}) ]]; then
		fail "expected: status $1${loud:-, nothing on stderr}" \
			"actual:   status $status" "stdout:   $output" "stderr:   $errors"
	fi
}

# good ARGUMENT...: the command ends well
good() {
	cli "$@"
	ended 0
}

# value KEY: of KEY=VALUE lines
value() {
	sed -n "s/^$1=//p" <<<"$output"
}

# json FILTER: of the output, by jq
json() {
	jq -r "$1" <<<"$output"
}

# narrow: no line of the output is wider than a terminal
narrow() {
	local wide
	wide=$(grep -E '^.{81}' <<<"$output" || true)
	equal "lines of more than 80 columns" "" "$wide"
}

# harmless: no byte of the output or of stderr does anything to a terminal
harmless() {
	local bad
	bad=$(printf '%s\n' "$output" "$errors" | LC_ALL=C grep -n '[^ -~]' || true)
	equal "bytes for the terminal" "" "$bad"
}

# no_tricks: the output has no control characters but newlines, be they of C0 or, in UTF-8, of C1, and none
# that turn text around or hide in it
no_tricks() {
	local bad
	bad=$(LC_ALL=C grep -anP '[\x01-\x09\x0b-\x1f\x7f\xff]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf' \
		<<<"$output" | cat -v || true)
	equal "characters that do things to a terminal" "" "$bad"
}

# on_terminal ARGUMENT...: $output is what the command shows on a terminal of 80 columns
on_terminal() {
	requires script "$(type -P script)"
	local line
	printf -v line '%q ' env "${with[@]}" "$command" "$@"
	output=$(script -qec "stty cols 80 rows 24; $line" /dev/null </dev/null | tr -d '\r') || :
}

# open_to_all: nobody can get at the test's directory
open_to_all() {
	((EUID == 0)) || skip "only root can become another user"
	requires util-linux "$(type -P setpriv)"
	chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	chmod 755 "$BATS_FILE_TMPDIR"
	cp "$top/vfioalign" "$library" "$BATS_TEST_TMPDIR"
	command=$BATS_TEST_TMPDIR/vfioalign
	as_nobody test -x "$command" || skip "$BATS_TEST_TMPDIR is in a directory that others may not enter"
}

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# cli_as_nobody ARGUMENT...: as cli
cli_as_nobody() {
	local out=$BATS_TEST_TMPDIR/stdout err=$BATS_TEST_TMPDIR/stderr
	status=0
	as_nobody timeout "$patience" env "${with[@]}" "$command" "$@" >"$out" 2>"$err" </dev/null || status=$?
	output=$(<"$out") errors=$(<"$err")
}
