#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# The environment.
load helpers

# What "distance INDEX OFFSET LENGTH" prints of a mapping that no one moved.
own="0x3000 plain"
placed="0x0 advised"


# small_region DISTANCE ADVICE: region 0, which 2 MiB pages can map
small_region() {
	with_library distance 0 0 16M
	equal "distance modulo 2 MiB" "$1" "$((${output% *} % 0x200000))"
	equal "advice" "$2" "${output#* }"
}

@test "without the library, a mapping comes up where the system puts it" {
	without_library distance 2 0 4G
	equal "region 2" "$own" "$output"
}

@test "VFIOALIGN=auto aims at the largest page that the range holds" {
	export VFIOALIGN=auto
	with_library distance 2 0 4G
	equal "region 2" "$placed" "$output"
	small_region 0 advised
}

@test "VFIOALIGN=1G aims at 1 GiB, and at 2 MiB where the range holds no 1 GiB" {
	export VFIOALIGN=1G
	with_library distance 2 0 4G
	equal "region 2" "$placed" "$output"
	small_region 0 advised
}

@test "VFIOALIGN=2M reaches 2 MiB pages and no larger ones" {
	export VFIOALIGN=2M
	with_library distance 2 0 4G
	equal "region 2" "0x200000 advised" "$output"
	small_region 0 advised
	with_library distance 2 0x101000 3G
	equal "a part of region 2" "0x200000 advised" "$output"
}

@test "VFIOALIGN=misalign is one page off" {
	export VFIOALIGN=misalign
	with_library distance 2 0 4G
	equal "region 2" "0x1000 plain" "$output"
	small_region 4096 plain
}

@test "VFIOALIGN=off leaves everything alone" {
	export VFIOALIGN=off
	with_library distance 2 0 4G
	equal "region 2" "$own" "$output"
	small_region 12288 plain
}

@test "a control arm honours MAP_FIXED" {
	VFIOALIGN=2M with_library fixed-replaces
	VFIOALIGN=misalign with_library fixed-replaces
}

@test "a variable that is set to nothing is as good as not set" {
	VFIOALIGN='' VFIOALIGN_ONLY='' VFIOALIGN_LOG='' VFIOALIGN_LOG_FILE='' VFIOALIGN_REPORT='' \
		VFIOALIGN_PROBE='' \
		with_library distance 2 0 4G
	equal "region 2" "$placed" "$output"
}

@test "VFIOALIGN_ONLY acts in the programs that it names" {
	for only in scenarios other:scenarios scenarios:other :scenarios: 'scen*' '*' 's[cd]e*'; do
		VFIOALIGN_ONLY=$only with_library distance 2 0 4G
		equal "VFIOALIGN_ONLY=$only" "$placed" "$output"
	done
}

@test "VFIOALIGN_ONLY passes in all others" {
	for only in other scenario scenarios2 enarios 'SCEN*' : "$scenarios" other:; do
		VFIOALIGN_ONLY=$only with_library distance 2 0 4G
		equal "VFIOALIGN_ONLY=$only" "$own" "$output"
	done
}

@test "VFIOALIGN_ONLY knows a program by the name that it was started as, and by its own" {
	ln -s "$scenarios" "$BATS_TEST_TMPDIR/qemu-kvm"
	for only in qemu-kvm 'qemu-*' scenarios 'scen*'; do
		VFIOALIGN_ONLY=$only preload "$library $mock" "$BATS_TEST_TMPDIR/qemu-kvm" \
			distance 2 0 4G
		equal "VFIOALIGN_ONLY=$only" "$placed" "$output"
	done
}

@test "VFIOALIGN_ONLY works without /proc" {
	MOCK_LINK=noproc VFIOALIGN_ONLY=scenarios with_library distance 2 0 4G
	equal "region 2" "$placed" "$output"
}

@test "a name longer than any program's does not hide the next" {
	VFIOALIGN_ONLY=$(printf 'x%.0s' {1..300}):scenarios with_library distance 2 0 4G
	equal "region 2" "$placed" "$output"
}

@test "a bad VFIOALIGN is complained of once, and auto is used" {
	local remedy="accepted: auto, off, 1G, 2M, misalign; using auto"
	for value in 3G OFF "off " 1 '"'; do
		VFIOALIGN=$value loudly with_library distance 2 0 4G
		complains VFIOALIGN "$value" "$remedy"
		equal "region 2" "$placed" "$output"
	done
}

@test "a bad VFIOALIGN_LOG is complained of once, and logs are off" {
	VFIOALIGN_LOG=verbose loudly with_library distance 2 0 4G
	complains VFIOALIGN_LOG verbose "accepted: off, error, info, debug; using off"
	equal "region 2" "$placed" "$output"
}

@test "a bad VFIOALIGN_PROBE is complained of once, and the program runs" {
	VFIOALIGN_PROBE=yes loudly with_library distance 2 0 4G
	complains VFIOALIGN_PROBE yes "accepted: 0, 1; using 0"
	equal "region 2" "$placed" "$output"
}

@test "a bad VFIOALIGN_STEER or VFIOALIGN_RELOCATE is complained of once" {
	VFIOALIGN_STEER=no loudly with_library distance 2 0 4G
	complains VFIOALIGN_STEER no "accepted: on, off; using on"
	VFIOALIGN_RELOCATE=yes loudly with_library distance 2 0 4G
	complains VFIOALIGN_RELOCATE yes "accepted: auto, on, off; using auto"
	equal "region 2" "$placed" "$output"
}

@test "two bad values are two lines" {
	VFIOALIGN=x VFIOALIGN_LOG=y loudly with_library distance 2 0 4G
	matches "first line" '*VFIOALIGN: cannot use "x"*' "${errors%$'\n'*}"
	matches "second line" '*VFIOALIGN_LOG: cannot use "y"*' "${errors#*$'\n'}"
	equal "lines" 2 "$(wc -l <"$BATS_TEST_TMPDIR/stderr")"
}

@test "control characters of a value do not reach the terminal" {
	VFIOALIGN=$'a\nb\e[31m\x80' loudly with_library distance 2 0 4G
	matches "stderr" 'libvfioalign: VFIOALIGN: cannot use "a[?]b[?]\[31m[?]"; *' "$errors"
	equal "lines" 1 "$(wc -l <"$BATS_TEST_TMPDIR/stderr")"
}

@test "a value of any length is one line" {
	VFIOALIGN=$(printf 'x%.0s' {1..5000}) loudly with_library distance 2 0 4G
	matches "stderr" 'libvfioalign: VFIOALIGN: cannot use "xxx*' "$errors"
	equal "lines" 1 "$(wc -l <"$BATS_TEST_TMPDIR/stderr")"
}

@test "VFIOALIGN_PROBE=1 says name and version, and the program does not run" {
	VFIOALIGN_PROBE=1 with_library distance 2 0 4G
	matches "stdout" "libvfioalign ${PACKAGE_VERSION:-*}" "$output"
}

@test "VFIOALIGN_PROBE=0 runs the program" {
	VFIOALIGN_PROBE=0 with_library distance 2 0 4G
	equal "region 2" "$placed" "$output"
}

@test "an answer to the probe that cannot be written is a failure" {
	status=0
	VFIOALIGN_PROBE=1 env LD_PRELOAD="$sanitizer $library" "$scenarios" >/dev/full || status=$?
	equal "status" 1 "$status"
}

@test "a privileged process takes nothing from the environment" {
	not_sanitized "the program is built without"
	local program=$BATS_TEST_TMPDIR/privileged group
	$CC -x c - -x none -o "$program" -Wl,--no-as-needed "$library" -Wl,-rpath,"$top" <<-END
		#include <sys/auxv.h>
		int main(void) { return (int)getauxval(AT_SECURE); }
	END
	VFIOALIGN=x loudly preload "" "$program"
	complains VFIOALIGN x "accepted: auto, off, 1G, 2M, misalign; using auto"

	# Set-group-id to a group that is not this process's main one.
	group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1) || true
	((EUID)) || group=65534
	[[ $group ]] || skip "this user has no second group to make a program privileged with"
	chgrp "$group" "$program"
	chmod g+s "$program"
	status=0
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	export VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log
	VFIOALIGN=x VFIOALIGN_PROBE=1 "$program" >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	[[ $status == 1 ]] || skip "the file system does not let programs be privileged"
	equal "output" "" "$(<"$BATS_TEST_TMPDIR/out")"
	[[ ! -e $VFIOALIGN_REPORT && ! -e $VFIOALIGN_LOG_FILE ]]
}
