#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Shared mappings of a device whose address is left to the system.
load helpers

three_pages=$(printf "0x%x" $((3 * $(getconf PAGE_SIZE))))

@test "every range of every region is congruent, and leaves no trace when unmapped" {
	with_library every-region
}

@test "mmap64 does what mmap does" {
	with_library -64 every-region
	with_library -64 bytes
}

@test "the cdev's link speaks for a device" {
	MOCK_LINK=cdev with_library every-region
}

@test "without /proc, a device is known by what it answered" {
	MOCK_LINK=noproc with_library every-region
}

@test "a device that another program asked about is known by its link" {
	with_library never-asked
	MOCK_LINK=cdev with_library never-asked
}

@test "a device node is known wherever a container has it" {
	for link in /dev/vfio/devices/vfio7 /dev/vfio/devices/vfio12345 /run/box/dev/vfio/devices/vfio0 \
		/vfio/devices/box/dev/vfio/devices/vfio3; do
		MOCK_LINK=$link with_library map-unasked "$three_pages"
		equal "$link" 0x0 "$output"
	done
}

# By this name since Linux 7.3.
@test "the node of a device without an IOMMU is known" {
	for link in /dev/vfio/devices/noiommu-vfio0 /run/box/dev/vfio/devices/noiommu-vfio12; do
		MOCK_LINK=$link with_library map-unasked "$three_pages"
		equal "$link" 0x0 "$output"
	done
}

@test "without /proc, a device that was never asked about is passed" {
	MOCK_LINK=noproc with_library map-unasked "$three_pages"
	equal "distance" "$three_pages" "$output"
}

@test "a length that rounds up to a huge page is placed" {
	with_library round-up
}

@test "a mapping that comes up congruent is kept where it is" {
	with_library kept
}

@test "MAP_SHARED_VALIDATE is as good as MAP_SHARED" {
	with_library shared-validate
}

@test "MAP_32BIT holds for the better place too" {
	with_library below-2g
}

@test "what one mapping writes another reads, at the region's offset" {
	with_library bytes
}

@test "a region with sparse areas is placed like any other" {
	local areas
	areas=$(printf '2:0+1M 2:0x%x+0x%x' $((0x100000 + three_pages)) $((0xfff00000 - three_pages)))
	MOCK_AREAS=$areas with_library every-region
	MOCK_AREAS=$areas MOCK_LINK=noproc with_library every-region
}

@test "a hundred devices are placed by their links" {
	with_library many-devices
}

@test "without /proc, the latest of a hundred devices are known" {
	MOCK_LINK=noproc with_library many-devices
}

@test "without /proc, asking often makes nothing forgotten" {
	MOCK_LINK=noproc with_library asked-often
}

@test "where address space has no room to move, the program has its own mapping" {
	not_sanitized "the address space cannot be limited"
	with_library no-room 64M own
	with_library no-room 4G own
}

@test "room for the range once more and one huge page is enough to move" {
	not_sanitized "the address space cannot be limited"
	with_library no-room 5184M congruent
}

@test "when nothing fails, the first mapping is given back" {
	with_library map-once congruent nothing 0
}

@test "when the program's own call fails, its error is the answer" {
	for error in ENOMEM EAGAIN EINVAL EEXIST; do
		MOCK_FAIL=mmap:1:$error with_library map-fails
		with=$output
		MOCK_FAIL=mmap:1:$error without_library map-fails
		equal "$error" "$output" "$with"
		[[ $with != mapped ]]
	done
}

@test "when the reservation fails, the program has its own mapping" {
	MOCK_FAIL=mmap:2:ENOMEM with_library map-once own nothing 0
}

@test "when the device refuses a second mapping, the program has its own" {
	MOCK_FAIL=mmap:3:ENODEV with_library map-once own nothing 0
	MOCK_FAIL=mmap:3:ENOMEM with_library map-once own nothing 0
}

@test "when the place is taken, another is looked for" {
	MOCK_FAIL=mmap:3:EEXIST with_library map-once congruent nothing 0
}

@test "when the reservation cannot be given back, the program has its own mapping" {
	MOCK_FAIL=munmap:1:EINVAL with_library map-once own reservation 0
}

@test "when the first mapping cannot be given back, it is the program's" {
	MOCK_FAIL=munmap:2:EINVAL with_library map-once own nothing 0
	MOCK_FAIL=munmap:2:EINVAL,munmap:3:EINVAL with_library map-once own mapping 0
}

@test "when madvise fails, the program has the better mapping all the same" {
	MOCK_FAIL=madvise:1:EINVAL with_library map-once congruent nothing 0
}

@test "another thread's mapping in the place is left alone, and another place found" {
	not_sanitized "their runtime maps for itself meanwhile"
	MOCK_STEAL=1 with_library map-once congruent nothing 1
	MOCK_STEAL=7 with_library map-once congruent nothing 7
}

@test "after eight lost races the program has its own mapping" {
	not_sanitized "their runtime maps for itself meanwhile"
	MOCK_STEAL=100 with_library map-once own nothing 8
}

@test "MAP_FIXED_NOREPLACE that is not understood moves nothing elsewhere" {
	not_sanitized "their runtime maps for itself meanwhile"
	MOCK_NOREPLACE=ignored with_library every-region
	MOCK_NOREPLACE=ignored MOCK_STEAL=1 with_library map-once congruent nothing 1
	MOCK_NOREPLACE=ignored MOCK_STEAL=100 with_library map-once own nothing 8
}
