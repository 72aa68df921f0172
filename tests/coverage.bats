#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # helpers.bash sets variables
# What decides about addresses is tested to the last line and branch: align.c and place.c.
load helpers

# Those that exercise the two; all programs of theirs end normally, so that gcov has its figures.
mock_tests=(place fixed hint patterns)

setup() {
	requires gcc "$(command -v gcov)"
	not_sanitized "they have branches of their own"
	src=${abs_top_srcdir:-${here%/*}}
	cd "$BATS_TEST_TMPDIR" || return 1
}

# quietly COMMAND...: shows what it says only if it fails
quietly() {
	"$@" >log 2>&1 || fail "$*:" "$(grep -v '^ok' log)"
}

# Without what this bats tells those below it. MAKEFLAGS: helpers.bash.
run_mock_tests() {
	env -i PATH="${PATH//$BATS_LIBEXEC:/}" HOME="$HOME" LC_ALL=C CC=gcc JQ="$JQ" abs_top_builddir="$PWD" \
		abs_top_srcdir="$src" "${BATS:-bats}" --tap "${mock_tests[@]/#/$src/tests/}"
}

# What gcov -b -c shows of lines and branches that nothing ran: FILE:LINE: TEXT. Branches come
# below their line, and a line that says "coverage: REASON" at its end is excepted.
left_out() {
	awk -F: 'FNR == 1 { file = FILENAME; sub(/\.gcov$/, "", file) }
		/^ *[^:]*: *[0-9]+:/ { number = $2 + 0; text = $0; sub(/^[^:]*:[^:]*:/, "", text)
			excepted = text ~ /coverage: .{10}/ }
		excepted { next }
		/^ *(#####|=====|%%%%%|\$\$\$\$\$)/ { print file ":" number ": never run:" text }
		/^branch .*(taken 0|never executed)/ { print file ":" number ": " $0 ":" text }' "$1"
}

# covered SOURCE OBJECT
covered() {
	gcov -b -c "src/$2.o" >figures 2>gcov.log || fail "gcov $2" "$(<gcov.log)"
	[[ -e $1.gcov ]] || fail "gcov says nothing of $1" "$(<figures)"
	awk -v file="$1" 'index($0, "File ") == 1 { on = index($0, "/" file "\047") }
		/^$/ { on = 0 }
		on && /^(Lines|Branches|Taken)/ { print "# " file ": " $0 }' figures >&3
	grep -q "^branch" "$1.gcov" || fail "no branches of $1 were counted"
	equal "what no test runs of $1" "" "$(left_out "$1.gcov")"
}

@test "every line and branch of align.c and place.c is run" {
	quietly "$src/configure" --quiet --disable-command CC=gcc CFLAGS='--coverage -O0'
	quietly make all check TESTS='tests/unit-align tests/unit-place'
	mock_tests=("${mock_tests[@]/%/.bats}")
	quietly run_mock_tests
	covered align.c tests_unit_align-align
	covered place.c libvfioalign_so-place
}
