#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Processes, threads, signals and chroots.
load helpers

@test "a program finds errno as it would without the library" {
	with_library starts
	MOCK_LINK=noproc VFIOALIGN=bad VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=/ loudly with_library starts
}

@test "a child maps as its parent does" {
	with_library fork
}

@test "a device that an exec hands over is known by its link" {
	with_library inherited
}

@test "threads that map at once have what they asked for and leave no trace" {
	not_sanitized "their runtime maps for itself meanwhile, and looks into /proc"
	with_library threads
	MOCK_LINK=noproc with_library threads
}

@test "a signal handler may map at any moment" {
	not_sanitized "their runtime is not made for it"
	with_library in-a-handler
}

@test "calls before any constructor are made as they stand" {
	not_sanitized "they start later than the test"
	preload "$library $mock" "$top/tests/early"
}

@test "in a chroot without /proc a device that was asked about is placed" {
	not_sanitized "their runtime maps for itself meanwhile, and looks into /proc"
	mkdir "$BATS_TEST_TMPDIR/empty"
	with_library chroot "$BATS_TEST_TMPDIR/empty"
}
