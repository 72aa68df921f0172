#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# Log lines. The programs print what a line should say of their mapping.
load helpers

moved="placed: moved to an address congruent to the offset"

# logs LEVEL SCENARIO...: with log lines on stderr
logs() {
	export VFIOALIGN_LOG=$1
	shift
	loudly with_library "$@"
}

# one_line WHAT REST: stderr is one line that says what the program printed, and REST
one_line() {
	equal "$1" "vfioalign: scenarios$output, $2" "$errors"
}

empty() {
	equal "$1" "" "$(<"$1")"
}

@test "a mapping that was moved is logged with addresses, page size and reason" {
	logs info log-map 2 0x101000 0xffeff000 0x1000
	one_line moved "1G pages, $moved"
	logs info log-map 0 0 16M 0x1000
	one_line moved "2M pages, $moved"
	logs info log-map 0 0 2097153 0x1000
	one_line moved "2M pages, $moved"
}

@test "a mapping that was congruent is logged as kept" {
	logs info log-map 2 0 4G 0
	one_line kept "1G pages, kept: congruent already"
}

@test "a mapping that holds no huge page is logged as small" {
	logs info log-map 2 0x1000 2M 0x1000
	one_line small "4K pages, small: the range holds no whole huge page"
}

@test "a mapping above its hint is logged with the hint" {
	logs info log-hint
	one_line hint "1G pages, hint: nearest congruent address above the program's hint"
}

@test "a mapping with MAP_FIXED is logged as fixed" {
	logs info log-fixed
	one_line fixed "1G pages, fixed: the program demands this address"
}

@test "a mapping that failed is logged, and errno is left alone" {
	logs info log-failed
	mapfile -t printed <<<"$output"
	mapfile -t lines <<<"$errors"
	for i in 0 1; do
		equal failed "${lines[i]}" \
			"vfioalign: scenarios${printed[i]}, failed: the program's own call failed"
	done
	equal "lines" 3 "${#lines[@]}"
}

@test "of a device that was not asked about, the region is logged as the offset has it" {
	logs info log-unasked
	one_line moved "1G pages, $moved"
}

@test "without /proc, what is no part of a region is not logged" {
	MOCK_LINK=noproc VFIOALIGN_LOG=info with_library log-beyond
}

@test "a control arm is logged as one" {
	export VFIOALIGN=misalign
	logs info log-map 2 0 4G 0x2000
	one_line misalign "4K pages, $moved (control arm of VFIOALIGN)"
	VFIOALIGN=2M logs info log-map 2 0 4G 0x2000
	one_line 2M "2M pages, $moved (control arm of VFIOALIGN)"
}

@test "what went wrong is logged at every level but off" {
	for level in error info; do
		MOCK_FAIL=mmap:2:ENOMEM logs $level log-map 2 0 4G 0x1000
		one_line no-room "4K pages, no-room: no address space for a reservation"
		MOCK_FAIL=mmap:3:ENODEV logs $level log-map 2 0 4G 0x1000
		one_line refused "4K pages, refused: the device refused a second mapping"
		MOCK_FAIL=munmap:2:EINVAL logs $level log-map 2 0 4G 0x1000
		one_line stuck "4K pages, stuck: the program's mapping could not be given back"
		MOCK_STEAL=100 logs $level log-map 2 0 4G 0x1000
		one_line taken "4K pages, taken: other mappings took the congruent place first"
	done
}

@test "what went well is not logged as an error" {
	export VFIOALIGN_LOG=error
	with_library log-map 2 0 4G 0x1000
	with_library log-map 2 0 4G 0
	with_library log-map 2 0 1M 0
	with_library log-failed
	with_library log-hint
	with_library log-fixed
	with_library log-regions
}

@test "without VFIOALIGN_LOG nothing is logged, whatever happens" {
	for fault in mmap:1:ENOMEM mmap:2:ENOMEM mmap:3:ENODEV munmap:1:EINVAL madvise:1:EINVAL; do
		MOCK_FAIL=$fault with_library log-map 2 0 4G 0x1000
		MOCK_FAIL=$fault VFIOALIGN_LOG=off with_library log-map 2 0 4G 0x1000
	done
	VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log with_library log-map 2 0 4G 0x1000
	[[ ! -e $BATS_TEST_TMPDIR/log ]]
}

@test "regions are logged for debugging, with the areas that fit the program's buffer" {
	MOCK_AREAS="2:0+1M 2:0x101000+0xffeff000" logs debug log-regions
	local learned="learned from VFIO_DEVICE_GET_REGION_INFO"
	local device="vfioalign: scenarios$output"
	equal "lines" "$device region 2 size 0x100000000 sparse areas 0: $learned
$device region 2 size 0x100000000 sparse areas 2: $learned
$device region 0 size 0x1000000 sparse areas 0: $learned" "$errors"
	VFIOALIGN_LOG=info with_library log-regions
}

@test "of more areas than the library keeps, the first eight are kept" {
	MOCK_AREAS="$(printf '2:%dM+4K ' {1..8})2:9M+4K" logs debug log-regions
	matches "lines" "*region 2 *areas 0:*region 2 *areas 8:*region 0 *" "$errors"
}

@test "a program that VFIOALIGN_ONLY leaves alone logs nothing" {
	VFIOALIGN_ONLY=other VFIOALIGN_LOG=debug with_library log-map 2 0 4G 0x1000
	VFIOALIGN=off VFIOALIGN_LOG=debug with_library log-map 2 0 4G 0x1000
}

@test "a log file is named after the process, private, and not readable by others" {
	umask 0
	export VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log.%p.%%p.txt VFIOALIGN_LOG=info
	with_library log-map 2 0 4G 0x1000
	local pid=${output#[} file
	pid=${pid%%]*}
	file=$BATS_TEST_TMPDIR/log.$pid.%$pid.txt
	equal "line" "vfioalign: scenarios$output, 1G pages, $moved" \
		"$(<"$file")"
	equal "mode" 600 "$(stat -c %a "$file")"
}

@test "log and report are opened for adding, privately, through no link, and not for other programs" {
	requires strace "$STRACE"
	not_sanitized "their runtime opens files of its own"
	"$STRACE" -o /dev/null true 2>/dev/null || skip "strace is not permitted here"
	local trace=$BATS_TEST_TMPDIR/trace file flags mode
	umask 0
	preload "" "$STRACE" -f -qq -e trace=open,openat,creat -e signal=none -o "$trace" -E VFIOALIGN_LOG=info \
		-E VFIOALIGN_LOG_FILE="$BATS_TEST_TMPDIR/log" -E VFIOALIGN_REPORT="$BATS_TEST_TMPDIR/report" \
		-E LD_PRELOAD="$library $mock" "$scenarios" log-map 2 0 4G 0x1000
	for file in log report; do
		read -r flags mode < <(sed -n "s|.*\"$BATS_TEST_TMPDIR/$file\", \([A-Z_|]*\), \(0[0-7]*\)).*|\1 \2|p" "$trace")
		equal "flags of the $file" "O_APPEND O_CLOEXEC O_CREAT O_NOCTTY O_NOFOLLOW O_NONBLOCK O_WRONLY" \
			"$(tr '|' '\n' <<<"$flags" | sort | xargs)"
		equal "mode of the $file" "0600 600" "$mode $(stat -c %a "$BATS_TEST_TMPDIR/$file")"
	done
	# All else that is opened is read, and closed when other programs start.
	equal "opened in another way" "" "$(grep -v -e "\"$BATS_TEST_TMPDIR/" -e 'O_RDONLY|O_CLOEXEC' "$trace" || true)"
}

@test "a log file is added to" {
	export VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log VFIOALIGN_LOG=info
	echo before >"$VFIOALIGN_LOG_FILE"
	with_library log-map 2 0 4G 0x1000
	with_library log-map 2 0 4G 0x1000
	matches "log" "before
vfioalign: *
vfioalign: *" "$(<"$VFIOALIGN_LOG_FILE")"
	equal "lines" 3 "$(wc -l <"$VFIOALIGN_LOG_FILE")"
}

# unopenable FILE REASON
unopenable() {
	VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$1 loudly with_library distance 2 0 4G
	complains VFIOALIGN_LOG_FILE "$1" "$2"
	equal "region 2" "0x0 advised" "$output"
}

@test "a log file that cannot be opened is complained of once, and the program runs" {
	unopenable "$BATS_TEST_TMPDIR/missing/log" "No such file or directory"
	unopenable "$BATS_TEST_TMPDIR" "Is a directory"
}

@test "a log file is never opened through a link" {
	echo precious >"$BATS_TEST_TMPDIR/target"
	ln -s target "$BATS_TEST_TMPDIR/link"
	unopenable "$BATS_TEST_TMPDIR/link" "Too many levels of symbolic links"
	equal "target" precious "$(<"$BATS_TEST_TMPDIR/target")"
}

@test "a FIFO that nobody reads does not hold up the program" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	unopenable "$BATS_TEST_TMPDIR/fifo" "No such device or address"
}

@test "a log file's name that is too long is complained of, and not cut" {
	local name
	name=$BATS_TEST_TMPDIR/$(printf './%.0s' {1..500})
	name=${name:0:1000}/$(printf 'x%.0s' {1..200})
	VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$name loudly with_library distance 2 0 4G
	matches "stderr" 'libvfioalign: VFIOALIGN_LOG_FILE: cannot use "/*' "$errors"
	equal "lines" 1 "$(wc -l <"$BATS_TEST_TMPDIR/stderr")"
	equal "region 2" "0x0 advised" "$output"
	equal "files" "stderr stdout" "$(cd "$BATS_TEST_TMPDIR" && echo *)"
}

@test "a child's lines have its own pid" {
	logs info log-fork
	mapfile -t pids <<<"$output"
	equal "pids" "$(printf '%s\n' "${pids[@]}" | sort)" \
		"$(sed -n 's/^vfioalign: scenarios\[\(.*\)\]: .* placed: .*/\1/p' <<<"$errors" | sort)"
	[[ ${pids[0]} != "${pids[1]}" ]]
}

@test "the log is not handed on to other programs" {
	without_library log-exec
	local without=$output
	VFIOALIGN_LOG=info with_library log-exec
	equal "files" "$without" "$output"
	VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log with_library log-exec
	equal "files" "$without" "$output"
}

@test "the log takes none of the numbers that a program's files have" {
	without_library log-map 2 0 4G 0x1000
	local without=${output#*: device fd }
	for file in "" "$BATS_TEST_TMPDIR/log"; do
		VFIOALIGN_LOG_FILE=$file logs info log-map 2 0 4G 0x1000
		matches "fd" "*: device fd ${without%% *} region*" "$output"
	done
}

@test "a file that the program opens as its stderr stays clean" {
	logs info log-own-stderr "$BATS_TEST_TMPDIR/own"
	empty "$BATS_TEST_TMPDIR/own"
	matches "the stderr of the start" "vfioalign: scenarios*1G pages*" "$errors"
}

@test "a file that the program opens as everything stays clean" {
	VFIOALIGN_LOG=info with_library log-own-everything "$BATS_TEST_TMPDIR/own"
	empty "$BATS_TEST_TMPDIR/own"
	VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$BATS_TEST_TMPDIR/log \
		with_library log-own-everything "$BATS_TEST_TMPDIR/own"
	empty "$BATS_TEST_TMPDIR/own"
	empty "$BATS_TEST_TMPDIR/log"
}

@test "lines are written where few files may be open" {
	ulimit -S -n 64
	logs info log-map 2 0 4G 0x1000
	one_line moved "1G pages, $moved"
}

@test "lines are written without /proc, which alone knows the pid" {
	MOCK_LINK=noproc logs info log-map 2 0 4G 0x1000
	equal "line" "vfioalign: scenarios[?]${output#*]}, 1G pages, $moved" \
		"$errors"
}

@test "a hostile program name is one harmless line" {
	local name=$'evil\nvfioalign: \e[1m\xff'
	cp "$scenarios" "$BATS_TEST_TMPDIR/$name"
	VFIOALIGN_LOG=info loudly preload "$library $mock" "$BATS_TEST_TMPDIR/$name" \
		log-map 2 0 4G 0x1000
	equal "line" "vfioalign: evil?vfioalign: ?[1m?$output, 1G pages, $moved" \
		"$errors"
}
