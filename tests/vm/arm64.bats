#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What only arm64 has: marks for BTI, and pages of other sizes.

load guest.bash
# shellcheck source=tests/vm/qemu.bash
. "$abs_top_srcdir/tests/vm/qemu.bash"

command=$abs_top_builddir/vfioalign

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export FOUR_GIB
}

setup() {
	thp madvise
	command -v jq >/dev/null || skip "jq is missing: install the package jq"
}

teardown() {
	qemu_clean
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
