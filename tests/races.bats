#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # jq has its own $; a test is a subshell; helpers.bash shares variables
# Threads, forks, signals and files against each other, for so many rounds (tests/races.c).
# VFIOALIGN_LONG=yes has a million rounds of each, and a hundred thousand under ThreadSanitizer.
load helpers

setup() {
	not_sanitized "ThreadSanitizer has a build of its own here"
	src=${abs_top_srcdir:-${here%/*}}
	[[ $long != yes ]] || patience=7200
}

# raced ROUNDS LIBRARIES PROGRAM: so many, or a million ($many). All mappings but one of a hundred have to
# be congruent: a place that others took eight times is none.
raced() {
	local rounds=$1 words
	[[ $long != yes ]] || rounds=${many:-1000000}
	preload "$2" "$3" "$rounds"
	read -ra words <<<"$output"
	echo "# ${words[0]} rounds raced" >&3
	echo "# $output" >&3
	((words[0] > rounds - 10 && words[2] > rounds / 10)) || fail "rounds" "$output"
	((words[4] * 100 <= words[2])) || fail "more than one of a hundred is not congruent" "$output"
	((words[6] && words[8])) || fail "nobody was interrupted, or nobody forked" "$output"
}

# with_tsan COMPILER: a build with ThreadSanitizer in the current directory
with_tsan() {
	requires "$1" "$(command -v "$1")"
	cd "$BATS_TEST_TMPDIR" || return 1
	{
		"$src/configure" --quiet --disable-command --enable-sanitizers=thread CC="$1" &&
			make libvfioalign.so tests/libmockvfio.so tests/races
	} >log 2>&1 || fail "$(<log)"
	# To symbolize a finding it starts a program, into which the preloads cannot be loaded.
	export TSAN_OPTIONS=symbolize=0
	wrap_for_tsan
}

# The report says of each DMA map the range that the program meant: its iova.
true_events() {
	"$JQ" -r -L "$here" 'include "report-schema";
		def hex: ltrimstr("0x") | explode | reduce .[] as $digit (0; . * 16 + $digit -
			if $digit > 96 then 87 else 48 end);
		problems, (select(.event == "dma_map" and .region * 1099511627776 + .offset != (.iova | hex)) |
			"this DMA map is not of that range: \(.)")' "$1"
}

# lines_of_their_own REPORT LOG: no line has part of another
lines_of_their_own() {
	equal "problems" "" "$(true_events "$1" | head)"
	(($(grep -c '"event":"dma_map"' "$1") > 100)) || fail "few DMA maps were told"
	equal "lines" "" "$(grep -avE '^vfioalign: races\[[0-9]+\]: device fd [0-9]+ region [0-9]+ [^:]*: [^:]*[a-z ]+: [^:]+$|^vfioalign: races\[[0-9]+\]: device fd [0-9]+ region [0-9]+ size 0x[0-9a-f]+ sparse areas 0: learned from VFIO_DEVICE_GET_REGION_INFO$' "$2" | head)"
}

@test "threads, forks and signal handlers lose no byte, touch nothing foreign and leave nothing behind" {
	raced 40000 "$library $mock" "$top/tests/races"
}

@test "nor do they where MAP_FIXED mappings are moved" {
	VFIOALIGN_STEER=off VFIOALIGN_RELOCATE=on raced 12000 "$library $mock" "$top/tests/races"
}

@test "nor without /proc" {
	MOCK_LINK=noproc raced 12000 "$library $mock" "$top/tests/races"
}

@test "nor with log and report, whose lines are whole and true" {
	requires jq "$JQ"
	local long=
	export VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/races.log
	export VFIOALIGN_REPORT=$BATS_TEST_TMPDIR/report
	raced 12000 "$library $mock" "$top/tests/races"
	lines_of_their_own "$VFIOALIGN_REPORT" "$VFIOALIGN_LOG_FILE"
}

# Of gcc's the runtime is a library, which the library built with it needs to be there first.
@test "gcc's ThreadSanitizer finds no race, with log and report" {
	local many=100000
	with_tsan gcc
	export VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=/dev/null VFIOALIGN_REPORT=/dev/null
	raced 6000 "$(gcc -print-file-name=libtsan.so) $PWD/libvfioalign.so $PWD/tests/libmockvfio.so" \
		tests/races
}

@test "clang's ThreadSanitizer finds no race" {
	local many=100000
	with_tsan clang
	raced 6000 "$PWD/libvfioalign.so $PWD/tests/libmockvfio.so" tests/races
}
