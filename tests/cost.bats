#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# What the library costs calls that are not VFIO's, in instructions, counted by callgrind.
load helpers

calls=100

# count RUN PRELOAD [vfio]: lets callgrind count, in one file for what comes before the first
# loop, and then two for each: with as many calls, and with twice as many
count() {
	local dir=$BATS_FILE_TMPDIR/$1
	mkdir "$dir"
	timeout "$patience" env LD_PRELOAD="$2" "$VALGRIND" --tool=callgrind --dump-before='loop_*' \
		--callgrind-out-file="$dir/out" "$top/tests/cost" $calls ${3:+"$3"} 2>"$dir/stderr" ||
		cat "$dir/stderr" >&2
}

setup_file() {
	[[ $VALGRIND && -z ${SANITIZE_CFLAGS:-} ]] || return 0
	count plain-without ""
	count plain-with "$library"
	count vfio-without "$mock" vfio
	count vfio-with "$library $mock" vfio
}

setup() {
	requires valgrind "$VALGRIND"
	not_sanitized "they cannot be counted"
}

# total RUN FILE
total() {
	awk '/^totals:/ { print $2 }' "$BATS_FILE_TMPDIR/$1/out.$2"
}

# per_call RUN LOOP: LOOP counts from 0
per_call() {
	echo $((($(total "$1" $(($2 * 2 + 3))) - $(total "$1" $(($2 * 2 + 2)))) / calls))
}

# The loops of cost.c, in its order.
loops=(
	anonymous large_anonymous shared_anonymous reservation
	file large_private_file large_shared_file ioctl
)

# adds_at_most BOUND PROCESS LOOP...
adds_at_most() {
	local bound=$1 process=$2 loop added i
	shift 2
	for loop; do
		for i in "${!loops[@]}"; do
			[[ ${loops[i]} == "$loop" ]] && break
		done
		without=$(per_call "$process-without" "$i")
		added=$(($(per_call "$process-with" "$i") - without))
		echo "# $process program, $loop: $without + $added instructions" >&3
		((added <= bound)) || fail "$loop" "expected: at most $bound" "actual:   $added"
		((added > 0)) || fail "$loop: nothing was added, so something else was counted"
	done
}

@test "an mmap that is not VFIO's costs at most 25 instructions more" {
	adds_at_most 25 plain anonymous large_anonymous shared_anonymous reservation file \
		large_private_file large_shared_file
}

@test "so it does in a program that spoke VFIO" {
	adds_at_most 25 vfio anonymous file
}

@test "an ioctl that is not VFIO's costs at most 15 instructions more" {
	adds_at_most 15 plain ioctl
	adds_at_most 15 vfio ioctl
}

@test "large private and anonymous memory of a VMM cost at most 25 instructions more" {
	adds_at_most 25 vfio large_anonymous shared_anonymous reservation large_private_file
}
