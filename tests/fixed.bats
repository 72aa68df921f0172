#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Mappings of a device where the program demands it.
load helpers

@test "MAP_FIXED replaces the range that it names, no more and no less" {
	with_library fixed-replaces
	with_library -64 fixed-replaces
}

@test "MAP_FIXED_NOREPLACE maps where it says, or fails with EEXIST" {
	with_library fixed-does-not-replace
	with_library -64 fixed-does-not-replace
	VFIOALIGN_RELOCATE=on with_library fixed-does-not-replace
}

@test "MAP_SHARED_VALIDATE is validated and stays where it says, though relocation is on" {
	with_library fixed-validates
	VFIOALIGN_RELOCATE=on with_library fixed-validates
}

@test "the lowest addresses are mapped where they are demanded or not at all, though relocation is on" {
	without_library fixed-lowest
	VFIOALIGN_RELOCATE=on with_library fixed-lowest
}

@test "a demand that the device refuses changes nothing" {
	with_library fixed-refused
}

@test "areas at their offsets in one reservation get huge pages where they hold one" {
	with_library fixed-areas
}

@test "when madvise fails, the demanded mapping stands" {
	MOCK_FAIL=madvise:1:EINVAL with_library fixed-stands
}
