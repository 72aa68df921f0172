#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Under a VMM's seccomp filters, which end it for a system call too many, the library lives.
load helpers

setup() {
	not_sanitized "their runtime makes calls of its own"
	export VFIOALIGN_RELOCATE=on
}

# lives FILTER [CALL]: every case comes out as it should
lives() {
	preload "$library $mock" "$top/tests/seccomp" "$@"
	equal "$*" "done" "$output"
}

# dies FILTER CALL: the filter kills for CALL, so it would have for others. 159 is SIGSYS.
dies() {
	local status=0
	lives "$1"
	timeout "$patience" env LD_PRELOAD="$library $mock" "$top/tests/seccomp" "$@" >/dev/null 2>&1 || status=$?
	equal "status of $*" 159 "$status"
}

@test "the filters kill for what they do not list" {
	lives none mremap
	lives none getrusage
	lives none ioctl
	dies vmm getrusage
	dies vmm ioctl
	dies strict mremap
	dies strict openat
	dies strict getrusage
	dies strict ioctl
}

@test "every case lives under a filter that lets hardly more than mappings" {
	lives strict
}

@test "every case lives under a VMM's filter" {
	lives vmm
}

@test "so it does with a log, and also under the stricter filter" {
	export VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log
	lives vmm
	lives strict
	grep -q " relocated: " "$VFIOALIGN_LOG_FILE"
}

@test "so it does under a VMM's filter with a report, which tells all cases and the DMA map" {
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	lives vmm
	local outcome
	for outcome in placed kept small hint fixed failed relocated; do
		grep -q "\"outcome\":\"$outcome\"" "$VFIOALIGN_REPORT" || fail "nothing is $outcome"
	done
	grep -q '"event":"reserve"' "$VFIOALIGN_REPORT"
	grep -q '"event":"dma_map".*"faults":[0-9]' "$VFIOALIGN_REPORT"
}
