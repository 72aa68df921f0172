# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the bats files have in common. "make check" exports where things are; by hand, from a
# build in the source tree, "bats tests/place.bats" works as well.

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
top=${abs_top_builddir:-${here%/*}}
library=$top/libvfioalign.so
mock=$top/tests/libmockvfio.so
scenarios=$top/tests/scenarios
# Seconds after which a command counts as hung: how long it takes is no test's business, and any machine
# may be busy.
: "${patience:=600}"
: "${CC:=cc}" "${JQ=$(command -v jq)}" "${STRACE=$(command -v strace)}" "${VALGRIND=$(command -v valgrind)}"

# No setting of the user's shall reach a test, nor what "make check" tells the makes below it,
# its list of tests for one. Messages are compared.
unset MAKEFLAGS MFLAGS MAKELEVEL
# But for what is for the tests themselves: whether they have their long forms. bats reads this file
# more than once, in processes below each other.
export TESTS_LONG=${VFIOALIGN_LONG-${TESTS_LONG-}}
# shellcheck disable=SC2034 # those that source this have some
long=$TESTS_LONG
for variable in $(compgen -e); do
	case $variable in VFIOALIGN* | MOCK_*) unset "$variable" ;; esac
done
export LC_ALL=C

# ASan insists on being the first of all preloads.
sanitizer=
case ${SANITIZE_CFLAGS:-} in
	*address*) sanitizer=$($CC -print-file-name=libasan.so) ;;
esac

# requires TOOL PATH
requires() {
	[[ $2 ]] || skip "$1 is missing: install the package $1"
}

not_sanitized() {
	[[ -z ${SANITIZE_CFLAGS:-} ]] || skip "sanitizers: $1"
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# equal WHAT EXPECTED ACTUAL
equal() {
	[[ $3 == "$2" ]] || fail "$1" "expected: $2" "actual:   $3"
}

# matches WHAT PATTERN ACTUAL: PATTERN is as of [[ = ]]
matches() {
	# shellcheck disable=SC2053 # a pattern is what it is
	[[ $3 == $2 ]] || fail "$1" "expected: $2" "actual:   $3"
}

# preload LIBRARIES COMMAND...: sets $output and $errors. It fails if the command does not end
# well and in time ($patience seconds), or says anything on stderr, unless it is "loudly preload ...".
preload() {
	local libraries=$1 status=0 out=$BATS_TEST_TMPDIR/stdout err=$BATS_TEST_TMPDIR/stderr
	shift
	timeout "$patience" "${wrapper[@]}" env LD_PRELOAD="$sanitizer $libraries" "$@" >"$out" 2>"$err" </dev/null ||
		status=$?
	output=$(<"$out") errors=$(<"$err")
	[[ $status != 77 ]] || skip "$output"
	if [[ $status != 0 || ($errors && ! ${loud:-}) ]]; then
		fail "command:  $*" "expected: status 0${loud:-, nothing on stderr}" \
			"actual:   status $status" "stdout:   $output" "stderr:   $errors"
	fi
}

# What preload's COMMAND is run by, without the preloads. ThreadSanitizer cannot place its shadow
# where the kernel spreads addresses over more than 2^28 pages.
wrapper=()
wrap_for_tsan() {
	(($(</proc/sys/vm/mmap_rnd_bits) <= 28)) || wrapper=(setarch --addr-no-randomize)
}

loudly() {
	local loud=" "
	"$@"
}

# with_library [SCENARIO ARGUMENT...], and what the same program does without it
with_library() {
	preload "$library $mock" "$scenarios" "$@"
}

without_library() {
	preload "$mock" "$scenarios" "$@"
}

# complains VARIABLE VALUE REMEDY: what was said on stderr is this one line
complains() {
	equal "stderr" "libvfioalign: $1: cannot use \"$2\"; $3" "$errors"
}
