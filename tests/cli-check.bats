#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test is a subshell; helpers.bash sets variables
# "vfioalign check", on trees like /proc and /sys.
load helpers
load cli
load cli-fixtures

setup() {
	requires jq "$(type -P jq)"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# looks STATUS [ARGUMENT...]: checks the tree, as a table, harmless and narrow but for commands and paths,
# and as JSON; $table is the first
looks() {
	cli check --sysroot "$root" "${@:2}"
	ended "$1"
	table=$output
	harmless
	output=$(grep -v -e '^                      *echo ' -e / <<<"$output") narrow
	cli check --sysroot "$root" --json "${@:2}"
	ended "$1"
	harmless
	jq -e . <<<"$output" >/dev/null || fail "this is no JSON:" "$output"
}

# line ITEM: status and text of its lines; remedy ITEM: their remedies
line() {
	json ".checks[] | select(.item == \"$1\") | \"\(.status): \(.text)\""
}

remedy() {
	json ".checks[] | select(.item == \"$1\") | .remedy"
}

whole_host() {
	host "${1:-7.3.0}" "${2:-madvise}"
	device 0000:01:00.0 7 vfio-pci 0=$((16 << 10)) "2=$((16 * G))" 4=io
}

@test "a host where all is well is ok, and the exit status 0" {
	whole_host
	looks 0
	equal "statuses" "ok ok ok ok ok ok" "$(json '.checks[].status' | xargs)"
	equal "items" "kernel thp iommu modules 0000:01:00.0 library" "$(json '.checks[].item' | xargs)"
	equal "remedies" null "$(json '.checks[].remedy' | sort -u)"
	equal "BARs" "ok: BAR 2 of 16G with 1G pages: 16 faults instead of 4,194,304" "$(line 0000:01:00.0)"
	equal "library" "ok: $library loads: libvfioalign $PACKAGE_VERSION" "$(line library)"
}

@test "all problems and notes have a reason, and problems have a remedy" {
	host 6.11.0 never
	rm -r "$root"/sys/bus/pci/drivers/vfio-pci "$root"/sys/kernel/iommu_groups/0
	looks 1 --device 0000:09:00.0 --device nonsense --program ./missing
	equal "problems" "kernel iommu modules 0000:09:00.0 nonsense program" \
		"$(json '.checks[] | select(.status == "problem") | .item' | xargs)"
	equal "without a reason or remedy" "" \
		"$(json '.checks[] | select(.text == "" or (.status == "problem" and .remedy == null)) | .item')"
}

@test "kernels are ok, noted or a problem by what they can do" {
	local release
	for release in 5.15.0 6.11.0-29-generic; do
		whole_host $release
		looks 1
		matches "kernel" "problem: Linux $release maps BARs with small pages only*" "$(line kernel)"
		matches "remedy" "install a kernel of version 6.12 or later*" "$(remedy kernel)"
	done
	for release in 6.12 6.12.57+deb13-amd64 6.12.115 6.14.9; do
		whole_host $release
		looks 0
		matches "kernel" "note: Linux $release maps BARs with huge pages: few faults. *" "$(line kernel)"
	done
	for release in 6.15.0 6.18.53 6.18.54 7.3.0; do
		whole_host $release
		looks 0
		matches "kernel" "ok: Linux $release maps BARs with huge pages, and DMA-maps them so" "$(line kernel)"
	done
}

@test "THP is a problem where it keeps BARs from huge pages" {
	local release thp
	for release in 6.12.0 6.12.114 6.13.0 6.15.0 6.18.53 6.19.0 7.2.0; do
		for thp in always madvise; do
			whole_host $release $thp
			looks 0
			matches "$release $thp" "ok: *$thp*" "$(line thp)"
		done
		whole_host $release never
		looks 1
		matches "$release never" "problem: transparent huge pages: never, *" "$(line thp)"
		equal "remedy" "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled" "$(remedy thp)"
	done
	for release in 6.12.115 6.18.54 7.3.0; do
		for thp in always madvise never; do
			whole_host $release $thp
			looks 0
			matches "$release $thp" "ok: *$thp, which does not matter*" "$(line thp)"
		done
	done
	for release in 6.12.0 7.3.0; do
		whole_host $release missing
		looks 1
		matches "$release missing" "problem: *not built into this kernel*" "$(line thp)"
	done
}

@test "an IOMMU that is not in use is a problem, or a note where VFIO does without" {
	whole_host
	rm -r "$root/sys/kernel/iommu_groups" "$root/sys/devices/pci0000:00/0000:01:00.0/iommu_group"
	looks 1
	matches "iommu" "problem: no IOMMU is in use*" "$(line iommu)"
	matches "device" "problem: has no IOMMU group" "$(line 0000:01:00.0)"
	mkdir -p "$root/sys/kernel/iommu_groups"
	looks 1
	matches "iommu" "problem: no IOMMU is in use*" "$(line iommu)"
	# The group of a device without an IOMMU is VFIO's own.
	whole_host
	rm -r "$root/sys/kernel/iommu_groups/0"
	echo Y >"$root/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
	echo vfio-noiommu >"$root/sys/kernel/iommu_groups/7/name"
	looks 0
	matches "iommu" "note: none: VFIO runs in its unsafe mode*" "$(line iommu)"
	matches "device" "ok: BAR 2 of 16G*" "$(line 0000:01:00.0)"
}

@test "modules that are missing are a problem, or a note where iommufd stands in" {
	whole_host
	rm -r "$root/sys/module/vfio_iommu_type1"
	looks 1
	matches "modules" "problem: vfio-pci is loaded, but neither *" "$(line modules)"
	equal "remedy" "modprobe vfio_iommu_type1" "$(remedy modules)"
	mkdir "$root/sys/module/iommufd"
	looks 0
	matches "modules" "note: vfio-pci and iommufd are loaded, *" "$(line modules)"
	rm -r "$root/sys/module/iommufd"
	mkdir -p "$root/sys/class/misc/iommu"
	looks 0
	host 7.3.0
	rm -r "$root/sys/bus/pci/drivers/vfio-pci"
	looks 1
	equal "modules" "problem: vfio-pci is not loaded" "$(line modules)"
	equal "remedy" "modprobe vfio-pci" "$(remedy modules)"
}

@test "without devices there is a note" {
	host 7.3.0
	device 0000:01:00.0 7 nvme "0=$((16 << 10))"
	looks 0
	matches "devices" "note: no device is bound to vfio-pci*" "$(line devices)"
	rm -r "$root/sys/bus/pci/devices"
	looks 0
	matches "devices" "note: no device is bound to vfio-pci*" "$(line devices)"
}

@test "all devices of VFIO are looked at, or those that are asked for" {
	whole_host
	device 0000:02:00.0 8 nvgrace-gpu-vfio-pci "0=$((2 * M))" "2=$((128 * G))" "4=$((32 * M))"
	device 0000:03:00.0 9 nvme "0=$((16 << 10))"
	looks 0
	equal "items" "kernel thp iommu modules 0000:01:00.0 0000:02:00.0 library" "$(json '.checks[].item' | xargs)"
	equal "BARs" "ok: BAR 0 of 2M with 2M pages: 1 fault instead of 512; \
BAR 2 of 128G with 1G pages: 128 faults instead of 33,554,432; \
BAR 4 of 32M with 2M pages: 16 faults instead of 8,192" "$(line 0000:02:00.0)"
	looks 0 --device 0000:02:00.0
	equal "items" "kernel thp iommu modules 0000:02:00.0 library" "$(json '.checks[].item' | xargs)"
	looks 1 --device 0000:03:00.0 -d 0000:01:00.0
	equal "items" "kernel thp iommu modules 0000:03:00.0 0000:01:00.0 library" "$(json '.checks[].item' | xargs)"
}

@test "an address is taken as show and lspci print it" {
	whole_host
	device 0000:af:00.1 9 vfio-pci "0=$G"
	device 10000:e1:00.0 10 vfio-pci "0=$G"
	looks 0 --device 01:00.0 --device AF:00.1 --device 10000:e1:00.0
	equal "items" "0000:01:00.0 0000:af:00.1 10000:e1:00.0" "$(json '.checks[4:7][].item' | xargs)"
	local bad
	for bad in "" . .. 0000:01:00.0/.. ../devices/0000:01:00.0 01:00 0000:01:00.0x " 01:00.0" 01:00.g 1:2:3:4.5 \
		$'\e[31m'; do
		cli check --sysroot "$root" --json --device "$bad"
		ended 1
		matches "$bad" "problem: is no PCI address*" "$(json '.checks[4] | "\(.status): \(.text)"')"
	done
}

@test "a device that VFIO does not have is a problem, with the commands that give it to vfio-pci" {
	host 7.3.0
	device 0000:01:00.0 7 nvme "0=$((16 << 10))"
	device 0000:02:00.0 8 "" "0=$((16 << 10))"
	looks 1 --device 0000:01:00.0 --device 0000:02:00.0 --device 0000:03:00.0
	equal "bound" "problem: is bound to nvme, and VFIO does not have it" "$(line 0000:01:00.0)"
	equal "its remedy" "echo vfio-pci >/sys/bus/pci/devices/0000:01:00.0/driver_override
echo 0000:01:00.0 >/sys/bus/pci/devices/0000:01:00.0/driver/unbind
echo 0000:01:00.0 >/sys/bus/pci/drivers_probe" "$(remedy 0000:01:00.0)"
	equal "unbound" "problem: has no driver, and VFIO does not have it" "$(line 0000:02:00.0)"
	equal "its remedy" "echo vfio-pci >/sys/bus/pci/devices/0000:02:00.0/driver_override
echo 0000:02:00.0 >/sys/bus/pci/drivers_probe" "$(remedy 0000:02:00.0)"
	equal "missing" "problem: there is no such PCI device" "$(line 0000:03:00.0)"
	local table_before=$table
	rmdir "$root/sys/bus/pci/drivers/vfio-pci"
	looks 1 --device 0000:02:00.0
	equal "first of its remedy" "modprobe vfio-pci" "$(remedy 0000:02:00.0 | head -n 1)"
	table=$table_before
	# In the table, each command has a line of its own.
	matches "table" "*
 * echo vfio-pci >/sys/bus/pci/devices/0000:01:00.0/driver_override
 * echo 0000:01:00.0 >/sys/bus/pci/devices/0000:01:00.0/driver/unbind
 * echo 0000:01:00.0 >/sys/bus/pci/drivers_probe
*" "$table"
}

@test "a group that is not viable is a problem, with the commands for the devices of other drivers" {
	whole_host
	device 0000:01:00.1 7 snd_hda_intel "0=$((16 << 10))"
	device 0000:01:00.2 7 xhci_hcd "0=$((16 << 10))"
	looks 1
	matches "group" "problem: its IOMMU group 7 is not viable, *0000:01:00.[12] (*), 0000:01:00.[12] (*)*" \
		"$(line 0000:01:00.0 | head -n 1)"
	equal "commands" 6 "$(remedy 0000:01:00.0 | grep -c '^[me]')"
	equal "devices" "0000:01:00.1 0000:01:00.2" "$(remedy 0000:01:00.0 |
		sed -n 's|^echo \(.*\) >/sys/bus/pci/drivers_probe|\1|p' | sort | xargs)"
}

@test "bridges, stubs and devices without a driver leave a group viable" {
	whole_host
	device 0000:00:01.0 7 pcieport
	device 0000:01:00.1 7 pci-stub "0=$((16 << 10))"
	device 0000:01:00.2 7 "" "0=$((16 << 10))"
	device 0000:01:00.3 7 mlx5-vfio-pci "0=$((16 << 10))"
	looks 0 --device 01:00.0
	equal "lines" 1 "$(line 0000:01:00.0 | wc -l)"
}

@test "a group's node that is missing is a problem, and one that may not be opened a note" {
	whole_host
	mkdir -p "$root/dev/vfio"
	looks 1
	matches "node" "problem: /dev/vfio/7, the node of its IOMMU group, is missing*" "$(line 0000:01:00.0 | head -n 1)"
	echo vfio-noiommu >"$root/sys/kernel/iommu_groups/7/name"
	looks 1
	matches "node" "problem: /dev/vfio/noiommu-7, *" "$(line 0000:01:00.0 | head -n 1)"
	rm "$root/sys/kernel/iommu_groups/7/name"
	# Of a kernel that has nodes of devices alone, none is missed.
	mkdir "$root/dev/vfio/devices"
	looks 0
	: >"$root/dev/vfio/7"
	looks 0
	chmod 600 "$root/dev/vfio/7"
	open_to_all
	cli_as_nobody check --sysroot "$root" --json
	ended 0
	matches "node" "note: /dev/vfio/7 may not be opened by this user: Permission denied" \
		"$(line 0000:01:00.0 | head -n 1)"
	matches "remedy" "chown 65534 /dev/vfio/7" "$(remedy 0000:01:00.0 | head -n 1)"
}

@test "BARs without room for a huge page are a note" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci 0=io 1=$((1 << 20)) 3=4096
	looks 0
	matches "BARs" "note: no BAR of it holds a huge page*" "$(line 0000:01:00.0)"
	local garbage
	for garbage in "" "0x0" "garbage garbage garbage" "0x10 0x0f 0x200" $'\xff\xfe'; do
		echo "$garbage" >"$root/sys/devices/pci0000:00/0000:01:00.0/resource"
		looks 0
		matches "BARs" "note: no BAR of it holds a huge page*" "$(line 0000:01:00.0)"
	done
	rm "$root/sys/devices/pci0000:00/0000:01:00.0/resource"
	looks 0
}

@test "arm64 has its own page sizes" {
	local pmd
	for pmd in 2M 32M 512M; do
		host 7.3.0 madvise $((${pmd%M} * M)) aarch64
		device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
		looks 0
		matches "$pmd" "ok: BAR 2 of 4G with $pmd pages: *" "$(line 0000:01:00.0)"
	done
}

@test "hostile names of drivers break neither the table, nor JSON, nor the terminal" {
	local name locale long
	long=$(printf 'x%.0s' {1..240})
	for locale in C C.UTF-8; do
		export LC_ALL=$locale
		for name in $'\e[31mred' $'two\nlines' $'\xff' '"},{' $'\xc2\x9b31m' $'\xe2\x80\xaebidi' 'a\x41' "$long"; do
			host 7.3.0
			device 0000:01:00.0 7 "$name" "0=$((16 << 10))"
			looks 1 --device 01:00.0
			equal "lines" 6 "$(json '.checks | length')"
			equal "problems" 1 "$(grep -c ^problem <<<"$table")"
			equal "commands" 3 "$(grep -c '^                       ' <<<"$table")"
			# What is escaped is so once.
			[[ $name != two* ]] || matches "newline" '*is bound to two\\x0alines, *' "$table"
			[[ $name != *bidi ]] || matches "bidi" '*is bound to \\xe2\\x80\\xaebidi, *' "$table"
			[[ $name != a* ]] || matches "backslash" '*is bound to a\\x41, *' "$table"
		done
	done
}

@test "a program is checked for whether the library loads into it" {
	whole_host
	"$CC" -static -o static "$here/cli-program.c"
	looks 0 --program true
	matches "program" "ok: the library loads into */true" "$(line program)"
	looks 1 --program ./static
	matches "program" "problem: ./static is statically linked*" "$(line program)"
	equal "remedy" "use a dynamically linked build of it" "$(remedy program)"
	looks 1 --program ./missing
	matches "program" "problem: cannot run ./missing: No such file or directory" "$(line program)"
	printf '#!/nonexistent\n' >script
	chmod +x script
	looks 1 --program ./script
	matches "program" "problem: ./script cannot run, because of its interpreter /nonexistent: *" "$(line program)"
}

@test "a library that is missing or does not load is a problem" {
	whole_host
	cp "$top/vfioalign" .
	command=$PWD/vfioalign
	not_sanitized "a library without them would not load"
	[[ ! -e $libdir/libvfioalign.so ]] || skip "$libdir has the library"
	cli check --sysroot "$root" --json
	loudly ended 1
	matches "library" "problem: *" "$(line library)"
	printf 'no library%.0s' {1..100} >libvfioalign.so
	cli check --sysroot "$root" --json
	loudly ended 1
	matches "library" "problem: *does not load the library: *'$PWD/libvfioalign.so'*" "$(line library)"
	# Of another version, it is not this command's.
	"$CC" -shared -fPIC -o libvfioalign.so -x c - <<-END
		#include <stdlib.h>
		#include <unistd.h>
		__attribute__((constructor)) static void probe(void)
		{
			if (getenv("VFIOALIGN_PROBE") && write(1, "libvfioalign 0.0.1\n", 19) == 19)
				_exit(0);
		}
	END
	cli check --sysroot "$root" --json
	ended 1
	matches "library" "problem: $PWD/libvfioalign.so does not load as version *\"libvfioalign 0.0.1\"" "$(line library)"
	mkdir "a space"
	cp "$top/vfioalign" "$library" "a space"
	command="$PWD/a space/vfioalign"
	cli check --sysroot "$root" --json
	ended 1
	matches "library" "problem: the library's path has a space in it*" "$(line library)"
}

@test "a tree without a kernel is an error" {
	mkdir empty
	for directory in empty missing; do
		cli check --sysroot $directory
		loudly ended 2
		equal "stdout" "" "$output"
		matches "stderr" "vfioalign check: cannot read $directory/proc/sys/kernel/osrelease: *" "$errors"
	done
}

@test "this machine itself can be checked" {
	cli check --json
	((status < 2)) || ended 0
	equal "stderr" "" "$errors"
	matches "kernel" "*Linux $(uname -r) *" "$(line kernel)"
}
