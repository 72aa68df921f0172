#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# The calls of real programs (tests/patterns), on a region with every kind of areas.
load helpers

# shellcheck source=tests/pages.bash
. "$here/pages.bash"
patterns=$top/tests/patterns

# hex SUM: as an area's offset or size, "0x101000"
hex() {
	printf '0x%x' $(($1))
}

# Holes of a page at 1 MiB and at 6 MiB: where the areas after them begin, and how long they are in 4 GiB.
after=$(hex 0x100000+page) rest=$(hex 0xfff00000-page)
between=$(hex 0x500000-page) later=$(hex 0x600000+page) last=$(hex 0xffa00000-page)
# Of an area of 4 GiB.
best=$((largest >> 10))K

# Size of the region, and its areas. The last two have areas whose size is a multiple of a larger
# power of two than their offset is, and the region of a GB200.
layouts=(
	"4G"
	"4G 2:0+2G"
	"4G 2:0+$rest"
	"4G 2:$after+$rest"
	"4G 2:0+0x100000 2:$after+$rest"
	"4G 2:0+0x100000 2:$after+$between 2:$later+$last"
	"4G 2:0x40000000+0x80000000"
	"16M 2:$(hex 3*page)+$(hex 0x1000000-3*page)"
	"0x2F00F00000"
	"256G 2:0+0x2F00F00000"
	"8G 2:$after+4G"
	"4G 2:0x200000+0x80000000"
)
nr_feasible=$((${#layouts[@]} - 2))

# run_pattern PRELOADS LAYOUT PROGRAM [ARGUMENT...]
run_pattern() {
	local preloads=$1 size=${2%% *} areas=
	[[ $2 == "$size" ]] || areas=${2#* }
	shift 2
	MOCK_REGIONS="2:$size" MOCK_AREAS=$areas preload "$preloads" "$@"
}

# congruent LAYOUT: each area that was printed reaches the best page that it holds
congruent() {
	local offset size best reached
	[[ $output ]] || fail "nothing was mapped"
	while read -r offset size best reached; do
		equal "layout $1, area $offset+$size" "$best" "$reached"
	done <<<"$output"
}

# all_congruent LAYOUTS PROGRAM...: with the library, in so many layouts
all_congruent() {
	local layout count=$1
	shift
	for layout in "${layouts[@]:0:count}"; do
		run_pattern "$library $mock" "$layout" "$@"
		congruent "$layout"
	done
}

# as FILE PROGRAM: PROGRAM by the name FILE, as a copy, since the library goes by the executable
as() {
	cp "$patterns/$2" "$BATS_TEST_TMPDIR/$1"
	echo "$BATS_TEST_TMPDIR/$1"
}

@test "QEMU up to 9.1 has every area congruent" {
	all_congruent "${#layouts[@]}" "$patterns/qemu-7.2"
}

@test "QEMU 9.2 to 10.2 has every area congruent, by relocation where its own rounding forbids it" {
	all_congruent "${#layouts[@]}" "$(as qemu-system-x86_64 qemu-10.0)"
	all_congruent "${#layouts[@]}" "$(as qemu-kvm qemu-10.0)"
}

@test "without relocation, QEMU 9.2 to 10.2 has all areas congruent that its rounding allows" {
	export VFIOALIGN_RELOCATE=off
	all_congruent "$nr_feasible" "$(as qemu-system-x86_64 qemu-10.0)"
}

@test "QEMU 11 has every area congruent, as by itself" {
	all_congruent "${#layouts[@]}" "$(as qemu-system-x86_64 qemu-11)"
	VFIOALIGN_RELOCATE=off all_congruent "${#layouts[@]}" "$(as qemu-system-x86_64 qemu-11)"
	for layout in "${layouts[@]}"; do
		run_pattern "$mock" "$layout" "$patterns/qemu-11"
		congruent "$layout"
	done
}

@test "DPDK has every area congruent, and its hint is honoured" {
	all_congruent "${#layouts[@]}" "$patterns/dpdk"
}

@test "a DPDK secondary process maps at the primary's addresses, with the library in both" {
	not_sanitized "their shadow lies where DPDK maps"
	all_congruent "${#layouts[@]}" "$patterns/dpdk" "$sanitizer $library $mock"
}

@test "a DPDK secondary process maps at the primary's addresses, with the library in the primary" {
	not_sanitized "their shadow lies where DPDK maps"
	all_congruent "${#layouts[@]}" "$patterns/dpdk" "$sanitizer $mock"
}

@test "a DPDK secondary process maps at the primary's addresses, with the library in itself" {
	not_sanitized "their shadow lies where DPDK maps"
	for layout in "${layouts[@]}"; do
		run_pattern "$mock" "$layout" "$patterns/dpdk" "$sanitizer $library $mock"
	done
}

@test "cloud-hypervisor up to 52 has every area congruent" {
	all_congruent "${#layouts[@]}" "$patterns/cloud-hypervisor-52"
}

@test "cloud-hypervisor 53 has every area congruent" {
	all_congruent "${#layouts[@]}" "$(as cloud-hypervisor cloud-hypervisor-53)"
}

@test "VPP has every area congruent and its header page before each" {
	all_congruent "${#layouts[@]}" "$patterns/vpp"
}

@test "OpenVMM has every area congruent, where it asked for it" {
	all_congruent "${#layouts[@]}" "$patterns/openvmm"
}

@test "programs that are not on the list are never relocated" {
	for program in qemu-10.0 cloud-hypervisor-53; do
		run_pattern "$library $mock" "8G 2:$after+4G" "$patterns/$program"
		equal "$program" "$after 0x100000000 $best 0K" "$output"
	done
}

@test "VFIOALIGN_RELOCATE=on relocates any program, and off none" {
	VFIOALIGN_RELOCATE=on all_congruent "${#layouts[@]}" "$patterns/qemu-10.0"
	export VFIOALIGN_RELOCATE=off
	run_pattern "$library $mock" "8G 2:$after+4G" "$(as qemu-system-x86_64 qemu-10.0)"
	equal "relocation off" "$after 0x100000000 $best 0K" "$output"
}

@test "the control arms hold for reservations: 2M reaches no more, misalign nothing" {
	VFIOALIGN=2M run_pattern "$library $mock" "4G" "$patterns/dpdk"
	equal "2M" "0 0x100000000 $best $((pmd >> 10))K" "$output"
	VFIOALIGN=misalign run_pattern "$library $mock" "4G" "$patterns/dpdk"
	equal "misalign" "0 0x100000000 $best 0K" "$output"
}

@test "when relocation fails at any step, the program has its own mapping and nothing is left" {
	export VFIOALIGN_RELOCATE=on
	# Counted from the first mapping of the device, the one that the library adds.
	for fault in mmap:1:ENODEV mmap:1:ENOMEM munmap:1:EINVAL; do
		MOCK_FAIL=$fault run_pattern "$library $mock" "8G 2:$after+4G" "$patterns/qemu-10.0"
		equal "$fault" "$after 0x100000000 $best 0K" "$output"
	done
	MOCK_FAIL=madvise:1:EINVAL run_pattern "$library $mock" "8G 2:$after+4G" "$patterns/qemu-10.0"
	congruent "without advice"
}

@test "where address space is short, the program has the reservation that it asked for" {
	not_sanitized "the address space cannot be limited"
	# Enough for the area and its slack, not for 1 GiB more.
	ulimit -v $((9 << 19))
	run_pattern "$library $mock" "4G 2:$after+$rest" "$patterns/qemu-10.0"
	matches "an area" "$after $rest $best *" "$output"
}

@test "reservations and relocations are logged with what they are for" {
	local pages address
	pages="$(size_name "$largest") pages"
	export VFIOALIGN_LOG=info
	loudly run_pattern "$library $mock" "4G 2:$after+$rest" "$(as qemu-kvm qemu-10.0)"
	matches "log" "*region 2 offset $after length $rest: 0x0 -> 0x*, $pages, steered: *" "$errors"
	loudly run_pattern "$library $mock" "4G" "$(as qemu-kvm qemu-10.0)"
	matches "log" "*region 2 offset 0x0 length 0x100000000: 0x0 -> 0x*, $pages, steered: *" "$errors"
	loudly run_pattern "$library $mock" "8G 2:$after+4G" "$(as qemu-kvm qemu-10.0)"
	matches "log" "*region 2 offset $after length 0x100000000: 0x* -> 0x*, $pages, relocated: *" "$errors"
	address=${errors##* -> }
	equal "its address modulo the page size" "$after" "$(hex "${address%%,*} % largest")"
}

# traced PRELOADS PROGRAM: its mappings, with every address and pid the same. What it gives back of
# its reservations is as long as chance has it, and often nothing.
traced() {
	MOCK_REGIONS="2:4G" MOCK_AREAS="2:0+0x100000 2:$after+$rest" \
		"$STRACE" -f -qq -e trace=mmap,madvise -E LD_PRELOAD="$sanitizer $1" -o "$BATS_TEST_TMPDIR/trace" \
		"$2" >/dev/null
	# From the first reservation or mapping of the device on.
	sed -n '/4293[0-9]*, PROT\|4294[0-9]*, PROT\|1048576, PROT\|2097152, PROT_NONE/,$p' "$BATS_TEST_TMPDIR/trace" |
		sed 's/0x[0-9a-f]\{9,\}/ADDRESS/g; s/^[0-9]* *//'
}

@test "VFIOALIGN_STEER=off and VFIOALIGN_RELOCATE=off give the program's own calls" {
	not_sanitized "their runtime makes calls of its own"
	requires strace "$STRACE"
	export VFIOALIGN_STEER=off VFIOALIGN_RELOCATE=off
	for program in qemu-10.0 qemu-11 cloud-hypervisor-53 vpp openvmm dpdk; do
		own=$(traced "$mock" "$patterns/$program")
		with=$(traced "$library $mock" "$patterns/$program" | grep -v MADV_HUGEPAGE)
		[[ $own == *MAP_FIXED* ]] || fail "$program was not traced" "$own"
		equal "$program" "$own" "$with"
	done
}
