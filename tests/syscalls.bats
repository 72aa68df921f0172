#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# The system calls of single calls, one by one: those that DESIGN.md allows, and no other.
load helpers

own="mmap(MAP_SHARED)"
reserve="mmap(MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE)"
there="mmap(MAP_SHARED|MAP_FIXED_NOREPLACE)"
look="$reserve munmap $there"
log="readlink readlink write"

setup() {
	requires strace "$STRACE"
	not_sanitized "their runtime makes calls of its own"
	"$STRACE" -o /dev/null true 2>/dev/null || skip "strace is not permitted here"
}

# Names, of mmap with the flags. The mock's own question about the fd is left out, and so is the
# time, which is a system call only where the clock needs one.
calls_between_marks() {
	awk '/write\(-1, "begin"/ { on = 1; next }
		/write\(-1, "end"/ { exit }
		!on || /F_GET_SEALS|clock_gettime/ { next }
		{ sub(/^[0-9]+ +/, ""); name = $0; sub(/\(.*/, "", name) }
		name == "readlinkat" { name = "readlink" }
		name == "mmap" { split($0, part, ", "); name = name "(" part[4] ")" }
		{ printf "%s%s", space, name; space = " " }' "$1"
}

# makes EXPECTED SCENARIO [ARGUMENT...]
makes() {
	local expected=$1 trace=$BATS_TEST_TMPDIR/trace
	shift
	preload "" "$STRACE" -f -qq -e signal=none -o "$trace" -E LD_PRELOAD="$library $mock" \
		"$scenarios" "$@"
	equal "calls of $*" "$expected" "$(calls_between_marks "$trace")"
}

@test "place: looks at the fd, maps, finds room, maps there, gives the first back" {
	makes "readlink $own $look munmap madvise" trace-map 0x1000
	makes "readlink $own $look munmap madvise" -64 trace-map 0x1000
}

@test "keep: only the advice is added" {
	makes "readlink $own madvise" trace-map 0
}

@test "a hint: mapped above it at once" {
	makes "readlink $there madvise" trace-hint
}

@test "an occupied hint: tried once, then as without" {
	makes "readlink $there $own $look munmap madvise" trace-hint-occupied
}

@test "fixed: the program's call, and the advice where it helps" {
	makes "readlink mmap(MAP_SHARED|MAP_FIXED) madvise" trace-fixed 0
	makes "readlink mmap(MAP_SHARED|MAP_FIXED)" trace-fixed 0x1000
	makes "readlink $there madvise" trace-noreplace
}

@test "steer: one longer reservation, of which the rest is given back" {
	makes "$reserve munmap munmap" trace-reserve 4G
}

@test "steer with a hint: reserved above it at once" {
	makes "mmap(MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_FIXED_NOREPLACE)" trace-reserve 4G hint
}

@test "a reservation that fits no region, and any with VFIOALIGN_STEER=off: nothing is added" {
	makes "$reserve" trace-reserve 5000M
	VFIOALIGN_STEER=off makes "$reserve" trace-reserve 4G
}

@test "relocate: finds room, maps there, gives the range asked for back" {
	VFIOALIGN_RELOCATE=on makes "readlink $look munmap madvise" trace-fixed 0x1000
}

@test "what is congruent, and what must not be replaced, is not relocated" {
	export VFIOALIGN_RELOCATE=on
	makes "readlink mmap(MAP_SHARED|MAP_FIXED) madvise" trace-fixed 0
	makes "readlink $there madvise" trace-noreplace
}

@test "a control arm is not advised" {
	VFIOALIGN=misalign makes "readlink $own $look munmap" trace-map 0x2000
}

@test "a range that holds no huge page: the program's call" {
	makes "readlink $own" trace-no-block 0
	makes "readlink $own" trace-no-block 64G
}

@test "a mapping of a device shorter than a huge page: nothing is added" {
	makes "$own" trace-small
}

@test "a call that fails: nothing is tried in its stead" {
	makes "readlink" trace-failure
}

@test "a place that is refused: the rest is given back, nothing more is tried" {
	MOCK_FAIL=mmap:3:ENODEV makes "readlink $own $reserve munmap" trace-map 0x1000
	MOCK_FAIL=mmap:2:ENOMEM makes "readlink $own" trace-map 0x1000
}

@test "a place that is taken: another is looked for, eight times in all" {
	MOCK_FAIL=mmap:3:EEXIST \
		makes "readlink $own $reserve munmap $look munmap madvise" trace-map 0x1000
	faults=mmap:3:EEXIST,mmap:5:EEXIST,mmap:7:EEXIST,mmap:9:EEXIST,mmap:11:EEXIST,mmap:13:EEXIST
	MOCK_FAIL=$faults,mmap:15:EEXIST,mmap:17:EEXIST \
		makes "readlink $own$(printf " $reserve munmap%.0s" {1..8})" trace-map 0x1000
}

@test "logs: the file is looked at, the pid asked for, one line written" {
	VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log \
		makes "readlink $own $look munmap madvise $log" trace-map 0x1000
	VFIOALIGN_LOG=error VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log \
		makes "readlink $own $look munmap madvise" trace-map 0x1000
	VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log makes "$log ioctl" trace-ioctls
}

@test "a report: the file, the pid and the device are looked at, one line written, the device kept" {
	local event="readlink readlink readlink write readlink"
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	makes "readlink $own $look munmap madvise $event" trace-map 0x1000
	makes "readlink $own madvise $event" trace-map 0
	makes "readlink $own $event" trace-small
	makes "readlink $there madvise $event" trace-noreplace
	makes "readlink readlink readlink readlink write" trace-failure
	makes "$reserve munmap munmap readlink readlink readlink write" trace-reserve 4G
	makes "$reserve" trace-reserve 5000M
	makes "" trace-private
	makes "$own" trace-file
	VFIOALIGN=off makes "readlink $own $event" trace-map 0x1000
	VFIOALIGN_ONLY=other makes "$own" trace-map 0x1000
}

@test "a report of a DMA map: argument and mapping are looked at, the faults are read thrice, one line written" {
	local argument="readlink readlink" faults="openat read close"
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	makes "$argument readlink $faults $faults $faults readlink readlink write" trace-dma 2M
	makes "$argument" trace-dma memory
	makes "$argument" trace-dma 4G
	makes "" trace-dma no-device
	makes "ioctl" trace-ioctls
	VFIOALIGN_REPORT='' makes "" trace-dma 2M
}

@test "off, or another program: nothing is added" {
	VFIOALIGN=off makes "$own" trace-map 0x1000
	VFIOALIGN_ONLY=other makes "$own" trace-map 0x1000
	VFIOALIGN=off makes "mmap(MAP_SHARED|MAP_FIXED)" trace-fixed 0
}

@test "a private mapping of a device: nothing is added" {
	makes "" trace-private
}

@test "a large shared mapping of a file, in a program that never spoke VFIO: nothing is added" {
	makes "$own" trace-file
}

@test "a large shared mapping of a file, in a program that did: one look at the fd" {
	makes "readlink $own" trace-file-of-vmm
}

@test "other mappings of a program that spoke VFIO: nothing is added" {
	makes "mmap(MAP_PRIVATE|MAP_NORESERVE)" trace-private-file-of-vmm
	makes "$own" trace-small-file-of-vmm
	makes "$reserve" trace-memory-of-vmm
	makes "mmap(MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE)" trace-shared-memory-of-vmm
}

@test "ioctls, VFIO's and others: nothing is added" {
	makes "ioctl" trace-ioctls
}
