#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Each system call of each case fails, with each error, alone and in pairs (tests/faults.c). The
# program has what it would have had without the library, nothing leaks, and nothing is unmapped
# that is not the library's.
load helpers

setup() {
	not_sanitized "their runtime maps for itself meanwhile"
}

# tried WHAT CASE...
tried() {
	local what=$1
	shift
	for case; do
		preload "$library $top/tests/libfaults.so $mock" "$top/tests/faults" "$what" "$case"
		echo "# $output" >&3
		echo "$output" >>"$BATS_FILE_TMPDIR/tried"
	done
}

# with_reports COMMAND...
with_reports() {
	VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log \
		VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report "$@"
	[[ -s $BATS_TEST_TMPDIR/report ]] || fail "nothing was reported"
}

@test "whatever fails, a device is mapped as it would have been" {
	tried inject place place-unasked place-validate place-tail place-untidy place-among \
		place-refused kept small
}

@test "whatever fails, it is with a hint" {
	tried inject hint hint-taken hint-validate hint-unsupported
}

@test "whatever fails, it is where the program demands it" {
	tried inject fixed fixed-askew fixed-refused noreplace noreplace-taken
}

@test "whatever fails, it is where the program may be given another address" {
	VFIOALIGN_RELOCATE=on tried inject relocate relocate-hole relocate-congruent \
		relocate-validate relocate-unsupported fixed-refused noreplace noreplace-taken
}

@test "whatever fails, address space is reserved as it would have been" {
	tried inject steer steer-among steer-slack steer-hint steer-hint-taken
}

@test "whatever fails, mappings that are not VFIO's are what they are" {
	tried inject memory file
}

@test "whatever fails, it does so without /proc, and without MAP_FIXED_NOREPLACE" {
	MOCK_LINK=noproc tried inject place hint-taken steer
	MOCK_NOREPLACE=ignored tried inject place hint-taken fixed-askew steer-hint-taken
	VFIOALIGN_RELOCATE=on MOCK_NOREPLACE=ignored tried inject relocate
}

@test "whatever fails, it does so with a log and a report" {
	with_reports tried inject place place-unasked place-refused kept small hint hint-taken \
		fixed noreplace-taken steer steer-hint file
	VFIOALIGN_RELOCATE=on with_reports tried inject relocate relocate-hole
	VFIOALIGN=off with_reports tried inject observed fixed
}

@test "whatever fails in its measurement, a DMA map is the program's own" {
	with_reports tried inject dma
}

@test "with nearly no address space left, the program has what it would have had" {
	tried address-space place place-among hint hint-taken fixed-askew steer steer-slack steer-hint
	VFIOALIGN_RELOCATE=on tried address-space relocate
}

@test "with nearly no mappings left, the program has what it would have had" {
	tried map-count place place-among hint hint-taken fixed-askew steer steer-among steer-hint
	VFIOALIGN_RELOCATE=on tried map-count relocate
}

@test "more than ten thousand failures were injected" {
	total=$(awk '/ failures, / { sum += $4 + 2 * $6 } END { print sum + 0 }' "$BATS_FILE_TMPDIR/tried")
	echo "# $total faults injected" >&3
	((total > 10000)) || fail "expected: more than 10000" "actual:   $total"
}
