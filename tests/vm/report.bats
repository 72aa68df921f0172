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

four_gib=$((4 << 30))
# From here on a range starts in the middle of a block of every size.
middle=$((pmd / 2 + page))
huge=("$pmd")
((largest == pmd)) || huge=("$largest" "$pmd")

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
	local faults=$1 reached=$2 offset=$(($3)) length
	shift 3
	with_library "$probe" "$@" "$FOUR_GIB"
	valid
	length=$(($(value length)))
	equal "the probe's faults" "$faults" "$(value faults)"
	equal "DMA map" "$offset $length $(value address) 0x100000000 $faults 0" \
		"$(events dma_map offset length address iova faults errno)"
	equal "mapping" "$offset $length $(value address) $largest $reached" \
		"$(events map offset length address best_page page)"
}

@test "the report has the faults that the program counts, for a congruent BAR" {
	probed $((four_gib / largest)) "$largest" 0
}

@test "the report has the faults that the program counts, for a BAR one page off" {
	VFIOALIGN=misalign probed $((four_gib / page)) "$page" 0
}

@test "the report has the faults that the program counts, from the middle of a block on" {
	probed "$(least $middle $((four_gib - middle)))" "$largest" $middle --offset $middle
}

@test "the pages that are reported are those that the kernel has, whatever is aimed at" {
	VFIOALIGN=1G probed $((four_gib / largest)) "$largest" 0
	equal "the machine's pages" "$page [$(tr ' ' , <<<"${huge[*]}")]" \
		"$(jq -c 'select(.event == "start") | .base_page, .huge_pages' "$VFIOALIGN_REPORT" | xargs)"
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

# In QEMU's report the BAR is mapped once, and DMA-mapped with a fault for each of its largest pages.
in_qemu() {
	run timeout "$patience" "$vm/qemu-measure" --preload "$library" "$FOUR_GIB" "$@"
	succeeded
	valid
	equal "mappings" "0 4294967296 $(awk '$2 == 2 { print $1 }' < <(value area)) $largest" \
		"$(events map offset length address page)"
	equal "errors" 0 "$(events dma_map errno | sort -u)"
	# On arm64 QEMU starts with all BARs at 0, and maps what of them lies in the window there.
	equal "DMA maps" "0 4294967296" "$(events dma_map offset length | grep -v '^268435456 788463616$' | sort -u)"
	equal "faults" $((four_gib / largest)) \
		"$(events dma_map offset faults | awk '$1 == 0 { sum += $2 } END { print sum }')"
}

@test "QEMU's report has the BAR, and its DMA map with the least faults" {
	in_qemu
}

@test "QEMU's sandbox lets it report" {
	in_qemu -- -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
}
