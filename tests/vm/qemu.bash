# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An unmodified QEMU inside a guest, led by its monitor; to be sourced. A function that fails says
# why on stderr. Nothing here forks while it waits: on an emulated CPU a fork takes 0.1 s.

qemu_pid='' qemu_job='' qemu_questions=0
# A pipe that nothing comes through, to wait at.
exec {qemu_nothing}<> <(:)

qemu_failed() {
	echo "QEMU: $*" >&2
	cat "$qemu_job/errors" >&2
	tr -d '\r\033' <"$qemu_job/monitor" | tail -n 20 >&2
	return 1
}

# qemu_machine BINARY: sets the array $qemu, the command of a small machine. That of arm64 has no firmware
# of its own.
qemu_machine() {
	# shellcheck disable=SC2034 # for those that source this
	qemu=("$1" -accel tcg -cpu max -m 256M -nodefaults -no-user-config -display none -monitor stdio)
	case $1 in
	*aarch64) qemu+=(-M "virt,gic-version=3" -kernel "${abs_top_builddir:?}/tests/vm/firmware") ;;
	*) qemu+=(-M q35 -global q35-pcihost.pci-hole64-size=512G) ;;
	esac
}

# qemu_start COMMAND...: its monitor is to be on stdio
qemu_start() {
	qemu_job=$(mktemp -d)
	mkfifo "$qemu_job/commands"
	exec {qemu_commands}<>"$qemu_job/commands"
	: >"$qemu_job/monitor"
	# 3 is what bats prints to, and waits for.
	"$@" <"$qemu_job/commands" >"$qemu_job/monitor" 2>"$qemu_job/errors" 3>&- &
	qemu_pid=$!
}

qemu_end() {
	local status=0
	echo quit >&"$qemu_commands"
	wait "$qemu_pid" || status=$?
	qemu_pid=''
	((status == 0)) || qemu_failed "ended with status $status"
}

# qemu_clean: for a trap
qemu_clean() {
	if [[ $qemu_pid ]]; then
		kill -9 "$qemu_pid"
		wait "$qemu_pid" || :
	fi 2>/dev/null
	[[ -z $qemu_job ]] || rm -rf "$qemu_job"
}

# monitor COMMAND: sets $answer. QEMU echoes the next line once it is done with this one.
monitor() {
	local before after tries mark=_$((++qemu_questions))_
	read -r -d '' before <"$qemu_job/monitor" || :
	printf '%s\nhelp %s\n' "$1" "$mark" >&"$qemu_commands"
	for ((tries = 0; tries < 6000; tries++)); do
		read -r -d '' after <"$qemu_job/monitor" || :
		answer=${after:${#before}}
		answer=${answer//$'\r'/}
		[[ $answer != *"$mark"* ]] || return 0
		kill -0 "$qemu_pid" 2>/dev/null || { qemu_failed "has ended"; return 1; }
		read -r -t 0.1 -u "$qemu_nothing" || :
	done
	qemu_failed "no answer to $1"
}

# qemu_wait_for_bars BDF: until the firmware has switched the device's memory on. Not by "info
# mtree -f", which never gives back its references to the BARs: an unplugged device would live on.
qemu_wait_for_bars() {
	local polls
	for ((polls = 0; polls < 3000; polls++)); do
		monitor "info mtree" || return 1
		[[ $answer != *": $1 BAR "* ]] || return 0
		read -r -t 0.2 -u "$qemu_nothing" || :
	done
	qemu_failed "the firmware did not map the BARs of $1"
}

# qemu_loaded PID FILE...: ld.so goes on without what it cannot load
qemu_loaded() {
	local file maps
	maps=$(<"/proc/$1/maps")$'\n'
	for file in "${@:2}"; do
		[[ $maps == *"${file##*/}"$'\n'* ]] || { qemu_failed "$file was not loaded"; return 1; }
	done
}

# qemu_facts PID: prints the KEY=VALUE lines that qemu-measure tells about
qemu_facts() {
	local stat status
	read -r -a stat <"/proc/$1/stat"
	echo "faults=${stat[9]}"
	# Read whole: bash seeks back after each line, and the kernel writes the file anew for that, where
	# "R (running)" and "S (sleeping)" put the lines below at different offsets.
	read -r -d '' status <"/proc/$1/status" || :
	[[ $status =~ VmPTE:[[:space:]]+([0-9]+) ]] || { qemu_failed "no VmPTE in $status"; return 1; }
	echo "pte_kb=${BASH_REMATCH[1]}"
	"${BASH_SOURCE[0]%/*}/vfio-areas" "$1" | sed 's/^/area=/'
	sed -n 's|.* \(/.*/vfio/devices/.*\)|node=\1|p' "/proc/$1/maps"
	monitor "info pci"
	sed -n 's/.*\(BAR[0-9]: .*\)/bar=\1/p' <<<"$answer"
}
