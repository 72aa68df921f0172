#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is there on x86-64 alone of a kernel with the VFIO cdev: a QEMU that uses it, and a device without
# an IOMMU.

load guest.bash
load programs.bash

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export FOUR_GIB
}

setup() {
	thp madvise
}

# qemu_by_node PRELOADS AREAS: an unmodified QEMU 10.0 has the BAR by its node
qemu_by_node() {
	run env "SPARSE_REGION_SIZE=$((4 << 30))" "SPARSE_AREAS=$2" timeout "$patience" "$vm/qemu-measure" \
		--tree "${qemu_tree[10.0]}" --preload "$1" "$FOUR_GIB" -- \
		-object iommufd,id=iommufd -device "vfio-pci,host=$FOUR_GIB,iommufd=iommufd"
	succeeded
	[[ $(value bar) == *"BAR2: 64 bit prefetchable memory at 0x"* ]] || fail "the firmware does not see the BAR" "$output"
	[[ $(value node) == */dev/vfio/devices/vfio* ]] || fail "this is not by a node" "$output"
}

@test "QEMU 10.0 with an iommufd has every area congruent, by steering and by relocation" {
	for areas in "0+$((4 << 30))" "0+0x100000 0x101000+0xffeff000" "0x101000+0x80000000"; do
		qemu_by_node "$library $sparse" "$areas"
		areas_congruent || fail "areas $areas: not congruent" "$output"
	done
}

@test "QEMU 10.0 with an iommufd has an area behind a hole not congruent by itself" {
	qemu_by_node "$sparse" "0+0x100000 0x101000+0xffeff000"
	equal "congruent areas" "0 of 1" "$(congruent_of_areas)"
}

# own_faults FAULTS ARGUMENT...: as many as by itself?
own_faults() {
	without_library "$probe" --every "$page" "${@:2}" && equal faults "$1" "$(value faults)"
}

@test "a device without an IOMMU has huge pages by its node" {
	echo Y >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
	device=$(device_with_bar $((1 << 30)))
	[[ $(echo "/sys/bus/pci/devices/$device/vfio-dev/"*) == */noiommu-vfio* ]] || fail "it has an IOMMU"
	with_library "$probe" --cdev --every "$page" "$device"
	[[ $(value link) == /dev/vfio/devices/noiommu-vfio[0-9]* ]] || fail "link: $(value link)"
	equal faults 1 "$(value faults)"
	by_luck own_faults 262144 --cdev "$device"
}
