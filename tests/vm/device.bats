#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program with a plain mmap() on a real VFIO device. The fault counts are those of DMA-mapping it.

load guest.bash

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	HUGE=$(device_with_bar $((128 << 30)))
	MEMORY=$(device_with_bar $((16 << 20)))
	export FOUR_GIB HUGE MEMORY
}

setup() {
	thp madvise
}

@test "a 4 GiB BAR takes 4 faults, with THP madvise" {
	with_library "$probe" "$FOUR_GIB"
	equal faults 4 "$(value faults)"
}

@test "a 4 GiB BAR takes 4 faults, with THP always" {
	thp always
	with_library "$probe" "$FOUR_GIB"
	equal faults 4 "$(value faults)"
}

@test "a 4 GiB BAR takes 4 faults with THP never, where the kernel does not go by it" {
	thp never
	with_library "$probe" "$FOUR_GIB"
	if kernel_ignores_thp; then
		equal faults 4 "$(value faults)"
	else
		equal faults 1048576 "$(value faults)"
	fi
}

# own_faults FAULTS ARGUMENT...: as many as by itself?
own_faults() {
	without_library "$probe" "${@:2}" && equal faults "$1" "$(value faults)"
}

@test "without the library the same BAR takes the faults of the kernel's own placement" {
	thp always
	# By accident, kernels up to 6.12 align what is a multiple of 2 MiB.
	if [[ $(uname -r) == 6.12.* ]]; then
		by_luck own_faults 2048 "$FOUR_GIB"
	else
		by_luck own_faults 1048576 "$FOUR_GIB"
	fi
}

@test "from offset 0x101000 to its end the BAR takes 769 faults, as when placed by hand" {
	with_library "$probe" --offset 0x101000 "$FOUR_GIB"
	equal faults 769 "$(value faults)"
	congruent "$(value address)" 0x101000 0x40000000
	without_library "$probe" --offset 0x101000 --by-hand 0x40000000 "$FOUR_GIB"
	equal "faults by hand" 769 "$(value faults)"
}

@test "without the library every page from offset 0x101000 on is a fault" {
	by_luck own_faults 1048319 --offset 0x101000 "$FOUR_GIB"
}

@test "a 3 MiB range from 0x100000 takes one 2 MiB page and 256 of 4 KiB" {
	with_library "$probe" --offset 0x100000 --length 0x300000 "$FOUR_GIB"
	equal faults 257 "$(value faults)"
}

@test "a range that holds no whole huge page is left where the kernel put it" {
	with_library "$probe" --offset 0x1000 --length 0x200000 "$FOUR_GIB"
	equal faults 512 "$(value faults)"
}

@test "a 128 GiB BAR takes 128 faults" {
	with_library "$probe" "$HUGE"
	equal faults 128 "$(value faults)"
}

@test "VFIOALIGN=2M gives 2 MiB pages and no larger ones" {
	with_library env VFIOALIGN=2M "$probe" "$FOUR_GIB"
	equal faults 2048 "$(value faults)"
}

@test "VFIOALIGN=misalign gives no huge page at all" {
	with_library env VFIOALIGN=misalign "$probe" "$FOUR_GIB"
	equal faults 1048576 "$(value faults)"
}

@test "MAP_FIXED stays where it was asked" {
	with_library "$probe" --length 0x40000000 --fixed 0x600000001000 "$FOUR_GIB"
	equal address 0x600000001000 "$(value address)"
	equal faults 262144 "$(value faults)"
}

@test "MAP_FIXED at a congruent address gets its huge pages" {
	with_library "$probe" --length 0x40000000 --fixed 0x600000000000 "$FOUR_GIB"
	equal address 0x600000000000 "$(value address)"
	equal faults 1 "$(value faults)"
}

@test "a hint leads to the nearest congruent address above it" {
	with_library "$probe" --hint 0x600000001000 "$FOUR_GIB"
	equal address 0x600040000000 "$(value address)"
	equal faults 4 "$(value faults)"
}

@test "the memory behind a BAR has the right bytes at the right offsets" {
	local offset
	for offset in 0 0x1000 0x1ff000 0x200000 0x345000 0xfff000; do
		with_library "$probe" --offset $offset --write "at $offset" "$MEMORY"
	done
	for offset in 0 0x1000 0x1ff000 0x200000 0x345000 0xfff000; do
		# Not through a mapping of ours, and through one at another address and length.
		without_library "$probe" --offset $offset --pread $((${#offset} + 3)) "$MEMORY"
		equal "bytes by pread" "at $offset" "$(value bytes)"
		with_library "$probe" --offset $offset --read $((${#offset} + 3)) "$MEMORY"
		equal "bytes by mmap" "at $offset" "$(value bytes)"
	done
}

@test "after make install and ldconfig the library's bare name is enough" {
	# The guest's root is an overlay: the host gets nothing of this.
	run make --silent -C "$abs_top_builddir" install
	succeeded
	ldconfig
	without_library env LD_PRELOAD=libvfioalign.so "$probe" "$FOUR_GIB"
	equal faults 4 "$(value faults)"
}
