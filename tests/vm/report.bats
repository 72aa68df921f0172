#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# The report of real programs, against what they and the kernel say themselves.

load guest.bash

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export FOUR_GIB
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
}

setup() {
	command -v jq >/dev/null || skip "jq is missing: install the package jq"
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
}

# valid: the report is as libvfioalign(7) has it
valid() {
	local problems
	problems=$(jq -r -L "$abs_top_srcdir/tests" 'include "report-schema"; problems' "$VFIOALIGN_REPORT")
	equal "problems" "" "$problems"
}

# events EVENT FIELD...: of the events of BAR 2 of the device, a line each
events() {
	local event=$1 list
	shift
	list=$(printf ',.%s' "$@")
	jq -r "select(.event == \"$event\" and .device == \"$FOUR_GIB\" and .region == 2) |
		[${list:1}] | map(tostring) | join(\" \")" "$VFIOALIGN_REPORT"
}

# probed FAULTS PAGE OFFSET ARGUMENT...: the report has what the probe says of itself
probed() {
	local faults=$1 page=$2 offset=$(($3)) length
	shift 3
	with_library "$probe" "$@" "$FOUR_GIB"
	valid
	length=$(($(value length)))
	equal "the probe's faults" "$faults" "$(value faults)"
	equal "DMA map" "$offset $length $(value address) 0x100000000 $faults 0" \
		"$(events dma_map offset length address iova faults errno)"
	equal "mapping" "$offset $length $(value address) 1073741824 $page" \
		"$(events map offset length address best_page page)"
}

@test "the report has the faults that the program counts, for a congruent BAR" {
	probed 4 1073741824 0
}

@test "the report has the faults that the program counts, for a BAR one page off" {
	VFIOALIGN=misalign probed 1048576 4096 0
}

@test "the report has the faults that the program counts, from offset 0x101000 on" {
	probed 769 1073741824 0x101000 --offset 0x101000
}

@test "the report has the time that the program measures" {
	local own report
	VFIOALIGN=misalign with_library "$probe" "$FOUR_GIB"
	own=$(value dma_seconds)
	report=$(events dma_map duration_ns)
	# The program's clock also sees the report being written.
	awk -v own="$own" -v ns="$report" 'BEGIN { exit !(ns / 1e9 <= own && ns / 1e9 > own * 0.9) }' ||
		fail "program: $own s, report: $report ns"
}

# In QEMU's report the BAR is mapped once, and DMA-mapped with its four faults.
in_qemu() {
	run timeout 120 "$vm/qemu-measure" --preload "$library" "$FOUR_GIB" "$@"
	succeeded
	valid
	equal "mappings" "0 4294967296 $(awk '$2 == 2 { print $1 }' < <(value area)) 1073741824" \
		"$(events map offset length address page)"
	equal "DMA maps" "0 4294967296 0" "$(events dma_map offset length errno | sort -u)"
	equal "faults" 4 "$(events dma_map faults | awk '{ sum += $1 } END { print sum }')"
}

@test "QEMU's report has the BAR, and its DMA map with 4 faults" {
	in_qemu
}

@test "QEMU's sandbox lets it report" {
	in_qemu -- -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
}
