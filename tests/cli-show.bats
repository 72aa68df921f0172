#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1003,SC2016,SC2030,SC2031,SC2034,SC2086,SC2154 # numbers need no quotes; a test is a subshell; helpers.bash sets variables
# "vfioalign show", on trees like /proc and /sys.
load helpers
load cli
load cli-fixtures

setup() {
	requires jq "$(type -P jq)"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# show STATUS [ARGUMENT...]: shows the tree, as a table, harmless and narrow, and as JSON; $table is the first
show() {
	cli show --sysroot "$root" "${@:2}"
	ended "$1"
	narrow
	harmless
	table=$output
	cli show --sysroot "$root" --json "${@:2}"
	ended "$1"
	harmless
	jq -e . <<<"$output" >/dev/null || fail "this is no JSON:" "$output"
}

# row FIELD...: the fields of all mappings, a mapping a line
row() {
	local fields
	fields=$(printf '.%s,' "$@")
	json ".mappings[] | [${fields%,}] | map(tostring) | join(\" \")"
}

# good_and_bad: one mapping that is congruent and advised, one that is congruent only, and one that is not
good_and_bad() {
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))" "4=$((16 * M))"
	qemu
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	mapping 1000 0x7f1040000000 $((4 * G)) 2 0
	mapping 1000 0x7f2040001000 $((4 * G)) 2 0 hg
	mapping 1000 0x7f3040001000 0x1000 4 0
}

# generation RELEASE THP EXPECTED: has and limit of these
generation() {
	host "$1" "$2"
	good_and_bad
	show 1
	equal "$1, $2" "$3" "$(row has limit | paste -sd, | sed "s/$G/1G/g; s/$((2 * M))/2M/g; s/4096/4K/g")"
}

@test "up to 6.11 no address has huge pages" {
	for release in 5.15.0-91-generic 6.11.0-29-generic; do
		for thp in always madvise never missing; do
			generation $release $thp "4K kernel,4K kernel,4K kernel,4K null"
		done
	done
}

@test "from 6.12 on pages are huge as the address, the advice and the THP setting allow" {
	for release in 6.12 6.12.57+deb13-amd64 6.12.114 6.13.115 6.15.0 6.18.53 6.19.0 7.2.9; do
		generation $release always "1G null,1G null,4K address,4K null"
		generation $release madvise "1G null,4K advice,4K address,4K null"
		generation $release never "4K thp,4K thp,4K thp,4K null"
		generation $release missing "4K kernel,4K kernel,4K kernel,4K null"
	done
}

@test "from 6.12.115, 6.18.54 and 7.3 on only the address counts, but THP has to be built in" {
	for release in 6.12.115+deb13-amd64 6.18.54-1-lts 6.18.100 7.3 7.3.0-rc1 8.0.0; do
		for thp in always madvise never; do
			generation $release $thp "1G null,1G null,4K address,4K null"
		done
		generation $release missing "4K kernel,4K kernel,4K kernel,4K null"
	done
}

@test "the exit status is 0 if all is as good as it can be" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0
	show 0
	matches "table" "*All as good as it can be." "$table"
	show 0 1000
	show 0 qemu-system-x86_64
	mapping 1000 0x7f2040001000 $((4 * G)) 2 0
	show 1
	matches "table" "*1 of 2 could have larger pages: *vfioalign run -- PROGRAM*" "$table"
}

@test "a mapping is shown with all that is known of it" {
	host 6.12.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f2040001000 0xffeff000 2 0x101000 hg
	show 1
	equal "mapping" \
		'{"pid":1000,"program":"qemu-system-x86_64","device":"0000:01:00.0","candidates":["0000:01:00.0"],"bar":2,"offset":1052672,"length":4293914624,"address":"0x7f2040001000","best":1073741824,"has":4096,"limit":"address","faults":1048319,"least_faults":769,"vmpte_kb":8250}' \
		"$(jq -c '.mappings[]' <<<"$output")"
	equal "table" "qemu-system-x86_64, pid 1000, page tables (VmPTE) 8,250 kB
DEVICE  BAR   OFFSET   LENGTH        ADDRESS BEST HAS    FAULTS LEAST
01:00.0   2 0x101000 4193276K 0x7f2040001000   1G  4K 1,048,319   769
1 of 1 could have larger pages: the address is not congruent to the offset.
Start the program with
  vfioalign run -- PROGRAM ARGUMENT..." "$table"
}

@test "the notes to a table have no line that is wider than a terminal, for each limit" {
	for thp in madvise never missing; do
		host 6.12.0 $thp
		good_and_bad
		show 1
	done
}

@test "faults are those of the largest pages that the address allows" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((128 * G))"
	qemu
	mapping 1000 0x7e0000000000 $((128 * G)) 2 0
	mapping 1000 0x7e4000200000 $((4 * G)) 2 0
	mapping 1000 0x7e8000302000 0x300000 2 0x101000
	mapping 1000 0x7e8100100000 0x300000 2 0x100000
	mapping 1000 0x7e8200000000 0x1ff000 2 0
	show 1
	equal "faults" "$((1 << 30)) 128 128
$((1 << 21)) 2048 4
4096 768 257
$((1 << 21)) 257 257
4096 511 511" "$(row has faults least_faults)"
}

@test "a device is told by its node" {
	host 6.15.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	device 0000:02:00.0 8 vfio-pci "2=$((4 * G))"
	cdev vfio3 0000:02:00.0
	cdev vfio12 0000:01:00.0
	process 1000 vmm
	fd 1000 10 /dev/vfio/devices/vfio3
	fd 1000 11 /dev/vfio/devices/vfio12
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg /dev/vfio/devices/vfio3
	mapping 1000 0x7f1040000000 $((4 * G)) 2 0 hg /dev/vfio/devices/vfio12
	mapping 1000 0x7f2040000000 $((4 * G)) 2 0 hg /jail/dev/vfio/devices/vfio12
	mapping 1000 0x7f3040000000 $((4 * G)) 2 0 hg /dev/vfio/devices/vfio99
	show 0
	equal "devices" $'0000:02:00.0\n0000:01:00.0\n0000:01:00.0\nnull' "$(row device)"
}

@test "a device without an IOMMU is told by its node" {
	host 7.3.0
	device 0000:01:00.0 "" vfio-pci "2=$((4 * G))"
	cdev noiommu-vfio3 0000:01:00.0
	process 1000 vmm
	fd 1000 10 /dev/vfio/devices/noiommu-vfio3
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg /dev/vfio/devices/noiommu-vfio3
	show 0
	equal "device" 0000:01:00.0 "$(row device)"
}

@test "a device is told by its file's syspath, from 6.18 on" {
	host 6.18.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	device 0000:01:00.1 7 vfio-pci "2=$((4 * G))"
	syspath=yes qemu
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	show 0
	# The other device of the group is not open.
	equal "devices" 0000:01:00.0 "$(row device)"
}

@test "a device is told by its group, before 6.18" {
	host 6.12.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	# Devices of the group that VFIO does not have are not open.
	device 0000:01:00.1 7 "" "2=$((4 * G))"
	device 0000:01:00.2 7 pci-stub "2=$((4 * G))"
	device 0000:02:00.0 8 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	show 0
	equal "devices" 0000:01:00.0 "$(row device)"
}

@test "a device without an IOMMU is told by its group" {
	host 6.12.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	echo vfio-noiommu >"$root/sys/kernel/iommu_groups/7/name"
	process 1000 dpdk-testpmd
	fd 1000 11 /dev/vfio/noiommu-7
	fd 1000 12 "$group_fd"
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	show 0
	equal "devices" 0000:01:00.0 "$(row device)"
}

# two_devices SIZE SIZE
two_devices() {
	host "${release:-6.12.0}"
	device 0000:01:00.0 7 vfio-pci "2=$1"
	device 0000:02:00.0 8 nvgrace-gpu-vfio-pci "2=$2"
	qemu
	fd 1000 13 /dev/vfio/8
	fd 1000 14 "$group_fd" ${syspath:+0000:02:00.0}
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
}

@test "of two devices, a mapping is of the one whose BAR is large enough" {
	two_devices $((4 * G)) $G
	mapping 1000 0x7f1040000000 $G 2 $((3 * G)) hg
	show 0
	equal "devices" $'0000:01:00.0\n0000:01:00.0' "$(row device)"
	release=6.18.0 syspath=yes two_devices $G $((4 * G))
	show 0
	equal "devices" 0000:02:00.0 "$(row device)"
}

@test "of two equal devices, both are named" {
	two_devices $((4 * G)) $((4 * G))
	show 0
	equal "device" "null" "$(row device)"
	equal "candidates" "0000:01:00.0 0000:02:00.0" "$(json '.mappings[0].candidates | sort | join(" ")')"
	matches "table" "*? is one of 0000:0[12]:00.0, 0000:0[12]:00.0: the kernel does not tell which.*" "$table"
}

@test "of many equal devices, all are named, in lines that fit" {
	host 6.12.0
	process 1000 qemu
	local i
	for i in {10..29}; do
		device 0000:$i:00.0 "$i" vfio-pci "2=$((4 * G))"
		fd 1000 "$i" "/dev/vfio/$i"
	done
	fd 1000 50 "$group_fd"
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	show 0
	equal "candidates" 20 "$(json '.mappings[0].candidates | length')"
}

@test "a device of which nothing is known does not hide the mapping" {
	host 6.12.0
	process 1000 qemu
	fd 1000 12 "$group_fd"
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	mapping 1000 0x7f2040000000 $((4 * G)) 9 0 hg
	show 0
	equal "devices" $'null 2\nnull 9' "$(row device bar)"
	equal "candidates" '[] []' "$(json '.mappings[].candidates | tojson' | xargs)"
	rm -r "$root"/proc/1000/{fd,fdinfo,status}
	show 0
	equal "devices" $'null 2\nnull 9' "$(row device bar)"
}

@test "BARs of ports and BARs that are not there are no candidates" {
	host 6.12.0
	device 0000:01:00.0 7 vfio-pci 0=io
	qemu
	mapping 1000 0x7f0040000000 $((2 * M)) 0 0 hg
	mapping 1000 0x7f1040000000 $((2 * M)) 3 0 hg
	show 0
	equal "devices" $'null 0\nnull 3' "$(row device bar)"
	# Unknown formats, and none.
	for line in "" "0x0" "0x0 0x0" "garbage garbage garbage" "0x10 0x0f 0x200" $'\xff\xfe'; do
		echo "$line" >"$root/sys/devices/pci0000:00/0000:01:00.0/resource"
		show 0
		equal "$line" $'null 0\nnull 3' "$(row device bar)"
	done
}

@test "advice is read from VmFlags, of the mapping itself" {
	host 6.12.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040000000 $G 2 0
	mapping 1000 0x7f0080000000 $G 2 $G hg
	mapping 1000 0x7f00c0000000 $G 2 $((2 * G))
	show 1
	equal "limits" $'advice\nnull\nadvice' "$(row limit)"
	matches "table" "*2 of 3 could have larger pages: *MADV_HUGEPAGE*" "$table"
	# Without smaps nothing is known of advice, and the worse is said.
	rm "$root/proc/1000/smaps"
	show 1
	equal "limits" $'advice\nadvice\nadvice' "$(row limit)"
}

@test "arm64 has no larger pages than those of the PMD level" {
	local pmd page
	for pmd in $((2 * M)) $((32 * M)) $((512 * M)); do
		host 7.3.0 madvise $pmd aarch64
		device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
		qemu
		mapping 1000 0x7f0040000000 $((4 * G)) 2 0
		mapping 1000 0x7f2041000000 $((4 * G)) 2 0
		show $((pmd > 16 * M))
		page=$((pmd == 2 * M ? 4096 : pmd == 32 * M ? 16384 : 65536))
		equal "PMD $pmd" "$pmd $pmd $((4 * G / pmd))
$pmd $((pmd > 16 * M ? page : pmd)) $((4 * G / (pmd > 16 * M ? page : pmd)))" "$(row best has faults)"
	done
}

@test "numbers are exact up to the end of a region" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((1 << 40))"
	qemu
	mapping 1000 0x600000000000 $((1 << 40)) 2 0
	mapping 1000 0x610000001000 $(((1 << 40) - 4096)) 2 0
	mapping 1000 0x620000002000 4096 5 $(((1 << 40) - 4096))
	echo "VmPTE: 18446744073709551615 kB" >"$root/proc/1000/status"
	show 1
	equal "numbers" "0 1099511627776 1073741824 1024 1024
0 1099511623680 4096 268435455 2045
1099511623680 4096 4096 1 1" "$(row offset length has faults least_faults)"
	grep -q '"offset": 1099511623680,' <<<"$output" || fail "offset" "$output"
	grep -q '"vmpte_kb": 18446744073709551615' <<<"$output" || fail "vmpte_kb" "$output"
	matches "table" "*18,446,744,073,709,551,615 kB*" "$table"
}

@test "processes are chosen by number, name and pattern" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	local name=a-program-with-a-long-name
	qemu
	qemu 2000
	process 30 $name
	for pid in 1000 2000 30; do
		mapping $pid 0x7f0040000000 $((4 * G)) 2 0
	done
	process 40 idle
	show 0
	equal "all" "30 1000 2000" "$(row pid | xargs)"
	show 0 2000 1000
	equal "by number" "2000 1000" "$(row pid | xargs)"
	show 0 $name
	equal "by name" 30 "$(row pid)"
	show 0 ${name:0:15}
	equal "by what it calls itself" 30 "$(row pid)"
	show 0 'qemu-*'
	equal "by pattern" "1000 2000" "$(row pid | xargs)"
}

@test "what is asked for and not there is an error, and the rest is shown" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0
	cli show --sysroot "$root" 1000 999
	loudly ended 2
	equal "stderr" "vfioalign show: there is no process 999" "$errors"
	matches "stdout" "*pid 1000*" "$output"
	cli show --sysroot "$root" no-such 1000
	loudly ended 2
	equal "stderr" "vfioalign show: no process is called no-such" "$errors"
	for number in 2147483648 4294968296 18446744073709552616 99999999999999999999999; do
		cli show --sysroot "$root" $number
		loudly ended 2
		equal "stderr" "vfioalign show: there is no process $number" "$errors"
		equal "stdout" "" "$output"
	done
}

@test "processes without VFIO mappings are nothing wrong" {
	host 7.3.0
	process 40 idle
	cli show --sysroot "$root"
	loudly ended 0
	equal "stdout" "" "$output"
	equal "stderr" "vfioalign show: no process that may be read has VFIO mappings" "$errors"
	cli show --sysroot "$root" 40
	loudly ended 0
	equal "stderr" "vfioalign show: process 40, idle, has no VFIO mappings" "$errors"
	good show --sysroot "$root" --json
	equal "JSON" '{"mappings":[]}' "$(jq -c . <<<"$output")"
	good show --sysroot "$root" --json 40
	equal "JSON" '{"mappings":[]}' "$(jq -c . <<<"$output")"
}

@test "a tree without a kernel or without processes is an error or nothing" {
	mkdir -p empty
	for directory in empty missing /dev/null ""; do
		[[ $directory ]] || continue
		cli show --sysroot "$directory"
		loudly ended 2
		matches "stderr" "vfioalign show: cannot read $directory/proc/sys/kernel/osrelease: *" "$errors"
		equal "stdout" "" "$output"
	done
	host 7.3.0
	good show --sysroot "$root"
	equal "stdout" "" "$output"
}

@test "a process that goes away while it is read is no error" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0
	mkdir "$root/proc/1001"
	process 1002 gone
	rm "$root/proc/1002/maps"
	process 1003 gone
	rm "$root/proc/1003"/{exe,comm}
	show 0
	equal "processes" 1000 "$(row pid)"
	show 0 '*'
	cli show --sysroot "$root" 1002
	loudly ended 2
	equal "stderr" "vfioalign show: there is no process 1002" "$errors"
}

@test "processes that come and go are nothing to speak of" {
	local i
	(while [[ ! -e end ]]; do /bin/true; done) 3>&- &
	for i in {1..30}; do
		cli show
		((status < 2)) || fail "status $status" "$errors"
		errors=$(grep -v -e 'may not be read: ' -e 'no process that may be read has' <<<"$errors" || true)
		equal "stderr" "" "$errors"
	done
	touch end
	wait
}

@test "a process that may not be read is named" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	process 1001 secret
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0
	chmod 0 "$root/proc/1001/maps"
	chmod -R o+rX "$root/proc/1000"
	open_to_all
	cli_as_nobody show --sysroot "$root"
	loudly ended 0
	equal "stderr" "vfioalign show: may not be read, try it as root: secret[1001]" "$errors"
	matches "stdout" "*pid 1000*" "$output"
	for name in 1001 secret; do
		cli_as_nobody show --sysroot "$root" $name
		loudly ended 2
		matches "stderr" "vfioalign show: *may not be read*try it as root*" "$errors"
		equal "stdout" "" "$output"
	done
}

@test "a size of huge pages that is none is taken for the machine's usual one" {
	local size
	for size in 18446744073709551615 9223372036854775809 0 -1 3000000 garbage ""; do
		host 7.3.0 madvise "$size"
		device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
		qemu
		mapping 1000 0x7f0040000000 $((4 * G)) 2 0
		show 0
		equal "$size" "1073741824 4" "$(row has faults)"
	done
}

@test "the name of a program that was deleted is shown as it was" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	process 1000 "a name (deleted) (deleted)"
	fd 1000 12 "$group_fd"
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0
	show 0
	equal "program" "a name (deleted)" "$(row program)"
}

@test "hostile names break neither the table, nor JSON, nor the terminal" {
	local name long locale
	long=$(printf 'x%.0s' {1..250})
	for locale in C C.UTF-8; do
		export LC_ALL=$locale
		for name in $'\e[31mred\e]0;title\a' $'two\nlines' $'bad\xff\xc3(\x80' $'c1\xc2\x9b31m' '"},{"pid":1' '\' \
			$'tab\t\r\b\x7f' "$long" $'\xe2\x80\xaebidi\xe2\x81\xa6\xe2\x80\xa8' $'\xef\xbb\xbf' ' ' \
			'%s%n' '<b>&amp;' 'a name (deleted)' $'q"\'\'' '$(reboot)'; do
			host 7.3.0
			device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
			process 1000 "$name"
			fd 1000 11 /dev/vfio/7
			fd 1000 12 "$group_fd"
			mapping 1000 0x7f0040000000 $((4 * G)) 2 0
			if [[ $locale == C ]]; then
				show 0
			else
				cli show --sysroot "$root" --json
				ended 0
				jq -e . <<<"$output" >/dev/null || fail "this is no JSON:" "$output"
				no_tricks
			fi
			equal "mappings" 1 "$(json '.mappings | length')"
			cli show --sysroot "$root"
			ended 0
			equal "lines" 4 "$(wc -l <<<"$output")"
			no_tricks
		done
	done
}

@test "hostile lines in maps are no mappings, and do not hide those that follow" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	local long
	long=$(printf 'x%.0s' {1..5000})
	cat >>"$root/proc/1000/maps" <<-END
		garbage

		7f0000000000-7f0000001000 rw-s 0 00:0f 1 /tmp/anon_inode:[vfio-device]
		7f0000000000-7f0000001000 rw-s 0 00:0f 1 anon_inode:[vfio-device] (deleted)
		7f0000000000-7f0000001000 rw-s 0 00:0f 1 /dev/vfio/devices/vfio
		7f0000000000-7f0000001000 rw-s 0 00:0f 1 /dev/vfio/devices/vfio1x
		7f0000000000-7f0000001000 rw-s 0 00:0f 1 /dev/vfio/devices/noiommu-1
		7f0000000000-7f0000001000 rw-s 0 00:0f 1 /tmp/\\012anon_inode:[vfio-device]
		7f0000000000-7f0000001000 rw-p 0 00:00 0 [anon:anon_inode:[vfio-device]]
		7f0000001000-7f0000000000 rw-s 0 00:0f 1 anon_inode:[vfio-device]
		7f0000001000 rw-s 0 00:0f 1 anon_inode:[vfio-device]
		7f0000000000-7f0000001000 rw-s 0 00:0f 1 /$long
		$(printf '7f00-7f01 \x01\xff\e[31m')
	END
	printf '7f0000000000-7f0000001000 \0 rw-s 0 00:0f 1 anon_inode:[vfio-device]\n' >>"$root/proc/1000/maps"
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0
	# The last line may have no end.
	printf '%s' "$(<"$root/proc/1000/maps")" 2>/dev/null >maps
	show 0
	equal "mappings" 0x7f0040000000 "$(row address)"
}

@test "hostile files and fdinfo lines name no device" {
	host 6.18.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	process 1000 qemu
	fd 1000 3 /dev/vfio/7x
	fd 1000 4 "/dev/vfio/99999999999999999999"
	fd 1000 5 $'/tmp/\e[31m/vfio/'
	fd 1000 12 "$group_fd" $'\e[31m'
	fd 1000 13 "$group_fd" "0000:01:00.0/.."
	fd 1000 14 "$group_fd" "../../../../etc/passwd"
	fd 1000 15 "$group_fd" "$(printf '0%.0s' {1..5000}):01:00.0"
	mapping 1000 0x7f0040000000 $((4 * G)) 2 0 hg
	show 0
	equal "device" null "$(row device)"
}

@test "thousands of mappings are shown" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((64 * G))"
	qemu
	local i
	for ((i = 0; i < 5000; i++)); do
		printf '%x-%x rw-s %x 00:0f 1 %s\n' $((0x7f0000000000 + i * 4 * M)) \
			$((0x7f0000000000 + (i * 4 + 2) * M)) $(((2 << 40) + i * 4 * M)) "$group_fd"
	done >>"$root/proc/1000/maps"
	show 0
	equal "mappings" 5000 "$(json '.mappings | length')"
	equal "lines" 5003 "$(wc -l <<<"$table")"
}

@test "the largest numbers do not make a line wider than a terminal" {
	host 7.3.0
	device 0000:e1:00.0 7 vfio-pci "2=$((512 * G))"
	qemu
	mapping 1000 0x7e0000001000 $((512 * G - 4096)) 2 0
	mapping 1000 0x7f0000001000 $((128 * G - 4096)) 2 $((128 * G + 4096))
	show 1
	matches "table" "*e1:00.0*e1:00.0*" "$table"
}
