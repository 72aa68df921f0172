#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program with a plain mmap() on a real VFIO device. The fault counts are those of DMA-mapping it.

load guest.bash

setup_file() {
	FOUR_GIB=$(device_with_bar $four_gib)
	HUGE=$(device_with_bar $((128 << 30)))
	MEMORY=$(device_with_id 0x1af4 0x1110)
	export FOUR_GIB HUGE MEMORY
}

setup() {
	thp madvise
}

four_gib=$((4 << 30))
# The range from here on starts in the middle of a block of every size.
middle=$((pmd / 2 + page))
top=0x600000000000

# The sums that the others go by, against what is known.
@test "the faults of 4 GiB are those that Linux is known to take with these pages" {
	case $(uname -m)-$((page >> 10)) in
	x86_64-4) equal faults "4 769" "$(least 0 $four_gib) $(least 0x101000 $((four_gib - 0x101000)))" ;;
	aarch64-4) equal faults 2048 "$(least 0 $four_gib)" ;;
	aarch64-16) equal faults 128 "$(least 0 $four_gib)" ;;
	aarch64-64) equal faults 8 "$(least 0 $four_gib)" ;;
	*) fail "nothing is known of $(uname -m) with pages of $page" ;;
	esac
	equal "faults of small pages" $((four_gib / page)) "$(least 0 $four_gib "$page")"
}

@test "a 4 GiB BAR takes a fault for each of its largest pages, with THP madvise" {
	with_library "$probe" "$FOUR_GIB"
	equal faults $((four_gib / largest)) "$(value faults)"
}

@test "a 4 GiB BAR takes a fault for each of its largest pages, with THP always" {
	thp always
	with_library "$probe" "$FOUR_GIB"
	equal faults $((four_gib / largest)) "$(value faults)"
}

@test "with THP never a 4 GiB BAR has the largest pages where the kernel does not go by it" {
	thp never
	with_library "$probe" "$FOUR_GIB"
	if kernel_ignores_thp; then
		equal faults $((four_gib / largest)) "$(value faults)"
	else
		equal faults $((four_gib / page)) "$(value faults)"
	fi
}

# own_faults FAULTS ARGUMENT...: as many as by itself?
own_faults() {
	without_library "$probe" "${@:2}" && equal faults "$1" "$(value faults)"
}

@test "without the library the same BAR takes the faults of the kernel's own placement" {
	thp always
	# By accident, kernels up to 6.12 align what is a multiple of the PMD's size.
	if [[ $(uname -r) == 6.12.* ]]; then
		by_luck own_faults $((four_gib / pmd)) "$FOUR_GIB"
	else
		by_luck own_faults $((four_gib / page)) "$FOUR_GIB"
	fi
}

@test "from the middle of a block to its end the BAR takes the least faults, as when placed by hand" {
	local expected
	expected=$(least $middle $((four_gib - middle)))
	with_library "$probe" --offset $middle "$FOUR_GIB"
	equal faults "$expected" "$(value faults)"
	congruent "$(value address)" $middle "$largest"
	without_library "$probe" --offset $middle --by-hand 0x40000000 "$FOUR_GIB"
	equal "faults by hand" "$expected" "$(value faults)"
}

@test "without the library every page from the middle of a block on is a fault" {
	by_luck own_faults $(((four_gib - middle) / page)) --offset $middle "$FOUR_GIB"
}

@test "a range of one block and a half takes one huge page and small ones" {
	with_library "$probe" --offset $((pmd / 2)) --length $((pmd + pmd / 2)) "$FOUR_GIB"
	equal faults $((1 + pmd / 2 / page)) "$(value faults)"
}

@test "a range that holds no whole huge page is left where the kernel put it" {
	with_library "$probe" --offset "$page" --length "$pmd" "$FOUR_GIB"
	equal faults $((pmd / page)) "$(value faults)"
}

@test "a 128 GiB BAR takes a fault for each of its largest pages" {
	local touch=()
	# Undoing a DMA map takes a step for every small page, and an emulated arm64 minutes for them.
	[[ $(uname -m)-$page != aarch64-4096 ]] || touch=(--every "$largest")
	with_library "$probe" "${touch[@]}" "$HUGE"
	equal faults $(((128 << 30) / largest)) "$(value faults)"
}

@test "VFIOALIGN=2M gives pages of the PMD's size and no larger ones" {
	with_library env VFIOALIGN=2M "$probe" "$FOUR_GIB"
	equal faults $((four_gib / pmd)) "$(value faults)"
}

@test "VFIOALIGN=1G is congruent modulo 1 GiB, and has the largest pages that there are" {
	with_library env VFIOALIGN=1G "$probe" "$FOUR_GIB"
	congruent "$(value address)" 0 0x40000000
	equal faults $((four_gib / largest)) "$(value faults)"
}

@test "VFIOALIGN=misalign gives no huge page at all" {
	with_library env VFIOALIGN=misalign "$probe" "$FOUR_GIB"
	equal faults $((four_gib / page)) "$(value faults)"
}

@test "MAP_FIXED stays where it was asked" {
	with_library "$probe" --length 0x40000000 --fixed $((top + page)) "$FOUR_GIB"
	equal address $((top + page)) $(($(value address)))
	equal faults $(((1 << 30) / page)) "$(value faults)"
}

@test "MAP_FIXED at a congruent address gets its huge pages" {
	with_library "$probe" --length 0x40000000 --fixed $top "$FOUR_GIB"
	equal address $top "$(value address)"
	equal faults $(((1 << 30) / largest)) "$(value faults)"
}

@test "a hint leads to the nearest congruent address above it" {
	with_library "$probe" --hint $((top + page)) "$FOUR_GIB"
	equal address $((top + largest)) $(($(value address)))
	equal faults $((four_gib / largest)) "$(value faults)"
}

@test "the memory behind a BAR has the right bytes at the right offsets" {
	local offset size offsets
	size=$(bar_size "$MEMORY" 2)
	((size > pmd)) || fail "the device's memory of $size bytes holds no huge page"
	offsets=(0 "$page" $((pmd - page)) "$pmd" $((pmd + 325 * page)) $((size - page)))
	for offset in "${offsets[@]}"; do
		with_library "$probe" --offset "$offset" --write "at $offset" "$MEMORY"
	done
	for offset in "${offsets[@]}"; do
		# Not through a mapping of ours, and through one at another address and length.
		without_library "$probe" --offset "$offset" --pread $((${#offset} + 3)) "$MEMORY"
		equal "bytes by pread" "at $offset" "$(value bytes)"
		with_library "$probe" --offset "$offset" --read $((${#offset} + 3)) "$MEMORY"
		equal "bytes by mmap" "at $offset" "$(value bytes)"
	done
}

@test "after make install and ldconfig the library's bare name is enough" {
	# The guest's root is an overlay: the host gets nothing of this.
	if [[ -d $abs_top_builddir/installed ]]; then
		# Cross-built: what make goes by, the compiler's own headers, is not here.
		cp -a "$abs_top_builddir/installed/." /
	else
		run make --silent -C "$abs_top_builddir" install
		succeeded
	fi
	ldconfig
	without_library env LD_PRELOAD=libvfioalign.so "$probe" "$FOUR_GIB"
	equal faults $((four_gib / largest)) "$(value faults)"
}
