#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # jq and sh expand by themselves; a test is a subshell; helpers.bash sets variables
# vfioalign ab, with programs on the mock device, and what bench refuses without a device.
load helpers

vfioalign=$top/vfioalign

setup() {
	requires vfioalign "$([[ -x $vfioalign ]] && echo yes)"
	requires jq "$JQ"
	not_sanitized "ASan would have to come before the library in vfioalign itself"
}

# ab ARGUMENT...: sets $output, $errors and $status; programs see the mock device
ab() {
	status=0
	# Before the mock, whose mmap() ends with itself.
	timeout "$patience" env LD_PRELOAD="$library $mock" TMPDIR="$BATS_TEST_TMPDIR" "$vfioalign" ab "$@" \
		>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
	output=$(<"$BATS_TEST_TMPDIR/stdout") errors=$(<"$BATS_TEST_TMPDIR/stderr")
}

# good: the last ab ended well, said nothing on stderr, and left nothing behind
good() {
	equal "status" 0 "$status"
	equal "stderr" "" "$errors"
	nothing_left
}

nothing_left() {
	equal "temporary files" "" "$(find "$BATS_TEST_TMPDIR" -name 'vfioalign-*')"
}

# refused PATTERN: the last ab ended with 2, and said why
refused() {
	equal "status" 2 "$status"
	equal "stdout" "" "$output"
	matches "stderr" "$1" "$errors"
	nothing_left
}

# metric NAME ARM KEY
metric() {
	"$JQ" -r --arg m "$1" --arg a "$2" --arg k "$3" \
		'.ab[] | select(.metric == $m and .arm == $a) | .[$k]' <<<"$output"
}

mapping=("$scenarios" report-dma device 0 4K)

@test "each arm is run as often as asked, in alternation, after the warm-up" {
	cat >"$BATS_TEST_TMPDIR/program" <<-'END'
		#!/bin/sh
		echo "$VFIOALIGN" >>"$ORDER"
	END
	chmod +x "$BATS_TEST_TMPDIR/program"
	export ORDER=$BATS_TEST_TMPDIR/order
	ab --arms off,auto,2M --runs 2 --warmup 1 --json "$BATS_TEST_TMPDIR/program"
	good
	equal "order" "off auto 2M 2M auto off off auto 2M" "$(xargs <"$ORDER")"
	equal "runs" "2" "$(metric wall_ns auto runs)"
}

@test "the DMA maps of the report count, and are those of the arm without the library's help, too" {
	ab --runs 3 --json -- "${mapping[@]}"
	good
	for arm in off auto; do
		[[ $(metric dma_map_ns $arm median) =~ ^[0-9.]+$ ]] || fail "no DMA map in $arm" "$output"
		[[ $(metric last_event_ns $arm median) =~ ^[0-9]+$ ]] || fail "no mapping in $arm" "$output"
	done
	equal "ratio of the first arm" 1 "$(metric wall_ns off ratio)"
}

@test "a program without VFIO mappings has no DMA maps, and the rest is told" {
	ab --runs 1 --json true
	good
	equal "DMA map" "null" "$(metric dma_map_ns off median)"
	(($(metric wall_ns off median) > 0))
	(($(metric faults off median) > 0))
}

@test "the table fits 80 columns, and says the runs and the program" {
	ab --runs 2 -- "${mapping[@]}"
	good
	matches "heading" "2 runs of each arm in alternation after 1 uncounted: *scenarios*" "$output"
	matches "rows" "*wall time*off*auto*DMA map*off*auto*VmPTE*" "$output"
	(($(tail -n +3 <<<"$output" | wc -L) <= 80)) || fail "too wide" "$output"
}

@test "progress is shown on a terminal, in one line" {
	requires script "$(command -v script)"
	script -qc "'$vfioalign' ab --runs 2 --warmup 1 true" /dev/null >"$BATS_TEST_TMPDIR/terminal" </dev/null
	matches "terminal" $'*\r\e[[]Kwarm-up 1 of 1, arm 2 of 2\r\e[[]Krun 1 of 2, arm 1 of 2\r*run 2 of 2, arm 2 of 2\r\e[[]K*wall time*' \
		"$(<"$BATS_TEST_TMPDIR/terminal")"
	equal "lines of progress" 1 "$(grep -c 'arm . of' "$BATS_TEST_TMPDIR/terminal")"
}

@test "the output of a program that fails is shown, with its status" {
	ab --runs 1 -- sh -c 'echo to stdout; echo to stderr >&2; exit 7'
	refused "*to stdout*to stderr*arm off*failed with status 7*"
	ab --runs 1 -- sh -c 'kill -9 $$'
	refused "*arm off*was killed by signal 9*"
}

@test "control characters in the output of a program that fails are made visible" {
	ab --runs 1 -- printf '\033[31mred\n%d' x
	refused '*\\x1b*red*failed with status 1*'
}

@test "a hostile name of a program or of its arguments is shown harmlessly" {
	local name=$'evil\e[31m\n\xe2\x80\xae\xc2\x9b"'
	printf '#!/bin/sh\nexit "${1:-0}"\n' >"$BATS_TEST_TMPDIR/$name"
	chmod +x "$BATS_TEST_TMPDIR/$name"
	ab --runs 1 --warmup 0 -- "$BATS_TEST_TMPDIR/$name" 0 $'\e]0;title\a'
	good
	equal "control characters" "" "$(LC_ALL=C tr -d '\n -~' <<<"$output" | head -c 20 | od -An -c)"
	LC_ALL=C.UTF-8 ab --runs 1 --warmup 0 -- "$BATS_TEST_TMPDIR/$name" 1
	equal "status" 2 "$status"
	! LC_ALL=C grep -aqP '\x1b|\xe2\x80\xae|\xc2\x9b' <<<"$output$errors" || fail "stderr" "$errors"
	ab --runs 1 --warmup 0 --json --export-json "$BATS_TEST_TMPDIR/runs.json" "$BATS_TEST_TMPDIR/$name"
	"$JQ" -e . "$BATS_TEST_TMPDIR/runs.json" >/dev/null || fail "no JSON"
	"$JQ" -e . <<<"$output" >/dev/null || fail "no JSON" "$output"
}

@test "an arm in which the library does not load is no result" {
	requires gcc "$(command -v "$CC")"
	"$CC" -static -o "$BATS_TEST_TMPDIR/static" -x c - <<<'int main(void) { return 0; }' ||
		skip "no static libc: install the package libc6-dev"
	ab --runs 1 "$BATS_TEST_TMPDIR/static"
	refused "*statically linked*"
	ab --runs 1 -- env -u LD_PRELOAD true
	good
	# The first process has it; one that takes the report away has nothing to show.
	ab --runs 1 -- sh -c 'rm "$VFIOALIGN_REPORT"'
	refused "*did not load the library*"
}

@test "a program that does not end is stopped after the time given" {
	ab --runs 1 --warmup 0 --json --stop-after 0.5 -- sleep 30
	good
	(($(metric wall_ns off median) < 20000000000)) || fail "it was not stopped" "$output"
}

@test "a program is stopped when it maps no more" {
	ab --runs 1 --warmup 0 --json --stop-when-quiet 0.5 -- sh -c "'${mapping[0]}' report-dma device 0 4K; sleep 30"
	good
	(($(metric last_event_ns off median) < $(metric wall_ns off median)))
}

@test "a wrapper's children are stopped with it" {
	ab --runs 1 --warmup 0 --stop-after 0.5 -- sh -c "sleep 31.4159 & wait"
	good
	! pgrep -f "sleep 31.4159" || fail "a child is left"
}

@test "what each run took is written to a file, as a whole" {
	ab --runs 3 --export-json "$BATS_TEST_TMPDIR/runs.json" true
	good
	equal "runs" "off 1 auto 1 off 2 auto 2 off 3 auto 3" \
		"$("$JQ" -r '[.runs[] | "\(.arm) \(.run)"] | join(" ")' "$BATS_TEST_TMPDIR/runs.json")"
	equal "wall times" 6 "$("$JQ" '[.runs[].wall_ns | select(. > 0)] | length' "$BATS_TEST_TMPDIR/runs.json")"
}

@test "a file that cannot be written is refused before anything is run" {
	ab --runs 1 --export-json "$BATS_TEST_TMPDIR/none/runs.json" -- touch "$BATS_TEST_TMPDIR/ran"
	refused "*cannot write */none/runs.json: No such file or directory"
	[[ ! -e $BATS_TEST_TMPDIR/ran ]]
}

@test "an experiment that fails leaves the files of the last one" {
	echo old >"$BATS_TEST_TMPDIR/runs.json"
	ab --runs 1 --export-json "$BATS_TEST_TMPDIR/runs.json" false
	refused "*failed with status 1*"
	equal "file" "old" "$(<"$BATS_TEST_TMPDIR/runs.json")"
	equal "files" "runs.json stderr stdout" "$(cd "$BATS_TEST_TMPDIR" && echo *)"
}

@test "a plot has a panel for what there is, with units, light and dark" {
	requires gnuplot-nox "$(command -v gnuplot)"
	ab --runs 1 --plot "$BATS_TEST_TMPDIR/light.svg" -- "${mapping[@]}"
	good
	grep -q 'in DMA map, ms' "$BATS_TEST_TMPDIR/light.svg"
	grep -q 'page tables, MB' "$BATS_TEST_TMPDIR/light.svg"
	ab --runs 1 --dark --plot "$BATS_TEST_TMPDIR/dark.svg" -- true
	good
	! grep -q 'in DMA map' "$BATS_TEST_TMPDIR/dark.svg" || fail "a panel of what there is not"
	grep -q '#16191d\|rgb( *22, *25, *29)' "$BATS_TEST_TMPDIR/dark.svg"
	! cmp -s "$BATS_TEST_TMPDIR/light.svg" "$BATS_TEST_TMPDIR/dark.svg" || fail "dark is light"
}

@test "a plot without gnuplot is refused before anything is run" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$(command -v touch)" "$BATS_TEST_TMPDIR/bin/touch"
	status=0
	env PATH="$BATS_TEST_TMPDIR/bin" "$vfioalign" ab --plot x.svg touch "$BATS_TEST_TMPDIR/ran" \
		2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	equal "status" 2 "$status"
	matches "stderr" "*--plot needs gnuplot*gnuplot-nox*" "$(<"$BATS_TEST_TMPDIR/stderr")"
	[[ ! -e $BATS_TEST_TMPDIR/ran ]]
}

@test "an interrupted experiment ends its program and leaves nothing" {
	TMPDIR=$BATS_TEST_TMPDIR "$vfioalign" ab -- sleep 27.1828 2>/dev/null &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		! pgrep -f "^sleep 27.1828" >/dev/null || break
		sleep 0.05
	done
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	equal "status" 143 "$status"
	! pgrep -f "^sleep 27.1828" || fail "the program is left"
	nothing_left
}

@test "what ab does not understand is refused with a reason" {
	ab
	refused "*which program?*"
	ab --arms off,fast true
	refused '*there is no arm "fast", but off auto 1G 2M misalign'
	ab --arms off,off true
	refused "*off is named twice"
	ab --arms '' true
	refused '*there is no arm ""*'
	ab --runs 0 true
	refused "*--runs=0: it has to be a number from 1 to 1000"
	ab --runs 1.5 true
	refused "*--runs=1.5: it has to be a whole number"
	ab --stop-after soon true
	refused "*--stop-after=soon: it has to be a number*"
	ab --dark true
	refused "*--dark is for --plot"
	ab -- "$BATS_TEST_TMPDIR/none"
	refused "*cannot run */none: No such file or directory"
}

@test "what bench does not understand is refused with a reason" {
	for arguments in "" "a b" "--runs=0 x" "--runs=x x" "--bar=6 x" "--size=4Q x" "--size=-1 x" \
		"--offset=99999999T x" "--arms=hand x" "--arms=1G,1G x" "--once=twice x" "0000:ff:1f.7"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$vfioalign" bench $arguments >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
		equal "status of bench $arguments" 2 "$status"
		equal "stdout of bench $arguments" "" "$(<"$BATS_TEST_TMPDIR/stdout")"
		matches "stderr of bench $arguments" "vfioalign bench: *" "$(<"$BATS_TEST_TMPDIR/stderr")"
	done
}
