# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What BARs can be mapped with on this machine; to be sourced. In bytes: $page, $pmd, and $largest, which
# on x86-64 is the PUD's size, and elsewhere the PMD's.

page=$(getconf PAGE_SIZE)
pmd=$(cat /sys/kernel/mm/transparent_hugepage/hpage_pmd_size 2>/dev/null) || pmd=$((page * page / 8))
largest=$pmd
[[ $(uname -m) != x86_64 ]] || largest=$((pmd * page / 8))

# least OFFSET LENGTH [LARGEST]: how many faults map this range of a BAR, with pages of at most LARGEST
least() {
	local offset=$(($1)) end=$(($1 + $2)) size=${3:-$largest} smaller=$page first last head tail
	if ((size == page)); then
		echo $(((end - offset) / page))
		return
	fi
	((size == pmd)) || smaller=$pmd
	first=$(((offset + size - 1) / size * size)) last=$((end / size * size))
	if ((last <= first)); then
		least "$offset" "$2" "$smaller"
		return
	fi
	head=$(least "$offset" $((first - offset)) "$smaller")
	tail=$(least "$last" $((end - last)) "$smaller")
	echo $((head + (last - first) / size + tail))
}

# size_name BYTES: 4K, 2M, 32M, 1G
size_name() {
	if (($1 >> 30)); then
		echo $(($1 >> 30))G
	elif (($1 >> 20)); then
		echo $(($1 >> 20))M
	else
		echo $(($1 >> 10))K
	fi
}
