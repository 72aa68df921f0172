#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# vfioalign bench and ab on a real VFIO device.

load guest.bash

vfioalign=$abs_top_builddir/vfioalign
one_gib=$((1 << 30))

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export FOUR_GIB
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
}

setup() {
	command -v jq >/dev/null || skip "jq is missing: install the package jq"
}

# bench ARGUMENT...: JSON in $output
bench() {
	run timeout "$patience" "$vfioalign" bench --json "$@" "$FOUR_GIB"
	succeeded
}

# of ARM KEY
of() {
	jq -r --arg arm "$1" --arg key "$2" '.bench[] | select(.arm == $arm) | .[$key]' <<<"$output"
}

@test "bench: the arm 1G takes exactly the faults and page tables of a mapping made by hand" {
	bench --runs 2 --arms auto,1G,2M,misalign --size 1G
	for key in faults faults_min faults_max page page_tables_kb; do
		equal "$key" "$(of hand $key)" "$(of 1G $key)"
		equal "$key" "$(of hand $key)" "$(of auto $key)"
	done
	equal "by hand" $((one_gib / largest)) "$(of hand faults)"
	equal "2M" $((one_gib / pmd)) "$(of 2M faults)"
	equal "misalign" $((one_gib / page)) "$(of misalign faults)"
	equal "pages" "$largest $pmd $page" "$(of 1G page) $(of 2M page) $(of misalign page)"
	# An entry for a page has 8 bytes.
	(($(of misalign page_tables_kb) > $(of 1G page_tables_kb) + one_gib * 8 / page / 1024 - 48)) ||
		fail "page tables" "$output"
}

@test "bench: a range in the middle of a BAR is mapped at its best" {
	local expected offset=$((pmd / 2 + page))
	expected=$(least $offset $(((4 << 30) - offset)))
	bench --runs 1 --arms 1G --offset $offset
	equal "by hand" "$expected" "$(of hand faults)"
	equal "1G" "$expected" "$(of 1G faults)"
}

@test "bench: the device's memory is read only with --touch" {
	bench --runs 1 --arms 1G --size 1G
	equal "reads" "null null" "$(of 1G sequential_read_ns) $(of hand random_read_ns)"
	bench --runs 1 --arms 1G --size 1G --touch
	[[ $(of 1G sequential_read_ns) =~ ^[0-9.]+$ && $(of 1G random_read_ns) =~ ^[0-9.]+$ ]]
	# The memory of this device answers every read; a trace of the one that does not touch shows none.
}

@test "bench: the table names the device, the range and the kernel, and fits 80 columns" {
	run timeout "$patience" "$vfioalign" bench --runs 2 --arms 1G,2M --size 1G "$FOUR_GIB"
	succeeded
	[[ $output == "$FOUR_GIB BAR 2, 1G from 0x0, on Linux $(uname -r)"$'\n'"2 runs of each arm in turn"* ]]
	[[ $output == *"ARM "*"FAULTS"*"DMA MAP"*"hand"*"1G"*"2M"* ]]
	(($(wc -L <<<"$output") <= 80)) || fail "too wide" "$output"
}

@test "bench: a device that VFIO does not have is refused, and what is said to type gives it to VFIO" {
	local bdf=$FOUR_GIB remedy
	echo "$bdf" >"/sys/bus/pci/devices/$bdf/driver/unbind"
	echo >"/sys/bus/pci/devices/$bdf/driver_override"
	run timeout "$patience" "$vfioalign" bench "$bdf"
	equal "status" 2 "$status"
	[[ $output == *"has no driver, and VFIO does not have it. What to do:"* ]] || fail "$output"
	remedy=$(sed -n 's/^  //p' <<<"$output")
	bash -e -c "$remedy"
	run timeout "$patience" "$vfioalign" bench --runs 1 --size 1G --arms 1G "$bdf"
	succeeded
}

@test "bench: a device that a program has is refused" {
	coproc "$abs_top_builddir/vfioalign" bench --runs 1 --arms misalign "$FOUR_GIB" 2>/dev/null
	for ((i = 0; i < 100; i++)); do
		! pgrep -f -- --once=plain >/dev/null || break
		sleep 0.1
	done
	run timeout "$patience" "$vfioalign" bench --runs 1 --arms 1G "$FOUR_GIB"
	# shellcheck disable=SC2154 # set by coproc
	wait "$COPROC_PID" || :
	equal "status" 2 "$status"
	[[ $output == *"Device or resource busy"* ]] || fail "$output"
}

@test "bench: what the BAR does not have is refused" {
	for arguments in "--bar 5" "--offset 4G" "--size 8G" "--offset 2G --size 3G" "--size 4097"; do
		# shellcheck disable=SC2086 # words
		run timeout "$patience" "$vfioalign" bench $arguments "$FOUR_GIB"
		equal "status of $arguments" 2 "$status"
		[[ $output == "vfioalign bench: "* ]] || fail "$output"
	done
}

@test "bench: an arm for which the library does not load is no result" {
	# A directory of its own for the command, with a library that is none.
	mkdir "$BATS_TEST_TMPDIR/bin"
	cp "$vfioalign" "$BATS_TEST_TMPDIR/bin"
	echo >"$BATS_TEST_TMPDIR/bin/libvfioalign.so"
	run timeout "$patience" "$BATS_TEST_TMPDIR/bin/vfioalign" bench --runs 1 --arms misalign,1G --size 1G "$FOUR_GIB"
	equal "status" 2 "$status"
	[[ $output == *"arm "*"did not put the mapping where it should be"* ]] || fail "$output"
}

@test "ab: off and misalign take the faults of small pages, auto of the largest" {
	run timeout "$patience" "$vfioalign" ab --json --runs 1 --warmup 0 --arms misalign,auto,off -- "$probe" "$FOUR_GIB"
	succeeded
	faults() {
		jq -r --arg arm "$1" '.ab[] | select(.metric == "dma_map_faults" and .arm == $arm) | .median' <<<"$output"
	}
	equal "misalign" $(((4 << 30) / page)) "$(faults misalign)"
	equal "auto" $(((4 << 30) / largest)) "$(faults auto)"
	(($(faults off) >= (4 << 30) / pmd)) || fail "off: $(faults off)" "$output"
}
