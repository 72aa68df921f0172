#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# Unmodified programs of the distributions, on a whole BAR and on BARs with holes. The kernel itself
# counts the pages that it maps of BARs (bar-faults).

load guest.bash
load programs.bash

setup_file() {
	prepare_hugepages
}

setup() {
	thp madvise
	find_devices
}

# measured COMMAND...: with the faults on BARs
measured() {
	run timeout "$patience" "$vm/bar-faults" "$@"
	succeeded
}

# mapped_at_best LAYOUT: as few faults as there can be, but for those on other BARs
mapped_at_best() {
	local gib mib kib
	# shellcheck disable=SC2046 # words
	read -r gib mib kib < <(best_pages 4096 $(areas_of "$1"))
	areas_congruent || fail "$1: not congruent" "$output"
	equal "$1: 1 GiB pages" "$gib" "$(value bar_1g)"
	equal "$1: 2 MiB pages" "$mib" "$(value bar_2m)"
	(($(value bar_4k) <= kib + 8)) || fail "$1: 4 KiB pages: $(value bar_4k), expected $kib" "$output"
}

# qemu_at_best VERSION
qemu_at_best() {
	local layout
	for layout in "${layout_names[@]}"; do
		set_layout "$layout"
		measured "$vm/qemu-measure" --tree "${qemu_tree[$1]}" --preload "$library $sparse" "$bdf"
		mapped_at_best "$layout"
		[[ $(value bar) == *"BAR2: 64 bit prefetchable memory at 0x"* ]] ||
			fail "$layout: the firmware does not see the BAR" "$output"
	done
}

@test "QEMU 7.2 has every area congruent, whole and with holes, with THP madvise" {
	qemu_at_best 7.2
}

@test "QEMU 7.2 has every area congruent, whole and with holes, with THP always" {
	thp always
	qemu_at_best 7.2
}

@test "QEMU 10.0 has every area congruent, whole and with holes, with THP madvise" {
	qemu_at_best 10.0
}

@test "QEMU 10.0 has every area congruent, whole and with holes, with THP always" {
	thp always
	qemu_at_best 10.0
}

@test "QEMU 11 has every area congruent, whole and with holes, with THP madvise" {
	qemu_at_best 11
}

@test "QEMU 11 has every area congruent, whole and with holes, with THP always" {
	thp always
	qemu_at_best 11
}

@test "QEMU 10.0 has no more page tables than QEMU 11 has by itself" {
	local pte_kb
	set_layout hole
	measured "$vm/qemu-measure" --tree "${qemu_tree[11]}" --preload "$sparse" "$bdf"
	mapped_at_best hole
	pte_kb=$(value pte_kb)
	measured "$vm/qemu-measure" --tree "${qemu_tree[10.0]}" --preload "$library $sparse" "$bdf"
	# Each has some of its own; 4 GiB in 4 KiB pages are 8,192 kB.
	(($(value pte_kb) <= pte_kb + 100)) || fail "VmPTE: $(value pte_kb) kB, QEMU 11 has $pte_kb kB"
}

@test "QEMU 10.0 has an area behind a hole congruent by steering alone and by relocation alone" {
	set_layout hole
	for off in STEER RELOCATE; do
		measured env "VFIOALIGN_$off=off" "$vm/qemu-measure" --tree "${qemu_tree[10.0]}" \
			--preload "$library $sparse" "$bdf"
		mapped_at_best hole
	done
}

# QEMU 10.0 rounds the address up to 1 GiB because the area's size is a multiple of that: wherever its
# reservation is, an area that does not begin at a multiple of 2 MiB is never congruent by itself.
@test "QEMU 10.0 has an area in the middle congruent by relocation, and not by steering" {
	set_layout middle
	measured env VFIOALIGN_STEER=off "$vm/qemu-measure" --tree "${qemu_tree[10.0]}" \
		--preload "$library $sparse" "$bdf"
	mapped_at_best middle
	measured env VFIOALIGN_RELOCATE=off "$vm/qemu-measure" --tree "${qemu_tree[10.0]}" \
		--preload "$library $sparse" "$bdf"
	equal "congruent areas" "0 of 1" "$(congruent_of_areas)"
}

@test "QEMU 10.0 with VFIOALIGN_STEER and VFIOALIGN_RELOCATE off is as without the library" {
	set_layout middle
	measured env VFIOALIGN_STEER=off VFIOALIGN_RELOCATE=off "$vm/qemu-measure" \
		--tree "${qemu_tree[10.0]}" --preload "$library $sparse" "$bdf"
	equal "congruent areas" "0 of 1" "$(congruent_of_areas)"
	(($(value bar_4k) > 1000000)) || fail "not as by itself" "$output"
}

@test "QEMU 10.0 runs in its seccomp sandbox with the BAR congruent" {
	set_layout middle
	measured "$vm/qemu-measure" --tree "${qemu_tree[10.0]}" --preload "$library $sparse" "$bdf" -- \
		-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
	mapped_at_best middle
}

@test "QEMU 7.2 and 11 run in their seccomp sandbox with the BAR congruent" {
	set_layout hole
	for version in 7.2 11; do
		measured "$vm/qemu-measure" --tree "${qemu_tree[$version]}" --preload "$library $sparse" "$bdf" -- \
			-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
		mapped_at_best hole
	done
}

@test "QEMU 10.0 gives up root and changes its root with the BAR congruent" {
	set_layout hole
	# Who is not root may pin no more than this of the guest's memory.
	ulimit -l unlimited
	measured "$vm/qemu-measure" --tree "${qemu_tree[10.0]}" --preload "$library $sparse" "$bdf" -- \
		-run-with chroot=/mnt,user=nobody
	mapped_at_best hole
}

# QEMU 10.0 aligns whole BARs by itself.
@test "QEMU 7.2 has two devices' BARs congruent" {
	set_layout whole
	measured "$vm/qemu-measure" --tree "${qemu_tree[7.2]}" --preload "$library" "$bdf" -- \
		-device "vfio-pci,host=${layout_bdf[middle]}"
	areas_congruent || fail "not congruent" "$output"
	equal "BARs 2" 2 "$(value area | awk '$2 == 2' | wc -l)"
	equal "1 GiB pages" 12 "$(value bar_1g)"
}

# dpdk_least VERSION LAYOUT: with how many faults dpdk-app can read the BAR at the least
dpdk_least() {
	local gib mib kib
	# shellcheck disable=SC2046 # words
	read -r gib mib kib < <(best_pages "$dpdk_step" $(dpdk_areas "$1" "$2"))
	echo $((gib + mib + kib))
}

# dpdk_at_best VERSION LAYOUT [OPTION...]
dpdk_at_best() {
	local area mapped=0
	measured "$vm/dpdk-measure" --tree "${dpdk_tree[$1]}" "${@:3}" "$bdf"
	[[ $(value version) == *" $1."* ]] || fail "this is not DPDK $1" "$output"
	equal "what the device says" mmio-no-eventfd "$(value test)"
	for area in $(dpdk_areas "$1" "$2"); do mapped=$((mapped + ${area#*+})); done
	equal "mapped bytes" "$mapped" "$(($(value mapped)))"
	areas_congruent || fail "DPDK $1, $2: not congruent" "$output"
	equal "DPDK $1, $2: faults of reading it" "$(dpdk_least "$1" "$2")" "$(value faults)"
	# A few hundred are its own; 4 GiB in 4 KiB pages are 8,192 kB.
	(($(value pte_kb) < 1000)) || fail "DPDK $1, $2: VmPTE: $(value pte_kb) kB" "$output"
}

# dpdk_alone_at_best VERSION: a primary process
dpdk_alone_at_best() {
	local layout
	for layout in "${layout_names[@]}"; do
		set_layout "$layout"
		dpdk_at_best "$1" "$layout" --preload "$library $sparse"
		# It reads a page of BAR 0 as well.
		equal "$layout: faults on BARs" $(($(dpdk_least "$1" "$layout") + 1)) "$(value bar_faults)"
	done
}

# dpdk_both_at_best VERSION: a primary and a secondary process
dpdk_both_at_best() {
	local layout preload least
	for layout in "${layout_names[@]}"; do
		set_layout "$layout"
		preload="$library $sparse"
		dpdk_at_best "$1" "$layout" --preload "$preload" --secondary-preload "$preload"
		least=$(dpdk_least "$1" "$layout")
		equal "$layout: address" "$(value address)" "$(value secondary_address)"
		equal "$layout: mapped by the secondary" "$(value mapped)" "$(value secondary_mapped)"
		equal "$layout: what the device says to the secondary" mmio-no-eventfd "$(value secondary_test)"
		equal "$layout: faults of the secondary" "$least" "$(value secondary_faults)"
		(($(value secondary_pte_kb) < 1000)) || fail "$layout: VmPTE of the secondary" "$output"
		# Each reads a page of BAR 0 as well.
		equal "$layout: faults on BARs" $((2 * (least + 1))) "$(value bar_faults)"
	done
}

@test "DPDK 22.11 has the BAR congruent in both processes, and takes no notice of holes" {
	dpdk_both_at_best 22.11
}

@test "DPDK 24.11 has every area congruent in both processes, whole and with holes" {
	dpdk_both_at_best 24.11
}

# Without a secondary process, and so without huge pages of its own.
@test "DPDK 22.11 has the BAR congruent with THP always, and takes no notice of holes" {
	thp always
	dpdk_alone_at_best 22.11
}

@test "DPDK 24.11 has every area congruent, whole and with holes, with THP always" {
	thp always
	dpdk_alone_at_best 24.11
}

@test "the faults that are expected of DPDK are those of reading a BAR mapped by hand" {
	local areas least
	for layout in "${layout_names[@]}"; do
		set_layout "$layout"
		read -r -a areas < <(dpdk_areas 24.11 "$layout")
		least=$(dpdk_least 24.11 "$layout")
		measured "$vm/read-by-hand" "$bdf" "$dpdk_step" "${areas[@]}"
		equal "$layout: faults on BARs" $((least + 1)) "$(value bar_faults)"
	done
}

# That is no chance: the EAL's addresses begin at a fixed one, and BAR 2 comes a page after BAR 0.
@test "DPDK 22.11 and 24.11 by themselves map it with small ones" {
	set_layout whole
	for version in 22.11 24.11; do
		measured "$vm/dpdk-measure" --tree "${dpdk_tree[$version]}" "$bdf"
		equal "1 GiB pages" 0 "$(value bar_1g)"
		! areas_congruent || fail "congruent by itself: the test before says nothing" "$output"
	done
}

# secondary_of_helped_primary FAULTS: the primary has the library, the secondary has not
secondary_of_helped_primary() {
	for version in 22.11 24.11; do
		dpdk_at_best "$version" whole --preload "$library" --secondary
		equal "address" "$(value address)" "$(value secondary_address)"
		equal "faults of the secondary" "$1" "$(value secondary_faults)"
	done
}

@test "a DPDK secondary process without the library has huge pages where no MADV_HUGEPAGE is needed" {
	set_layout whole
	# With madvise, every read is a fault before Linux 7.3: the secondary process gives no advice.
	if kernel_ignores_thp; then
		secondary_of_helped_primary 4
	else
		secondary_of_helped_primary $(((4 << 30) / dpdk_step))
	fi
}

@test "a DPDK secondary process without the library has huge pages with THP always" {
	set_layout whole
	thp always
	secondary_of_helped_primary 4
}

@test "a DPDK secondary process maps what the primary has, with the library in itself alone" {
	set_layout whole
	for version in 22.11 24.11; do
		measured "$vm/dpdk-measure" --tree "${dpdk_tree[$version]}" --secondary-preload "$library" "$bdf"
		equal "address" "$(value address)" "$(value secondary_address)"
	done
}

# testpmd [VARIABLE=VALUE...]: what DPDK's own application says on an emulated NIC
testpmd() {
	local nic
	read -r nic _ < <("$vm/vfio-bind" 8086:10d3)
	run timeout "$patience" "$vm/in-tree" "${dpdk_tree[$version]}" env "$@" dpdk-testpmd --lcores 0@0,1@0 -a "$nic" \
		--no-huge -m 64 --no-telemetry -- --total-num-mbufs=2048 -i <<<quit
	succeeded
}

@test "dpdk-testpmd behaves the same with and without the library on a NIC with small BARs" {
	local own version
	for version in 22.11 24.11; do
		testpmd VFIOALIGN=auto
		own=$output
		[[ $own == *"Configuring Port 0"*"Port 0 is closed"* ]] || fail "testpmd found no port" "$own"
		testpmd LD_PRELOAD="$library"
		equal "testpmd of $version" "$own" "$output"
		# It was not for want of the library.
		testpmd LD_PRELOAD="$library" VFIOALIGN_PROBE=1
		[[ $output == "libvfioalign "* ]] || fail "the library did not load" "$output"
	done
}

# start_with_ports TREE PRELOAD [QEMU-ARGUMENT...]: a QEMU without devices that has two slots
start_with_ports() {
	# shellcheck source=tests/vm/qemu.bash
	. "$vm/qemu.bash"
	trap qemu_clean EXIT
	qemu_machine qemu-system-x86_64
	qemu_start "$vm/in-tree" "$1" env LD_PRELOAD="$2" "${qemu[@]}" \
		-device pcie-root-port,id=port1,chassis=1,slot=1 \
		-device pcie-root-port,id=port2,chassis=2,slot=2 "${@:3}"
	monitor "info pci"
	# shellcheck disable=SC2086 # a list
	qemu_loaded "$qemu_pid" $2
}

end_with_ports() {
	qemu_end
	qemu_clean
	trap - EXIT
}

# plug [LAYOUT PORT ID]...: all at once
plug() {
	while (($#)); do
		echo "device_add vfio-pci,host=${layout_bdf[$1]},bus=$2,id=$3" >&"$qemu_commands"
		shift 3
	done
	monitor "info pci"
}

# reset_guest: until the firmware has programmed the BARs and QEMU has DMA-mapped them
reset_guest() {
	monitor system_reset
	qemu_wait_for_bars "${layout_bdf[hole]}"
	qemu_wait_for_bars "${layout_bdf[middle]}"
}

# unplug ID...: does the guest's part too, which is to eject by way of ACPI (docs/specs/acpi_pci_hotplug.rst
# of QEMU): 0xcd0 chooses the port, 0xcc8 has a bit for each slot. Waits until all is gone.
unplug() {
	local id port tries
	for id; do monitor "device_del $id"; done
	for port in 0 1; do
		monitor "o /w 0xcd0 $port"
		monitor "o /w 0xcc8 1"
	done
	for ((tries = 0; tries < patience * 5; tries++)); do
		[[ $(<"/proc/$qemu_pid/maps") == *vfio-device* || $(device_fds) ]] || return 0
		read -r -t 0.2 -u "$qemu_nothing" || :
	done
	fail "the devices were not unplugged" "$(<"/proc/$qemu_pid/maps")"
}

# plugged_congruent WHEN COUNT: are there so many BARs, and all congruent?
plugged_congruent() {
	output=$("$vm/vfio-areas" "$qemu_pid" | sed 's/^/area=/')
	equal "QEMU $version, $1" "$2 of $2" "$(congruent_of_areas)"
}

# device_fds: of the QEMU that runs, the lowest first
device_fds() {
	find "/proc/$qemu_pid/fd" -lname 'anon_inode:\[vfio-device\]' -printf '%f\n' | sort -n
}

@test "devices that are plugged in, unplugged while DMA-mapped and plugged in at another's fd are congruent" {
	local fds version
	set_layout hole
	# It would mend what was steered by an answer that is no longer true.
	export VFIOALIGN_RELOCATE=off
	for version in 7.2 10.0 11; do
		start_with_ports "${qemu_tree[$version]}" "$library $sparse"
		plug middle port1 one hole port2 two
		plugged_congruent "two at once" 2
		reset_guest
		plugged_congruent "programmed" 2
		mapfile -t fds < <(device_fds)
		unplug one two
		# The BAR that the library knows at this fd had another size and no hole.
		plug hole port1 three
		equal "QEMU $version: the fd of the first" "${fds[0]}" "$(device_fds)"
		plugged_congruent "again" 1
		plug middle port2 four
		reset_guest
		plugged_congruent "both again" 2
		end_with_ports
	done
}

# In a root directory without /proc, where the library cannot ask what an fd is.
@test "a device that is plugged in when QEMU has given up root and its root directory is congruent" {
	local give group jail=/mnt/jail version
	set_layout hole
	group=$(readlink "/sys/bus/pci/devices/$bdf/iommu_group")
	chown nobody "/dev/vfio/${group##*/}"
	# Who is not root may pin no more than this of the guest's memory.
	ulimit -l unlimited
	for version in 7.2 10.0 11; do
		give=(-run-with "chroot=$jail,user=nobody")
		[[ $version != 7.2 ]] || give=(-chroot "$jail" -runas nobody)
		"$vm/in-tree" "${qemu_tree[$version]}" sh -ec "mkdir -p $jail/dev $jail/sys
			mount --rbind /dev $jail/dev; mount --rbind /sys $jail/sys"
		start_with_ports "${qemu_tree[$version]}" "$library $sparse" "${give[@]}"
		equal "user" nobody "$(stat -c %U "/proc/$qemu_pid")"
		[[ ! -e /proc/$qemu_pid/root/proc ]] || fail "there is /proc"
		plug hole port1 one
		plugged_congruent "without root" 1
		end_with_ports
	done
}
