#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# scripts/demo --device, on a machine with a VFIO device: the guest.

load guest.bash

setup_file() {
	FOUR_GIB=$(device_with_bar $((4 << 30)))
	export FOUR_GIB
}

setup() {
	[[ $abs_top_builddir -ef $abs_top_srcdir/build ]] ||
		skip "scripts/demo builds in build/, and this was built elsewhere"
}

shows_the_difference() {
	run timeout "$patience" "$abs_top_srcdir/scripts/demo" --device "$FOUR_GIB"
	succeeded || return
	grep -q 'page faults  *1,048,576  *4  *262144 x' <<<"$output" || fail "no such row" "$output"
}

@test "scripts/demo --device shows the difference on a device of this machine" {
	by_luck shows_the_difference
	grep -q "QEMU [0-9.]*, its whole start" <<<"$output" || fail "no QEMU" "$output"
}

@test "scripts/demo --device refuses a device that is not bound to vfio-pci, and says how to bind it" {
	echo "$FOUR_GIB" >/sys/bus/pci/drivers/vfio-pci/unbind
	run "$abs_top_srcdir/scripts/demo" --device "$FOUR_GIB"
	"$vm/vfio-bind" "$FOUR_GIB"
	[[ $status == 1 && $output == *"bound to no driver and not to vfio-pci. To bind it: echo vfio-pci"* ]] ||
		fail "status $status" "$output"
}
