#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Shared mappings of a device with a hint.
load helpers

@test "a congruent hint is honoured" {
	with_library hint-congruent
}

@test "a hint that is not congruent gets the nearest congruent address above" {
	with_library hint-not-congruent
	with_library -64 hint-not-congruent
}

@test "a hint need not be a whole page" {
	with_library hint-not-a-page
}

@test "a range that holds no huge page goes where its hint says" {
	with_library hint-small
}

@test "an occupied hint gets a congruent address elsewhere and the occupant stays" {
	with_library hint-occupied
	MOCK_NOREPLACE=ignored with_library hint-occupied
}

@test "a hint near or beyond the top of the address space gets a congruent address" {
	with_library hint-near-the-top
}

@test "when nothing can be had above the hint, the program's own error is the answer" {
	MOCK_FAIL=mmap:1:ENOMEM,mmap:2:EAGAIN with_library hint-fails
	equal "error" "Resource temporarily unavailable" "$output"
}

@test "when the place above the hint is refused, another is found" {
	MOCK_FAIL=mmap:1:ENOMEM with_library hint-refused
}
