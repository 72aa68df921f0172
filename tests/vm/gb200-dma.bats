#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# A region of a GB200's size, DMA-mapped. Undoing that takes a step for every small page: on an emulated CPU
# minutes for those of 4 KiB, and half a minute for those of 16 KiB.

load guest.bash

setup_file() {
	LARGE=$(device_with_bar $((256 << 30)))
	export LARGE
}

setup() {
	thp madvise
	command -v jq >/dev/null || skip "jq is missing: install the package jq"
}

@test "a GB200's region is DMA-mapped with the least faults" {
	of_size $((256 << 30)) "$gb200" with_library env LD_PRELOAD="$library $sparse" \
		"$probe" --length "$gb200" "$LARGE"
	equal faults "$(least 0 "$gb200")" "$(value faults)"
}

@test "QEMU maps a GB200's region with the least faults" {
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	of_size $((256 << 30)) "$gb200" run timeout "$patience" \
		"$vm/qemu-measure" --preload "$library $sparse" "$LARGE"
	succeeded
	equal "areas" "0x0 0x2f00f00000 $(size_name "$largest")" "$(bar_2_areas)"
	equal "faults" "$(least 0 "$gb200")" \
		"$(jq -s 'map(select(.event == "dma_map" and .length == 201879191552).faults) | add' "$VFIOALIGN_REPORT")"
}
