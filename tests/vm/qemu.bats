#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# The distribution's own QEMU, unmodified, with the device passed through.

load guest.bash

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export FOUR_GIB
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
}

measured() {
	run timeout "$patience" "$vm/qemu-measure" "$@"
	succeeded
}

# bar_2: ADDRESS OFFSET PAGE of QEMU's mappings of BAR 2
bar_2() {
	awk '$2 == 2 { print $1, $3, $5 }' < <(value area)
}

@test "QEMU maps the BAR congruent modulo its largest pages and its firmware sees the BAR" {
	measured --preload "$library" "$FOUR_GIB"
	read -r address offset reached < <(bar_2)
	equal page "$(size_name "$largest")" "$reached"
	congruent "$address" "$offset" "$largest"
	grep -q 'BAR2: 64 bit prefetchable memory at 0x[0-9a-f]* \[0x[0-9a-f]*ffffffff\]' <<<"$(value bar)" ||
		fail "the firmware does not see the BAR" "$output"
}

# Where the BAR falls without the library is a matter of luck; the control arm is not.
@test "QEMU takes a fault for every page with the BAR one page off, and few with it congruent" {
	local pages=$(((4 << 30) / page)) faults pte_kb
	measured --preload "$library" "$FOUR_GIB"
	faults=$(value faults)
	pte_kb=$(value pte_kb)
	export VFIOALIGN=misalign
	measured --preload "$library" "$FOUR_GIB"
	(($(value faults) > pages)) || fail "faults one page off: $(value faults)"
	((faults < pages / 50)) || fail "faults when congruent: $faults"
	# A page-table entry has 8 bytes, and VmPTE is in whole kB.
	# shellcheck disable=SC2017
	(($(value pte_kb) - pte_kb > pages * 8 / 1024 * 9 / 10)) ||
		fail "VmPTE: $pte_kb kB when congruent, $(value pte_kb) kB one page off"
}
