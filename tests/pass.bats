#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# What is not VFIO's, and what fails, is as without the library.
load helpers

# same SCENARIO: prints the same with and without the library
same() {
	without_library "$@"
	local without=$output
	with_library "$@"
	equal "$*" "$without" "$output"
}

@test "calls that fail have the errors that they have without the library" {
	same failures
	matches "private mappings" "private: Invalid argument
*" "$output"
	[[ $output != *mapped* ]]
	same -64 failures
}

@test "so they have where the device is a cdev, or /proc is missing" {
	MOCK_LINK=cdev same failures
	MOCK_LINK=noproc same failures
}

@test "ioctls have the results that they have without the library" {
	same ioctls
	MOCK_AREAS="0:4K+8K 2:0+1M 2:0x101000+0xffeff000" same ioctls
	matches "the mock's areas" "*device: 0, 9 regions*pipe: 0, 5 bytes*" "$output"
}

@test "a large shared mapping of an ordinary file stays where the system puts it" {
	with_library regular-file
	with_library -64 regular-file
}

@test "a file is not a device for being called like one" {
	with_library file-called "$BATS_TEST_TMPDIR/vfio0.img"
	mkdir "$BATS_TEST_TMPDIR/vfio1"
	with_library file-called "$BATS_TEST_TMPDIR/vfio1/disk"
	with_library file-called "$BATS_TEST_TMPDIR/vfio"
}

@test "a link that is not quite a device's speaks for none" {
	for link in anon_inode: "anon_inode:[vfio-device]x" "anon_inode:[vfio-devic" /dev/vfio/vfio \
		/dev/vfio/7 /dev/vfio/devices/vfio /dev/vfio/devices/vfio7x /dev/vfio7 "/memfd:x (deleted)" \
		/dev/vfio/devices/vfio7/x /dev/vfio/devices/noiommu-7 /dev/vfio/devices/noiommu-vfio \
		/vfio/device/vfio7 vfio/devices/vfio7; do
		MOCK_LINK=$link with_library map-unasked 0x3000
		equal "$link" 0x3000 "$output"
	done
}

@test "a file whose number was a device's is an ordinary file" {
	with_library fd-that-was-a-device
}

@test "anonymous memory stays where the system puts it" {
	with_library anonymous
}

@test "without /proc, a device that was not asked is passed while another was" {
	MOCK_LINK=noproc with_library not-asked
}
