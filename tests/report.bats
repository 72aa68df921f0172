#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# The report. Every one that a test makes is checked against the schema.
load helpers

setup() {
	requires jq "$JQ"
	report=$BATS_TEST_TMPDIR/report
	export VFIOALIGN_REPORT=$report
}

schema() {
	"$JQ" -L "$here" "$@"
}

# valid FILE: whole lines, each of which is an event of version 1
valid() {
	local problems
	problems=$(schema -r 'include "report-schema"; problems' "$1")
	equal "problems" "" "$problems"
	equal "last byte" "" "$(tail -c 1 "$1")"
	equal "events" "$(wc -l <"$1")" "$("$JQ" -s length "$1")"
	(($(wc -L <"$1") < 1024)) || fail "a line is too long"
}

# reports SCENARIO...: into a new report
reports() {
	rm -f "$report"
	with_library "$@"
	valid "$report"
}

# field EVENT FIELD: of the events of this kind, a line each; strings without quotes
field() {
	"$JQ" -r "select(.event == \"$1\") | .$2 | if . == null then \"null\" else . end" "$report"
}

# fields EVENT FIELD...: of the only event of this kind, in one line
fields() {
	local event=$1 list
	shift
	list=$(printf ',.%s' "$@")
	"$JQ" -r "select(.event == \"$event\") | [${list:1}] | map(tostring) | join(\" \")" "$report"
}

# maps OUTCOME PAGE SCENARIO...: the only map event says what the program printed; sets $before, $after
maps() {
	local outcome=$1 page=$2 pid fd region offset length
	shift 2
	reports "$@"
	[[ $output =~ ^\[(.*)\]:\ device\ fd\ (.*)\ region\ (.*)\ offset\ (.*)\ length\ (.*):\ (.*)\ -\>\ (.*)$ ]]
	pid=${BASH_REMATCH[1]} fd=${BASH_REMATCH[2]} region=${BASH_REMATCH[3]}
	offset=$((BASH_REMATCH[4])) length=$((BASH_REMATCH[5]))
	before=${BASH_REMATCH[6]} after=${BASH_REMATCH[7]}
	equal "$outcome" "$pid $fd $region $offset $length $after $page $outcome" \
		"$(fields map pid fd region offset length address page outcome)"
}

@test "a report begins with what the library goes by" {
	reports log-map 2 0 4G 0x1000
	equal "first event" "start" "$(head -n 1 "$report" | "$JQ" -r .event)"
	matches "start" "${PACKAGE_VERSION:-*} scenarios auto true false true null" \
		"$(fields start version program placement steer relocate acting idle_by)"
	equal "base page" "$(getconf PAGESIZE)" "$(field start base_page)"
	[[ $(uname -m) != x86_64 ]] ||
		equal "huge pages" "1073741824 2097152" "$(field start 'huge_pages|join(" ")')"
	VFIOALIGN=2M VFIOALIGN_STEER=off VFIOALIGN_RELOCATE=on reports log-map 2 0 4G 0x1000
	equal "start" "2M false true true" "$(fields start placement steer relocate acting)"
}

@test "the report of a program that VFIOALIGN_ONLY leaves alone says so, and nothing more" {
	VFIOALIGN_ONLY=other reports report-dma device 0 4K
	equal "only" "auto false only" "$(fields start placement acting idle_by)"
	equal "events" 1 "$(wc -l <"$report")"
}

@test "with VFIOALIGN=off the report tells the program's mappings and DMA maps as they are" {
	local address
	export VFIOALIGN=off
	reports log-map 2 0 4G 0x1000
	equal "off" "off false off" "$(fields start placement acting idle_by)"
	equal "outcome" "off 1073741824 4096 0" "$(fields map outcome best_page page errno)"
	address=$(field map address)
	[[ $(field map landed) == "$address" ]] || fail "it was moved" "$(<"$report")"
	((address % 0x200000 == 0x1000)) || fail "the mock put it elsewhere: $address"
	reports report-dma device 0 4K
	equal "DMA maps" 1 "$(field dma_map length | wc -l)"
	reports log-failed
	matches "failed" "failed*" "$(field map outcome | xargs)"
}

@test "a mapping that was moved is reported with both addresses" {
	maps placed 1073741824 log-map 2 0x101000 0xffeff000 0x1000
	equal "rest" "null $before 1073741824 0 null" \
		"$(fields map asked landed best_page errno device)"
	maps placed 2097152 log-map 0 0 16M 0x1000
}

@test "a mapping that was kept is reported with the same address twice" {
	maps kept 1073741824 log-map 2 0 4G 0
	equal "rest" "null $after 1073741824" "$(fields map asked landed best_page)"
}

@test "a mapping that holds no huge page is reported, however small" {
	maps small 4096 log-map 2 0x1000 2M 0x1000
	equal "rest" "null $after 4096" "$(fields map asked landed best_page)"
	maps small 4096 log-map 2 0x2000 4K 0
}

@test "hints and demands are reported as what was asked for" {
	maps hint 1073741824 log-hint
	equal "hint" "$before null" "$(fields map asked landed)"
	maps fixed 1073741824 log-fixed
	equal "fixed" "$before $before" "$(fields map asked landed)"
	VFIOALIGN_RELOCATE=on VFIOALIGN=misalign maps relocated 4096 log-fixed
	equal "relocated" "$before null 1073741824" "$(fields map asked landed best_page)"
}

@test "mappings that fail are reported with their errno" {
	reports log-failed
	equal "outcome" "failed failed placed" "$(field map outcome | xargs)"
	equal "errno" "22 22 0" "$(field map errno | xargs)"
	equal "page" "null null" "$(field map page | head -n 2 | xargs)"
	equal "addresses" "null null" "$("$JQ" -r 'select(.outcome == "failed") | .landed, .address | tojson' \
		"$report" | sort -u | sed p | xargs)"
}

@test "what went wrong is reported by the word that the log has for it" {
	export VFIOALIGN=2M
	MOCK_FAIL=mmap:2:ENOMEM maps no-room 4096 log-map 2 0 4G 0x1000
	MOCK_FAIL=mmap:3:ENODEV maps refused 4096 log-map 2 0 4G 0x1000
	MOCK_FAIL=munmap:2:EINVAL maps stuck 4096 log-map 2 0 4G 0x1000
	MOCK_STEAL=100 maps taken 4096 log-map 2 0 4G 0x1000
}

@test "a reservation that was steered is reported with what it is for" {
	reports report-reserve
	read -r fd reserved area <<<"$output"
	equal "reserve" "device $fd 2 0 4294967296 null $reserved 4297064448 $area" \
		"$(fields reserve device fd region offset length asked reserved reserved_length address)"
	VFIOALIGN_STEER=off reports report-reserve
	equal "reserve" "" "$(field reserve fd)"
}

@test "a device goes by the name that it was opened by, without what follows" {
	reports report-names 0000:01:00.0 "0000:01:00.1 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258" \
		83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
	equal "devices" "0000:01:00.0 0000:01:00.1 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001" \
		"$(field map device | xargs)"
	equal "the number of all" 1 "$(field map fd | sort -u | wc -l)"
	equal "tokens" "" "$(grep vf_token "$report" || true)"
}

@test "a device node goes by its name" {
	MOCK_LINK=cdev reports report-names 0000:01:00.0
	equal "device" vfio0 "$(field map device)"
	MOCK_LINK=/run/container/dev/vfio/devices/vfio13 reports report-nameless
	equal "device" vfio13 "$(field map device)"
}

@test "a device that was opened by no name has none in the report, nor one with too long a name" {
	reports report-nameless
	equal "device" null "$(field map device)"
	reports report-names "$(printf 'x%.0s' {1..64})" "$(printf 'x%.0s' {1..63})"
	equal "devices" "null $(printf 'x%.0s' {1..63})" "$(field map device | xargs)"
}

@test "a DMA map of a device is reported with its part of the region" {
	MOCK_TOUCH=7 reports report-dma 0000:01:00.0 2M 1G
	read -r fd address ret error <<<"$output"
	equal "result and errno" "0 77" "$ret $error"
	equal "event" "0000:01:00.0 $fd 2 $((3 << 20)) $((1 << 30)) $address 0xfffffff000000000 7 0" \
		"$(fields dma_map device fd region offset length address iova faults errno)"
	(($(field dma_map duration_ns) > 0)) || fail "it took no time"
}

@test "the faults of a DMA map are its own alone, to the last" {
	for touches in 0 1 100; do
		MOCK_TOUCH=$touches reports report-dma device 0 1G
		equal "faults" $touches "$(field dma_map faults)"
	done
}

@test "a DMA map that fails keeps its errno and is reported with it" {
	MOCK_FAIL=dma_map:1:ENOMEM reports report-dma device 0 1G
	matches "result and errno" "* -1 12" "$output"
	equal "errno" 12 "$(field dma_map errno)"
}

@test "where the faults cannot be read, there are none, and errno is kept" {
	reports report-no-files
	equal "result and errno" "0 77" "$output"
	equal "event" "null 0" "$(fields dma_map faults errno)"
	MOCK_FAIL=dma_map:1:ENOMEM reports report-no-files
	equal "result and errno" "-1 12" "$output"
	equal "event" "null 12" "$(fields dma_map faults errno)"
}

@test "faults are counted in a program whose name looks like numbers" {
	cp "$scenarios" "$BATS_TEST_TMPDIR/x) S 1 (2 3"
	MOCK_TOUCH=7 preload "$library $mock" "$BATS_TEST_TMPDIR/x) S 1 (2 3" report-dma device 0 1G
	valid "$report"
	equal "faults" 7 "$(field dma_map faults)"
}

@test "DMA maps of other memory, and of more than one mapping, are not reported" {
	reports report-other-memory
	equal "mappings" 1 "$(field map outcome | wc -l)"
	equal "DMA maps" "" "$(field dma_map length)"
	MOCK_LINK=noproc reports report-other-memory
	equal "DMA maps without /proc" "" "$(field dma_map length)"
}

@test "DMA maps of what has taken a device's place are not reported" {
	reports report-stale
	equal "mappings" 1 "$(field map outcome | wc -l)"
	equal "DMA maps" "" "$(field dma_map length)"
}

@test "of devices mapped over one another, DMA maps are of the last" {
	reports report-replaced
	equal "DMA maps" "new 4 part 5" "$(fields dma_map device region | xargs)"
	MOCK_LINK=noproc reports report-replaced
	equal "DMA maps without /proc" "new 4 part 5" "$(fields dma_map device region | xargs)"
}

@test "a DMA map of what is left of a mapping is not taken for one of what it replaced" {
	for link in group noproc; do
		MOCK_LINK=$link reports report-left-over
		equal "mappings" 4 "$(field map outcome | wc -l)"
		equal "DMA maps" "" "$(field dma_map device)"
	done
}

@test "of more mappings than are remembered, the last are" {
	reports report-many
	equal "mappings" 300 "$(field map outcome | wc -l)"
	equal "DMA maps" $((299 * 2 << 20)) "$(field dma_map offset)"
}

@test "a DMA map with a short argument is passed on" {
	reports report-odd-arguments
	equal "DMA maps" "" "$(field dma_map length)"
}

@test "a DMA map whose argument cannot be read is refused as it would be, not fatal" {
	local refused=dma_map:1:EFAULT,dma_map:2:EFAULT,dma_map:3:EFAULT
	refused+=,dma_map:4:EFAULT,dma_map:5:EFAULT,dma_map:6:EFAULT,dma_map:7:EFAULT
	MOCK_FAIL=$refused reports report-unreadable-arguments
	equal "mappings" 1 "$(field map outcome | wc -l)"
	equal "DMA maps" "" "$(field dma_map length)"
}

@test "without /proc nobody knows pid and faults, and the rest is reported" {
	MOCK_LINK=noproc reports report-dma device 0 4K
	equal "pids" null "$("$JQ" .pid "$report" | sort -u)"
	equal "event" "device 2 1048576 4096" "$(fields dma_map device region offset length)"
	not_sanitized "their runtime maps for itself meanwhile, and looks into /proc"
	mkdir "$BATS_TEST_TMPDIR/empty"
	reports chroot "$BATS_TEST_TMPDIR/empty"
}

@test "the report of a program that is killed is complete" {
	local status=0
	env LD_PRELOAD="$sanitizer $library $mock" "$scenarios" report-killed device 0 4K || status=$?
	equal "status" 137 "$status"
	valid "$report"
	equal "events" "start map dma_map" "$("$JQ" -r .event "$report" | xargs)"
}

@test "a child's events have its own pid, and its parent's file" {
	reports log-fork
	equal "pids" "$output" "$(field map pid)"
	equal "start" "${output%%$'\n'*}" "$(field start pid)"
}

@test "a report is named after the process, private, and not readable by others" {
	umask 0
	VFIOALIGN_REPORT=$report.%p.%%p.json with_library log-map 2 0 4G 0x1000
	local pid=${output#[} file
	pid=${pid%%]*}
	file=$report.$pid.%$pid.json
	valid "$file"
	equal "pid" "$pid" "$("$JQ" .pid "$file" | sort -u)"
	equal "mode" 600 "$(stat -c %a "$file")"
}

@test "a report is added to" {
	reports log-map 2 0 4G 0x1000
	with_library log-map 2 0 4G 0x1000
	valid "$report"
	equal "events" "start map start map" "$("$JQ" -r .event "$report" | xargs)"
}

# unopenable FILE REASON
unopenable() {
	VFIOALIGN_REPORT=$1 loudly with_library distance 2 0 4G
	complains VFIOALIGN_REPORT "$1" "$2"
	equal "region 2" "0x0 advised" "$output"
}

@test "a report that cannot be opened is complained of once, and the program runs" {
	unopenable "$BATS_TEST_TMPDIR/missing/report" "No such file or directory"
	unopenable "$BATS_TEST_TMPDIR" "Is a directory"
}

@test "a report is never opened through a link" {
	echo precious >"$BATS_TEST_TMPDIR/target"
	ln -s target "$BATS_TEST_TMPDIR/link"
	unopenable "$BATS_TEST_TMPDIR/link" "Too many levels of symbolic links"
	equal "target" precious "$(<"$BATS_TEST_TMPDIR/target")"
}

@test "a report is no FIFO, whose reader could go away and the program with it" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	unopenable "$BATS_TEST_TMPDIR/fifo" "No such device or address"
	exec {reader}<>"$BATS_TEST_TMPDIR/fifo"
	unopenable "$BATS_TEST_TMPDIR/fifo" "Illegal seek"
	exec {reader}>&-
}

@test "a file that the program opens as everything gets no line" {
	reports log-own-everything "$BATS_TEST_TMPDIR/own"
	equal "the program's file" "" "$(<"$BATS_TEST_TMPDIR/own")"
	equal "events" start "$("$JQ" -r .event "$report")"
}

@test "the report is not handed on to other programs, and takes none of their numbers" {
	VFIOALIGN_REPORT='' with_library log-exec
	local without=$output
	with_library log-exec
	equal "files" "$without" "$output"
	VFIOALIGN_REPORT='' without_library log-map 2 0 4G 0x1000
	without=${output#*: device fd }
	reports log-map 2 0 4G 0x1000
	equal "fd" "${without%% *}" "$(field map fd)"
}

@test "hostile names of programs and devices are JSON strings" {
	local name=$'evil"\\\n\t\e[1m\x7f\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80'
	cp "$scenarios" "$BATS_TEST_TMPDIR/$name"
	preload "$library $mock" "$BATS_TEST_TMPDIR/$name" report-names "${name// /}"
	valid "$report"
	local expected='"evil\"\\\u000a\u0009\u001b[1m\u007f\u00ffä\u00ed\u00a0\u0080😀"'
	equal "program" "$expected" "$(sed -n 's/.*"program":\(.*\),"placement".*/\1/p' "$report")"
	equal "device" "$expected" "$(sed -n 's/.*"device":\(.*\),"fd".*/\1/p' "$report")"
}

@test "names of the greatest length make no line too long, nor cut one inside a character" {
	local name device
	for piece in '"' $'\x01' 'ä' 'x'; do
		name=$(printf "%.0s$piece" {1..255}) device=$(printf "%.0s$piece" {1..63})
		[[ $piece != ä ]] || name=${name:0:254} device=${device:0:62}
		cp "$scenarios" "$BATS_TEST_TMPDIR/$name"
		rm -f "$report"
		preload "$library $mock" "$BATS_TEST_TMPDIR/$name" \
			report-dma "$device" 0 4K
		valid "$report"
		equal "device" "$device" "$(field map device)"
		# A control character takes six bytes, and there is room for 512.
		[[ $piece != $'\x01' ]] || name=${name:0:85}
		equal "program" "$name" "$(field start program)"
	done
}

@test "a report and a log do not mix" {
	VFIOALIGN_LOG=info loudly reports log-map 2 0 4G 0x1000
	matches "log" "vfioalign: scenarios*placed:*" "$errors"
	equal "lines" "1 2" "$(wc -l <"$BATS_TEST_TMPDIR/stderr") $(wc -l <"$report")"
}

@test "a full file system costs events and nothing else" {
	VFIOALIGN_REPORT=/dev/full with_library distance 2 0 4G
	equal "region 2" "0x0 advised" "$output"
}
