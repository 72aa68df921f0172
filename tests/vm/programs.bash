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

# Bytes of which dpdk-app reads a word each.
dpdk_step=$((64 << 10))

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

# areas_of LAYOUT: OFFSET+LENGTH of each
areas_of() {
	echo "${layout_areas[$1]:-0+${layout_size[$1]}}"
}

# dpdk_areas VERSION LAYOUT: what of the BAR it maps. DPDK 22.11 takes no notice of sparse areas.
dpdk_areas() {
	if [[ $1 == 22.11 ]]; then
		echo "0+${layout_size[$2]}"
	else
		areas_of "$2"
	fi
}

# page_counts OFFSET LENGTH STEP: how many 1 GiB, 2 MiB and 4 KiB pages are mapped at the best when a
# word of every STEP bytes of this range, 2 MiB at most, is read
page_counts() {
	local size first last inner=0 step=$3 counts=()
	for size in $((1 << 30)) $((1 << 21)); do
		first=$((($1 + size - 1) / size * size))
		last=$((($1 + $2) / size * size))
		((last > first)) || last=$first
		counts+=($(((last - first - inner) / size)))
		inner=$((last - first))
	done
	# What is read before the first huge page and after the last.
	counts+=($(((first - $1 + step - 1) / step + ($2 + step - 1) / step - (last - $1 + step - 1) / step)))
	echo "${counts[@]}"
}

# best_pages STEP AREA...: the sums of page_counts over areas
best_pages() {
	local area sum=(0 0 0) counts i
	for area in "${@:2}"; do
		read -r -a counts < <(page_counts "$((${area%+*}))" "$((${area#*+}))" "$1")
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
		read -r -a counts < <(page_counts "$((offset))" "$((length))" 4096)
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
