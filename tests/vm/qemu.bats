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
	run timeout 120 "$vm/qemu-measure" "$@"
	succeeded
}

# bar_2: ADDRESS OFFSET PAGE of QEMU's mappings of BAR 2
bar_2() {
	awk '$2 == 2 { print $1, $3, $5 }' < <(value area)
}

@test "QEMU maps the BAR congruent modulo 1 GiB and its firmware sees the BAR" {
	measured --preload "$library" "$FOUR_GIB"
	read -r address offset page < <(bar_2)
	equal page 1G "$page"
	congruent "$address" "$offset" 0x40000000
	grep -q 'BAR2: 64 bit prefetchable memory at 0x[0-9a-f]* \[0x[0-9a-f]*ffffffff\]' <<<"$(value bar)" ||
		fail "the firmware does not see the BAR" "$output"
}

@test "QEMU takes fewer faults and less page-table memory than without the library" {
	local faults pte_kb
	measured --preload "$library" "$FOUR_GIB"
	faults=$(value faults)
	pte_kb=$(value pte_kb)
	measured "$FOUR_GIB"
	((faults < $(value faults))) || fail "faults: $faults with, $(value faults) without"
	((pte_kb < $(value pte_kb))) || fail "VmPTE: $pte_kb kB with, $(value pte_kb) kB without"
	read -r _ _ page < <(bar_2)
	[[ $page != 1G ]] || fail "the kernel's own placement is as good: this test says nothing"
}
