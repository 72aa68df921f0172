# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs of the distributions on a BAR with and without holes; to be sourced in the guest. The trees
# that the programs are in are named by $tree_bookworm, $tree_trixie and $tree_newest, see suite.

sparse=$abs_top_builddir/tests/vm/sparse.so
declare -gA qemu_tree=([7.2]=$tree_bookworm [10.0]=$tree_trixie [11]=$tree_newest)
declare -gA dpdk_tree=([22.11]=$tree_bookworm [24.11]=$tree_trixie)

# Size of the BAR and its areas, by name.
layout_names=(whole hole holes middle)
declare -gA layout_size=([whole]=$((4 << 30)) [hole]=$((4 << 30)) [holes]=$((4 << 30)) [middle]=$((8 << 30)))
declare -gA layout_areas=(
	[whole]=""
	[hole]="0+0x100000 0x101000+0xffeff000"
	[holes]="0+0x100000 0x101000+0x7feff000 0x80002000+0x7fffe000"
	[middle]="0x101000+0x100000000"
)

# set_layout NAME: sets $bdf, and the injector's variables
set_layout() {
	bdf=${layout_bdf[$1]}
	unset SPARSE_AREAS SPARSE_REGION_SIZE
	[[ -z ${layout_areas[$1]} ]] ||
		export SPARSE_REGION_SIZE=${layout_size[$1]} SPARSE_AREAS=${layout_areas[$1]}
}

# find_devices: sets $layout_bdf
find_devices() {
	local name
	declare -gA layout_bdf
	for name in "${layout_names[@]}"; do
		layout_bdf[$name]=$(device_with_bar "${layout_size[$name]}") || return 1
	done
}

# prepare_hugepages: for DPDK's secondary processes, before a tree is used that /dev is bound into
prepare_hugepages() {
	echo 64 >/proc/sys/vm/nr_hugepages
	mkdir -p /dev/hugepages
	mount -t hugetlbfs hugetlbfs /dev/hugepages
}

# page_counts OFFSET LENGTH: how many 1 GiB, 2 MiB and 4 KiB pages map this range at the best
page_counts() {
	local size first last bytes inner=0 counts=()
	for size in $((1 << 30)) $((1 << 21)) $((1 << 12)); do
		first=$((($1 + size - 1) / size * size))
		last=$((($1 + $2) / size * size))
		bytes=$((last > first ? last - first : 0))
		counts+=($(((bytes - inner) / size)))
		inner=$bytes
	done
	echo "${counts[@]}"
}

# best_pages LAYOUT: the sums of page_counts over its areas
best_pages() {
	local area areas=${layout_areas[$1]:-0+${layout_size[$1]}} sum=(0 0 0) counts i
	for area in $areas; do
		read -r -a counts < <(page_counts "$((${area%+*}))" "$((${area#*+}))")
		for i in 0 1 2; do sum[i]=$((sum[i] + counts[i])); done
	done
	echo "${sum[@]}"
}

# congruent_of_areas: of the lines area=... in $output, those of BAR 2 that hold a huge page; prints
# how many have the best page that they can hold, and how many they are: "2 of 2"
congruent_of_areas() {
	local region offset length page best counts congruent=0 areas=0
	while read -r _ region offset length page; do
		((region == 2)) || continue
		best=
		read -r -a counts < <(page_counts "$((offset))" "$((length))")
		((counts[1] == 0)) || best=2M
		((counts[0] == 0)) || best=1G
		[[ $best ]] || continue
		areas=$((areas + 1))
		[[ $page != "$best" ]] || congruent=$((congruent + 1))
	done < <(value area)
	echo "$congruent of $areas"
}

areas_congruent() {
	local congruent areas
	read -r congruent _ areas < <(congruent_of_areas)
	((areas && congruent == areas))
}
