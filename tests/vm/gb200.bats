#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# A region of a GB200's size: what a sparse area makes of a BAR of 256 GiB.

load guest.bash

setup_file() {
	LARGE=$(device_with_bar $((256 << 30)))
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export LARGE FOUR_GIB
}

setup() {
	thp madvise
}

@test "of a GB200's region each huge page takes one fault, and its end a small one" {
	of_size $((256 << 30)) "$gb200" with_library env LD_PRELOAD="$library $sparse" \
		"$probe" --length "$gb200" --every "$pmd" "$LARGE"
	equal faults $(((gb200 + pmd - 1) / pmd)) "$(value faults)"
}

# QEMU 10.0 aligns a region by the lowest bit of its size.
small_pages() {
	run timeout "$patience" "$vm/qemu-measure" --preload "$sparse" "$FOUR_GIB"
	succeeded && equal "areas" "0x0 0xf0f10000 $(size_name "$page")" "$(bar_2_areas)"
}

@test "QEMU without the library maps a region of such a shape with small pages" {
	of_size $((4 << 30)) 0xF0F10000 by_luck small_pages
	(($(value faults) > 0xF0F10000 / page)) || fail "faults: $(value faults)"
}
