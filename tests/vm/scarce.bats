#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # bash -c expands by itself; a test is a subshell; guest.bash sets variables
# SPDX-License-Identifier: LGPL-2.1-or-later
# A kernel that has no more, or will not: real limits and real refusals, on a real VFIO device. The
# program gets what it would have had.

load guest.bash

refuse=$abs_top_builddir/tests/vm/refuse
MAP_SHARED=1 MAP_NORESERVE=0x4000 MAP_FIXED_NOREPLACE=0x100000
EPERM=1 ENOMEM=12 ENODEV=19 EINVAL=22

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	HUGE=$(device_with_bar $((128 << 30)))
	export FOUR_GIB HUGE
}

setup() {
	thp madvise
	read -r overcommit </proc/sys/vm/overcommit_memory
	read -r map_count </proc/sys/vm/max_map_count
}

teardown() {
	echo "$overcommit" >/proc/sys/vm/overcommit_memory
	echo "$map_count" >/proc/sys/vm/max_map_count
}

# logged WORD: the library has said so of the mapping
logged() {
	[[ $output == *", $1: "* ]] || fail "expected in the log: $1" "$output"
}

# no_overcommit: all that may be written to has to be there, and 256 MiB of that are left
no_overcommit() {
	local committed
	committed=$(awk '$1 == "Committed_AS:" { print $2 }' /proc/meminfo)
	echo $((committed + (256 << 10))) >/proc/sys/vm/overcommit_kbytes
	echo 2 >/proc/sys/vm/overcommit_memory
}

@test "with overcommit off, memory is scarce" {
	no_overcommit
	run dd if=/dev/zero of=/dev/null bs=1G count=1
	((status)) || fail "1 GiB could be had" "$output"
}

@test "with overcommit off, a 128 GiB BAR is mapped as without the library, and congruent" {
	local touch=(--every "$largest")
	no_overcommit
	without_library "$probe" "${touch[@]}" "$HUGE"
	with_library env VFIOALIGN_LOG=info "$probe" "${touch[@]}" "$HUGE"
	congruent "$(value address)" 0 "$largest"
	equal faults $(((128 << 30) / largest)) "$(value faults)"
	[[ $output == *", placed: "* || $output == *", kept: "* ]] || fail "log" "$output"
}

@test "with overcommit off, a reservation is steered all the same" {
	no_overcommit
	with_library env VFIOALIGN_LOG=info "$probe" --by-hand "$largest" --every "$largest" "$HUGE"
	logged steered
	congruent "$(value address)" 0 "$largest"
	equal faults $(((128 << 30) / largest)) "$(value faults)"
}

# limited KILOBYTES OFF|AUTO: maps 4 GiB in so much address space
limited() {
	run timeout "$patience" bash -c 'ulimit -v "$1" && exec env VFIOALIGN="$2" VFIOALIGN_LOG=info \
		LD_PRELOAD="$3" "$4" --every "$6" "$5"' - "$1" "$2" "$library" "$probe" "$FOUR_GIB" "$largest"
}

@test "with any limit of address space, a BAR is mapped where it would have been, or not" {
	local size without failed=0 kept=0 placed=0 kilobytes
	for size in 3 4095 4096 4100 4128 6144 9216 9300 10240 14336; do
		kilobytes=$((size << 10))
		limited $kilobytes off
		without=$status
		limited $kilobytes auto
		equal "status with $size MiB" "$without" "$status"
		case $output in
		*", no-room: "*) kept=$((kept + 1)) ;;
		*", placed: "*) placed=$((placed + 1)); congruent "$(value address)" 0 "$largest" ;;
		*"mmap: Cannot allocate memory"*) failed=$((failed + 1)) ;;
		esac
	done
	((failed && kept && placed)) || fail "failed: $failed, kept: $kept, placed: $placed"
}

@test "with nearly no mappings left, a BAR is mapped where it would have been, or not" {
	local left without failed=0 kept=0 placed=0
	echo 500 >/proc/sys/vm/max_map_count
	for left in 0 1 2 3 4; do
		run timeout "$patience" env VFIOALIGN=off LD_PRELOAD="$library" \
			"$probe" --leave $left --every "$largest" "$FOUR_GIB"
		without=$status
		run timeout "$patience" env VFIOALIGN_LOG=info LD_PRELOAD="$library" \
			"$probe" --leave $left --every "$largest" "$FOUR_GIB"
		equal "status with $left mappings left" "$without" "$status"
		case $output in
		*", no-room: "* | *", refused: "*) kept=$((kept + 1)) ;;
		*", placed: "*) placed=$((placed + 1)); congruent "$(value address)" 0 "$largest" ;;
		*"mmap: Cannot allocate memory"*) failed=$((failed + 1)) ;;
		esac
	done
	((failed && kept && placed)) || fail "failed: $failed, kept: $kept, placed: $placed"
}

# refused ERRNO CALL FLAGS WORD: it comes up where it did, and the log says WORD
refused() {
	run timeout "$patience" env LD_PRELOAD="$library" VFIOALIGN_LOG=info \
		"$refuse" "$1" "$2" "$3" -- "$probe" --every "$largest" "$FOUR_GIB"
	succeeded
	logged "$4"
	[[ $output == *": $(value address) -> $(value address), "* ]] ||
		fail "the program did not get its own mapping" "$output"
}

# By luck, the system's own choice is congruent, and nothing is left to do.
lucky_refused() {
	refused "$@" || refused "$@"
}

@test "a second mapping that the kernel refuses leaves the first one" {
	local errno
	for errno in $EPERM $ENOMEM $ENODEV $EINVAL; do
		lucky_refused "$errno" mmap $((MAP_SHARED | MAP_FIXED_NOREPLACE)) refused
	done
}

@test "a reservation that the kernel refuses leaves the first mapping" {
	lucky_refused $ENOMEM mmap $MAP_NORESERVE no-room
}

@test "a kernel that unmaps nothing leaves the first mapping" {
	lucky_refused $EINVAL munmap 0 no-room
}

@test "advice that the kernel refuses is no error" {
	with_library "$refuse" $EINVAL madvise 0 -- "$probe" --every "$largest" "$FOUR_GIB"
	congruent "$(value address)" 0 "$largest"
}

@test "a mapping that the kernel refuses is the program's error" {
	local without
	run timeout "$patience" "$refuse" $ENODEV mmap $MAP_SHARED -- "$probe" --every "$largest" "$FOUR_GIB"
	without=$status:$output
	[[ $output == *"mmap: No such device"* ]] || fail "without the library" "$output"
	run timeout "$patience" env LD_PRELOAD="$library" "$refuse" $ENODEV mmap $MAP_SHARED -- \
		"$probe" --every "$largest" "$FOUR_GIB"
	equal "status and output" "$without" "$status:$output"
}
