#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What only arm64 has: regions of a GB200's size, marks for BTI. The sparse area makes a BAR of 256 GiB
# such a region.

load guest.bash
# shellcheck source=tests/vm/qemu.bash
. "$abs_top_srcdir/tests/vm/qemu.bash"

command=$abs_top_builddir/vfioalign
sparse=$abs_top_builddir/tests/vm/sparse.so
gb200=$((0x2F00F00000))

setup_file() {
	LARGE=$(device_with_bar $((256 << 30)))
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export LARGE FOUR_GIB
}

setup() {
	thp madvise
	command -v jq >/dev/null || skip "jq is missing: install the package jq"
}

teardown() {
	qemu_clean
}

# of_size BAR LENGTH COMMAND...: a BAR of this size ends at LENGTH
of_size() {
	SPARSE_REGION_SIZE=$1 SPARSE_AREAS="0+$2" "${@:3}"
}

# bar_2: OFFSET LENGTH PAGE of QEMU's mappings of BAR 2
bar_2() {
	awk '$2 == 2 { print $3, $4, $5 }' < <(value area)
}

@test "the library is marked for BTI and PAC" {
	run readelf -nW "$library"
	[[ $output == *"AArch64 feature: BTI, PAC"* ]] || fail "no such mark" "$output"
}

@test "check reckons with the machine's pages" {
	local faults
	faults=$(sed ':a; s/\B[0-9]\{3\}\>/,&/; ta' <<<$(((4 << 30) / largest)))
	run "$command" check --json
	[[ $output == *"BAR 2 of 4G with $(size_name "$largest") pages: $faults faults instead of "* ]] ||
		fail "status $status" "$output"
}

@test "show tells the pages that QEMU has from those that it could have" {
	qemu_machine qemu-system-aarch64
	qemu_start env LD_PRELOAD="$library" VFIOALIGN=misalign "${qemu[@]}" -device "vfio-pci,host=$FOUR_GIB"
	qemu_wait_for_bars "$FOUR_GIB"
	run "$command" show --json "$qemu_pid"
	equal "status" 1 "$status"
	equal "BAR 2" "$largest $page address" \
		"$(jq -r '.mappings[] | select(.bar == 2) | "\(.best) \(.has) \(.limit)"' <<<"$output")"
	qemu_end
}

@test "a GB200's region takes the least faults, and the small pages are at its end" {
	of_size $((256 << 30)) "$gb200" with_library env LD_PRELOAD="$library $sparse" \
		"$probe" --length "$gb200" "$LARGE"
	equal faults "$(least 0 "$gb200")" "$(value faults)"
}

@test "QEMU maps a GB200's region with the least faults" {
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	of_size $((256 << 30)) "$gb200" run timeout "${patience:-120}" \
		"$vm/qemu-measure" --preload "$library $sparse" "$LARGE"
	succeeded
	equal "areas" "0x0 0x2f00f00000 $(size_name "$largest")" "$(bar_2)"
	equal "faults" "$(least 0 "$gb200")" \
		"$(jq -s 'map(select(.event == "dma_map" and .length == 201879191552).faults) | add' "$VFIOALIGN_REPORT")"
}

# QEMU 10.0 aligns a region by the lowest bit of its size.
small_pages() {
	run timeout "${patience:-120}" "$vm/qemu-measure" --preload "$sparse" "$FOUR_GIB"
	succeeded && equal "areas" "0x0 0xf0f10000 $(size_name "$page")" "$(bar_2)"
}

@test "QEMU without the library maps a region of such a shape with small pages" {
	of_size $((4 << 30)) 0xF0F10000 by_luck small_pages
	(($(value faults) > 0xF0F10000 / page)) || fail "faults: $(value faults)"
}
