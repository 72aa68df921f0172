#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command on a machine with VFIO devices: what it says of running programs, and whether typing
# what it tells to type helps. The kernel itself counts the pages that it maps of BARs (bar-faults).

load guest.bash
load programs.bash
# shellcheck source=tests/vm/qemu.bash
. "$abs_top_srcdir/tests/vm/qemu.bash"

command=$abs_top_builddir/vfioalign

setup() {
	thp madvise
	find_devices
}

teardown() {
	qemu_clean
}

# json FILTER: of the last "run"
json() {
	jq -r "$1" <<<"$output"
}

# shown STATUS [PID]: "show --json" of it ends with STATUS
shown() {
	run "$command" show --json "${@:2}"
	((status == $1)) || fail "show ended with $status, expected $1" "$output"
}


# mappings FIELD...: of the BAR, one a line
mappings() {
	local fields
	fields=$(printf '.%s,' "$@")
	json ".mappings[] | select(.bar == 2) | [${fields%,}] | map(tostring) | join(\" \")"
}

@test "show calls QEMU 10.0 bad that has a hole in its BAR, and counts the faults as the kernel does" {
	set_layout hole
	# shellcheck disable=SC2016 # variables of the other bash
	output=$(BDF=$bdf "$vm/bar-faults" bash -c '
		. "$1/qemu.bash"
		qemu_machine qemu-system-x86_64
		qemu_start "$1/in-tree" "$2" env LD_PRELOAD="$3" "${qemu[@]}" -device "vfio-pci,host=$BDF"
		qemu_wait_for_bars "$BDF" || exit 1
		"$4" show --json "$qemu_pid" >/run/shown
		echo "status=$?"
		"$4" show "$qemu_pid"
		qemu_end' - "$vm" "${qemu_tree[10.0]}" "$sparse" "$command")
	equal "status" 1 "$(value status)"
	[[ $output == *"could have larger pages: the address is not congruent"* ]] || fail "table" "$output"
	local by_kernel
	by_kernel=$(value bar_faults)
	output=$(</run/shown)
	equal "device" "$bdf" "$(mappings device | sort -u)"
	equal "limit of the large area" address "$(mappings length limit | sort -n | tail -n 1 | cut -d' ' -f2)"
	# The kernel counts what is mapped of other BARs, too.
	local sum
	sum=$(json '[.mappings[].faults] | add')
	((sum > 1000000 && by_kernel >= sum && by_kernel <= sum + 64)) || fail "faults: $sum, the kernel says $by_kernel"
}

@test "show calls QEMU 10.0 good under the library" {
	set_layout hole
	qemu_machine qemu-system-x86_64
	qemu_start "$vm/in-tree" "${qemu_tree[10.0]}" env LD_PRELOAD="$library $sparse" "${qemu[@]}" \
		-device "vfio-pci,host=$bdf"
	qemu_wait_for_bars "$bdf"
	qemu_loaded "$qemu_pid" "$library" "$sparse"
	shown 0 "$qemu_pid"
	equal "best, and has" "1073741824 1073741824" "$(mappings length best has | sort -n | tail -n 1 | cut -d' ' -f2-)"
	equal "limits" "null" "$(json '.mappings[].limit' | sort -u)"
	run "$command" show "qemu-system-*"
	((status == 0)) || fail "status $status" "$output"
	[[ $output == *"All as good as it can be."* ]] || fail "table" "$output"
	qemu_end
}

@test "vfioalign run makes QEMU good, and is QEMU's own process" {
	set_layout hole
	qemu_machine qemu-system-x86_64
	LD_PRELOAD=$sparse qemu_start "$command" run -- "${qemu[@]}" -device "vfio-pci,host=$bdf"
	qemu_wait_for_bars "$bdf"
	qemu_loaded "$qemu_pid" "$library" "$sparse"
	shown 0 "$qemu_pid"
	equal "program" qemu-system-x86_64 "$(json '.mappings[0].program')"
	equal "best, and has" "1073741824 1073741824" "$(mappings length best has | sort -n | tail -n 1 | cut -d' ' -f2-)"
	qemu_end
}

@test "vfioalign run gives a program the fewest faults" {
	set_layout whole
	run "$vm/bar-faults" "$command" run "$probe" --offset 0x101000 "$bdf"
	succeeded
	equal "faults" 769 "$(value faults)"
	equal "the kernel's" 769 "$(value bar_faults)"
	run "$command" run --align=2M "$probe" "$bdf"
	succeeded
	equal "faults with --align=2M" 2048 "$(value faults)"
}

@test "check finds this machine good, with the right BARs" {
	run "$command" check --json
	((status == 0)) || fail "status $status" "$output"
	equal "problems" 0 "$(json '[.checks[] | select(.status == "problem")] | length')"
	equal "kernel" "$([[ $(uname -r) == 6.12.* ]] && echo note || echo ok)" \
		"$(json '.checks[] | select(.item == "kernel") | .status')"
	equal "4 GiB" "BAR 2 of 4G with 1G pages: 4 faults instead of 1,048,576" \
		"$(json ".checks[] | select(.item == \"${layout_bdf[whole]}\") | .text")"
	equal "8 GiB" "BAR 2 of 8G with 1G pages: 8 faults instead of 2,097,152" \
		"$(json ".checks[] | select(.item == \"${layout_bdf[middle]}\") | .text")"
	run "$command" check
	((status == 0)) || fail "status $status" "$output"
}

# remedied ARGUMENT...: "check" has problems, and none any more once its remedies have been typed
remedied() {
	run "$command" check --json "$@"
	((status == 1)) || fail "status $status" "$output"
	json '.checks[] | select(.status == "problem") | .remedy' >/run/remedy
	run bash -e /run/remedy
	succeeded
	run "$command" check --json "$@"
	((status == 0)) || fail "status $status after the remedy" "$(</run/remedy)" "$output"
}

@test "a device without a driver is a problem, and its remedy binds it" {
	local device=${layout_bdf[whole]}
	echo "$device" >/sys/bus/pci/drivers/vfio-pci/unbind
	echo >"/sys/bus/pci/devices/$device/driver_override"
	remedied --device "$device"
	[[ $(readlink "/sys/bus/pci/devices/$device/driver") == */vfio-pci ]] || fail "not bound"
	run "$command" run "$probe" "$device"
	succeeded
	equal "faults" 4 "$(value faults)"
}

@test "a device of another driver is a problem, and its remedy binds it" {
	local device
	# The machine's random number generator, of virtio.
	device=$(grep -lE '^0x(1044|1005)$' /sys/bus/pci/devices/*/device)
	device=${device%/device} device=${device##*/}
	[[ $(readlink "/sys/bus/pci/devices/$device/driver") == */virtio-pci ]] || fail "$device is not of virtio-pci"
	remedied --device "$device"
	[[ $(readlink "/sys/bus/pci/devices/$device/driver") == */vfio-pci ]] || fail "not bound"
}

@test "THP never is a problem with a remedy where the kernel goes by it" {
	thp never
	if kernel_ignores_thp; then
		run "$command" check
		((status == 0)) || fail "status $status" "$output"
	else
		remedied
	fi
	set_layout whole
	run "$command" run "$probe" "$bdf"
	succeeded
	equal "faults" 4 "$(value faults)"
}
