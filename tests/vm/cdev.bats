#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# A device by its own node, bound to an iommufd, and by a group whose container iommufd is, on a kernel of
# tests/vm/kernel-build. iommufd takes no BARs, so that the faults are those of reading a word of each page.

load guest.bash

command=$abs_top_builddir/vfioalign
sparse=$abs_top_builddir/tests/vm/sparse.so
patterns=$abs_top_builddir/tests/patterns

# A range from here on begins in the middle of the largest page.
middle=$((0x100000 + page))

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	MEMORY=$(device_with_bar $((2 << 30)))
	export FOUR_GIB MEMORY
}

setup() {
	thp madvise
}

teardown() {
	[[ -z ${holder-} ]] || kill "$holder" || :
}

# node_of BDF: the device's own node
node_of() {
	local node
	node=$(echo "/sys/bus/pci/devices/$1/vfio-dev/"*)
	echo "/dev/vfio/devices/${node##*/}"
}

# The ways of the probe, which reads a word of each page.
by_node=(--cdev --every "$page")
by_group=(--container /dev/iommu --every "$page")

# as_by_hand OFFSET ARGUMENT...: from OFFSET to its end the BAR takes the faults of a mapping by hand
as_by_hand() {
	local faults
	with_library "$probe" --offset "$1" "${@:2}" "$FOUR_GIB"
	congruent "$(value address)" "$1" "$largest"
	faults=$(value faults)
	without_library "$probe" --offset "$1" --by-hand "$largest" "${@:2}" "$FOUR_GIB"
	equal "faults, and by hand" "$(value faults)" "$faults"
}

@test "a device opened by its node is known by that node" {
	with_library "$probe" "${by_node[@]}" "$FOUR_GIB"
	equal "link" "$(node_of "$FOUR_GIB")" "$(value link)"
	[[ $(value link) =~ ^/dev/vfio/devices/vfio[0-9]+$ ]] || fail "link: $(value link)"
}

@test "by its node a 4 GiB BAR takes one fault for each of the largest pages" {
	with_library "$probe" "${by_node[@]}" "$FOUR_GIB"
	equal faults $(((4 << 30) / largest)) "$(value faults)"
	congruent "$(value address)" 0 "$largest"
}

# own_faults FAULTS ARGUMENT...: as many as by itself?
own_faults() {
	without_library "$probe" --every "$page" "${@:2}" && equal faults "$1" "$(value faults)"
}

@test "by its node without the library the same BAR takes one for each page" {
	by_luck own_faults $(((4 << 30) / page)) --cdev "$FOUR_GIB"
}

@test "by its node from the middle to its end the BAR takes the faults of a mapping by hand" {
	as_by_hand "$middle" "${by_node[@]}"
	equal faults "$(least "$middle" $(((4 << 30) - middle)))" "$(value faults)"
}

@test "with THP never and always, a BAR by its node takes as few faults, where the kernel does not go by it" {
	kernel_ignores_thp || skip "this kernel goes by the setting"
	for setting in never always; do
		thp "$setting"
		with_library "$probe" "${by_node[@]}" "$FOUR_GIB"
		equal "$setting: faults" $(((4 << 30) / largest)) "$(value faults)"
	done
}

@test "by its node MAP_FIXED stays where it was asked, and is advised where that is congruent" {
	with_library "$probe" "${by_node[@]}" --length "$largest" --fixed $((0x600000000000 + page)) "$FOUR_GIB"
	equal address $((0x600000000000 + page)) "$(($(value address)))"
	equal faults $((largest / page)) "$(value faults)"
	with_library "$probe" "${by_node[@]}" --length "$largest" --fixed 0x600000000000 "$FOUR_GIB"
	equal address 0x600000000000 "$(value address)"
	equal faults 1 "$(value faults)"
}

@test "by its node a hint leads to the nearest congruent address above it" {
	with_library "$probe" "${by_node[@]}" --hint $((0x600000000000 + page)) "$FOUR_GIB"
	equal address $((0x600000000000 + largest)) "$(($(value address)))"
	equal faults $(((4 << 30) / largest)) "$(value faults)"
}

@test "by its node, the memory behind a BAR has the right bytes at the right offsets" {
	local at
	for at in 0 "$page" "$pmd" $((pmd + 5 * page)) $(((2 << 30) - page)); do
		with_library "$probe" --cdev --offset "$at" --write "at $at" "$MEMORY"
	done
	for at in 0 "$page" "$pmd" $((pmd + 5 * page)) $(((2 << 30) - page)); do
		without_library "$probe" --cdev --offset "$at" --pread $((${#at} + 3)) "$MEMORY"
		equal "bytes by pread" "at $at" "$(value bytes)"
		with_library "$probe" --cdev --offset "$at" --read $((${#at} + 3)) "$MEMORY"
		equal "bytes by mmap" "at $at" "$(value bytes)"
	done
}

# Offset and size of the areas of the memory's 2 GiB: whole, with a hole, and one in the middle whose size is
# a multiple of a larger power of two than its offset is.
areas=(
	"0+$((2 << 30))"
	"0+$((1 << 20)) $middle+$(((2 << 30) - middle))"
	"$middle+$((1 << 30))"
)

# all_congruent LAYOUTS WAY NAME PATTERN: the program of tests/patterns, by this name, has every area at
# the best address that there is; WAY are options of the probe, which opens the device for it
all_congruent() {
	local program=$BATS_TEST_TMPDIR/$3 layout offset size best reached
	cp "$patterns/$4" "$program"
	for layout in "${areas[@]:0:$1}"; do
		# shellcheck disable=SC2086 # options
		run timeout "$patience" "$probe" $2 "$MEMORY" env "LD_PRELOAD=$library $sparse" \
			"SPARSE_REGION_SIZE=$((2 << 30))" "SPARSE_AREAS=$layout" "$program"
		succeeded
		[[ $output ]] || fail "nothing was mapped"
		while read -r offset size best reached; do
			equal "$3, areas $layout, area $offset+$size" "$best" "$reached"
		done <<<"$output"
	done
}

# Each case of the library: place, steer, fixed, relocate.
calls_of_programs() {
	all_congruent 3 "$1" program qemu-7.2
	all_congruent 3 "$1" qemu-system-x86_64 qemu-10.0
	all_congruent 3 "$1" qemu-system-x86_64 qemu-11
	all_congruent 3 "$1" program dpdk
	all_congruent 3 "$1" program cloud-hypervisor-52
	all_congruent 3 "$1" cloud-hypervisor cloud-hypervisor-53
	all_congruent 3 "$1" program vpp
	all_congruent 3 "$1" program openvmm
}

@test "by its node, the calls of each program come out congruent on real memory" {
	calls_of_programs --cdev
}

@test "by its node, QEMU 10's areas that its rounding allows are congruent without relocation" {
	VFIOALIGN_RELOCATE=off all_congruent 2 --cdev qemu-system-x86_64 qemu-10.0
}

@test "by its node, programs that are not on the list are never relocated" {
	run "$probe" --cdev "$MEMORY" env "LD_PRELOAD=$library $sparse" "SPARSE_REGION_SIZE=$((2 << 30))" \
		"SPARSE_AREAS=${areas[2]}" "$patterns/qemu-10.0"
	succeeded
	equal "area" "$(printf '%#x 0x40000000 %dK 0K' "$middle" $((pmd >> 10)))" "$output"
}

@test "in a group whose container is iommufd's, a BAR takes the faults of a mapping by hand" {
	as_by_hand 0 "${by_group[@]}"
	equal faults $(((4 << 30) / largest)) "$(value faults)"
	equal "link" "anon_inode:[vfio-device]" "$(value link)"
	as_by_hand "$middle" "${by_group[@]}"
}

@test "in a group whose container is iommufd's, the calls of each program come out congruent" {
	calls_of_programs "--container /dev/iommu"
}

@test "iommufd's container refuses to DMA-map a BAR, with the library and without" {
	for preload in "" "$library"; do
		run env LD_PRELOAD="$preload" "$probe" --container /dev/iommu "$FOUR_GIB"
		equal "status" 1 "$status"
		[[ $output == *"VFIO_IOMMU_MAP_DMA: Bad address"* ]] || fail "$output"
	done
}

@test "type1 DMA-maps a BAR of this kernel with one fault for each of the largest pages" {
	with_library "$probe" "$FOUR_GIB"
	equal faults $(((4 << 30) / largest)) "$(value faults)"
}

@test "a report and a log line have the name of a device's node" {
	with_library env VFIOALIGN_LOG=info "VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report" \
		"$probe" --cdev --every "$largest" "$FOUR_GIB"
	[[ $output == *"region 2 offset 0x0 length 0x100000000: "*" pages, placed: "* ]] || fail "$output"
	node=$(node_of "$FOUR_GIB")
	[[ $(<"$BATS_TEST_TMPDIR/report") == *"\"device\":\"${node##*/}\""* ]] ||
		fail "$(<"$BATS_TEST_TMPDIR/report")"
}

# hold ARGUMENT...: a process that has mapped what the probe maps, $holder, until the test ends
hold() {
	local tries
	timeout "$patience" "$@" >"$BATS_TEST_TMPDIR/held" 3>&- &
	holder=$!
	for ((tries = 0; tries < patience * 10; tries++)); do
		! grep -q '^pte_kb=' "$BATS_TEST_TMPDIR/held" || return 0
		sleep 0.1
	done
	fail "it did not come so far" "$(<"$BATS_TEST_TMPDIR/held")"
}

@test "show tells the device of a node, and whether its address is good" {
	hold env "LD_PRELOAD=$library" "$probe" --cdev --every "$largest" --stay "$FOUR_GIB"
	run "$command" show --json probe
	equal "status" 0 "$status"
	equal "device, BAR, best, has, limit" "$FOUR_GIB 2 $largest $largest null" \
		"$(jq -r '.mappings[] | "\(.device) \(.bar) \(.best) \(.has) \(.limit)"' <<<"$output")"
	kill "$holder"
	hold "$probe" --cdev --offset "$middle" --fixed 0x600000000000 --every "$largest" --stay "$FOUR_GIB"
	run "$command" show --json probe
	equal "status" 1 "$status"
	equal "device, has, limit, faults" "$FOUR_GIB $page address $((((4 << 30) - middle) / page))" \
		"$(jq -r '.mappings[] | "\(.device) \(.has) \(.limit) \(.faults)"' <<<"$output")"
}

@test "check finds this machine good, with the right BARs" {
	run "$command" check --json
	((status == 0)) || fail "status $status" "$output"
	local text size=$((largest >> 20))M
	((largest < 1 << 30)) || size=$((largest >> 30))G
	text=$(jq -r ".checks[] | select(.item == \"$FOUR_GIB\") | .text" <<<"$output")
	[[ $text == "BAR 2 of 4G with $size pages: $(((4 << 30) / largest)) faults instead of "* ]] || fail "$text"
}

@test "bench measures through type1" {
	run timeout "$patience" "$command" bench --json --runs 1 --size 1G --arms natural,auto "$FOUR_GIB"
	succeeded
	equal "faults of auto" "$(((1 << 30) / largest))" \
		"$(jq -r '.bench[] | select(.arm == "auto") | .faults' <<<"$output")"
}

@test "bench says that it needs type1, where iommufd is the container and where there is none" {
	# As with CONFIG_IOMMUFD_VFIO_CONTAINER: what answers there is iommufd.
	mv /dev/vfio/vfio /dev/vfio/elsewhere
	ln -s /dev/iommu /dev/vfio/vfio
	run timeout "$patience" "$command" bench --runs 1 --arms auto "$FOUR_GIB"
	rm /dev/vfio/vfio
	equal "status" 2 "$status"
	[[ $output == "vfioalign bench: the container /dev/vfio/vfio is iommufd's here: "*type1*"iommufd refuses them"* ]] ||
		fail "$output"
	run timeout "$patience" "$command" bench --runs 1 --arms auto "$FOUR_GIB"
	mv /dev/vfio/elsewhere /dev/vfio/vfio
	equal "status" 2 "$status"
	[[ $output == "vfioalign bench: there is no /dev/vfio/vfio here: "*type1*"iommufd refuses them"* ]] ||
		fail "$output"
}
