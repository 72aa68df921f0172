# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests in the guest have in common. abs_top_srcdir and abs_top_builddir are set by suite.

vm=$abs_top_srcdir/tests/vm
# As in tests/helpers.bash.
: "${patience:=600}"
# shellcheck source=tests/pages.bash
. "$vm/../pages.bash"
library=$abs_top_builddir/libvfioalign.so
probe=$abs_top_builddir/tests/vm/probe

# bar_size BDF BAR
bar_size() {
	local start end
	read -r start end _ < <(sed -n "$(($2 + 1))p" "/sys/bus/pci/devices/$1/resource")
	echo $((end ? end - start + 1 : 0))
}

# given BDF: to vfio-pci
given() {
	"$vm/vfio-bind" "$1" >/dev/null && echo "$1"
}

# device_with_bar SIZE: the BDF of the device whose BAR 2 has SIZE bytes, bound to vfio-pci
device_with_bar() {
	local device
	for device in /sys/bus/pci/devices/*; do
		(($(bar_size "${device##*/}" 2) != $1)) || { given "${device##*/}"; return; }
	done
	echo "no device has a BAR 2 of $1 bytes" >&2
	return 1
}

# device_with_id VENDOR DEVICE: its BDF, bound to vfio-pci
device_with_id() {
	local device
	for device in /sys/bus/pci/devices/*; do
		[[ $(<"$device/vendor") != "$1" || $(<"$device/device") != "$2" ]] ||
			{ given "${device##*/}"; return; }
	done
	echo "no device has the ID $1:$2" >&2
	return 1
}

# value KEY: what the last "run" printed as KEY=VALUE. Programs take long to start on an emulated CPU.
value() {
	local line
	while IFS= read -r line; do
		[[ $line != "$1="* ]] || printf '%s\n' "${line#*=}"
	done <<<"$output"
}

# with_library COMMAND...: bats' run, with the library; without_library: the same, without
with_library() {
	run timeout "$patience" env LD_PRELOAD="$library" "$@"
	succeeded
}

without_library() {
	run timeout "$patience" "$@"
	succeeded
}

# of_size BAR LENGTH COMMAND...: with $sparse preloaded, a BAR of this size ends at LENGTH
sparse=$abs_top_builddir/tests/vm/sparse.so
gb200=$((0x2F00F00000))
of_size() {
	SPARSE_REGION_SIZE=$1 SPARSE_AREAS="0+$2" "${@:3}"
}

# bar_2_areas: OFFSET LENGTH PAGE of QEMU's mappings of BAR 2
bar_2_areas() {
	awk '$2 == 2 { print $3, $4, $5 }' < <(value area)
}

# by_luck COMMAND...: does it succeed in one of three tries? Of the addresses that the system chooses by
# itself, one in 512 is congruent.
by_luck() {
	"$@" || "$@" || "$@"
}

succeeded() {
	((status == 0)) || fail "status $status: $output"
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# equal WHAT EXPECTED ACTUAL
equal() {
	[[ $3 == "$2" ]] || fail "$1" "expected: $2" "actual:   $3" "$output"
}

# congruent ADDRESS OFFSET MODULUS
congruent() {
	((($1 - $2) % $3 == 0)) || fail "address $1 is not congruent to $2 modulo $3"
}

thp() {
	echo "$1" >/sys/kernel/mm/transparent_hugepage/enabled
}

# Since Linux 7.3, and 6.12.115 and 6.18.54 of the stable ones, huge PFN mappings no longer obey the THP
# setting.
kernel_ignores_thp() {
	local release first
	release=$(uname -r)
	release=${release%%[!0-9.]*}
	case $release in
	6.12.*) first=6.12.115 ;;
	6.18.*) first=6.18.54 ;;
	*) first=7.3 ;;
	esac
	[[ $(printf '%s\n' $first "$release" | sort -V | head -n 1) == "$first" ]]
}
