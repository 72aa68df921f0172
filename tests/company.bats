#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a test is a subshell; helpers.bash shares variables
# The library among others in a process: allocators, sanitizers, preloads, runtimes of other
# languages. Each program does and says what it does without it, and has its device congruent.
load helpers

setup() {
	not_sanitized "the programs here have sanitizers of their own"
	src=${abs_top_srcdir:-${here%/*}}
	program=$top/tests/company/company
	interposer=$top/tests/company/libinterposer.so
	plugin=$top/tests/company/libplugin.so
	cd "$BATS_TEST_TMPDIR" || return 1
	# All that the library has takes part.
	export VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$PWD/library.log VFIOALIGN_REPORT=$PWD/library.report
}

# Debian's tool, if there are others.
tool() {
	PATH=/usr/bin:$PATH command -v "$1" || true
}

# quietly COMMAND...: shows what it says only if it fails
quietly() {
	"$@" >log 2>&1 || fail "$*:" "$(<log)"
}

# compiled COMPILER OPTION...: ./program, with those options
compiled() {
	requires "$1" "$(command -v "$1")"
	quietly "$@" -g -I "$src/tests" -o program "$src/tests/company/company.c" "$src/tests/device.c" -pthread
}

# same BEFORE AFTER PROGRAM [ARGUMENT...]: with the library between the preloads BEFORE and AFTER it
# ends well, has nothing on stderr, and prints the same but for the distances, as without
same() {
	local before=$1 after=$2
	shift 2
	preload "$before $after $mock" "$@"
	without=$output
	matches "the last line" "*distances: *" "$output"
	preload "$before $library $after $mock" "$@"
	equal "output" "${without%%distances:*}" "${output%%distances:*}"
}

# distances: those that the program printed last
distances() {
	sed -n 's/^distances: //p' <<<"$1"
}

# congruent OUTPUT: all mappings of the device are
congruent() {
	matches "distances" "0x0*" "$(distances "$1")"
	equal "distances" "" "$(distances "$1" | tr ' ' '\n' | grep -v '^\(plugin:\)\?0x0$' || true)"
}

# helped BEFORE AFTER PROGRAM [ARGUMENT...]: the same, and congruent with the library alone
helped() {
	same "$@"
	congruent "$output"
	! congruent "$without" 2>/dev/null || fail "congruent without the library: $without"
}

# before_and_behind PACKAGE ALLOCATOR: helped, with the library on either side of it
before_and_behind() {
	[[ -e $2 ]] || skip "$1 is missing: install the package $1"
	helped "" "$2" "$program"
	helped "$2" "" "$program"
}

# debian_library PATTERN: the first file of such a name
debian_library() {
	compgen -G "/usr/lib/*/$1" | head -n 1
}

@test "a program is helped, in its constructors and in main, and is otherwise as without the library" {
	helped "" "" "$program"
	(($(wc -l <library.log) > 5 && $(wc -l <library.report) > 5)) || fail "neither log nor report"
	unset VFIOALIGN_LOG VFIOALIGN_LOG_FILE VFIOALIGN_REPORT
	helped "" "" "$program"
}

@test "a program that fails does so with the same words and status" {
	run env LD_PRELOAD="$mock" "$program" plugin ./missing
	local expected="$status $output"
	run env LD_PRELOAD="$library $mock" "$program" plugin ./missing
	matches "status and output" "1 *company.c:*missing*" "$expected"
	equal "status and output" "$expected" "$status $output"
}

@test "among jemalloc, before it and behind it" {
	before_and_behind libjemalloc2 "$(debian_library libjemalloc.so.2)"
}

@test "among mimalloc, before it and behind it" {
	local mimalloc
	mimalloc=$(debian_library 'libmimalloc.so.*')
	before_and_behind libmimalloc-dev "$mimalloc"
	# It reserves 32 MiB at a time, and wants them at a multiple of that.
	export MOCK_REGIONS="0:16M 1:32M 2:4G 4:128G" MOCK_AREAS="1:1M+31M"
	helped "" "$mimalloc" "$program"
	grep -q '"event":"reserve".*"region":1,' library.report || fail "no reservation of its is steered by now"
}

@test "among scudo, before it and behind it" {
	requires clang "$(command -v clang)"
	before_and_behind libclang-rt-dev \
		"$(clang --print-runtime-dir)/libclang_rt.scudo_standalone-$(uname -m).so"
}

# It has an mmap() of its own, which is the system call: what stands behind it is not asked.
@test "before tcmalloc; behind it, where no mmap arrives, it does no harm" {
	local tcmalloc
	tcmalloc=$(debian_library libtcmalloc_minimal.so.4)
	requires libtcmalloc-minimal4 "$tcmalloc"
	helped "" "$tcmalloc" "$program"
	same "$tcmalloc" "" "$program"
	! congruent "$output" 2>/dev/null || fail "tcmalloc hands mmap on by now: README.md says it does not"
}

@test "among another library that stands before mmap and ioctl, before it and behind it" {
	local seen_alone
	export INTERPOSER_FILE=$BATS_TEST_TMPDIR/seen
	preload "$interposer $mock" "$program"
	seen_alone=$(<seen)
	helped "$interposer" "" "$program"
	equal "before the library it sees the program's calls" "$seen_alone" "$(<seen)"
	helped "" "$interposer" "$program"
	(($(<seen) > seen_alone)) || fail "behind the library it sees $(<seen) calls, alone $seen_alone"
	helped "$interposer" "$interposer" "$program"
}

@test "in programs with gcc's AddressSanitizer, if its runtime comes first" {
	compiled gcc -fsanitize=address
	helped "$(gcc -print-file-name=libasan.so)" "" ./program
	run env LD_PRELOAD="$library $mock" ./program
	[[ $status != 0 && $output == *"ASan runtime does not come first"* ]] || fail "$status" "$output"
}

@test "in programs with gcc's ThreadSanitizer and UndefinedBehaviorSanitizer" {
	wrap_for_tsan
	compiled gcc -fsanitize=thread
	helped "" "" ./program
	helped "$(gcc -print-file-name=libtsan.so)" "" ./program
	compiled gcc -fsanitize=undefined -fno-sanitize-recover=all
	helped "" "" ./program
}

@test "in programs with clang's AddressSanitizer, ThreadSanitizer and UndefinedBehaviorSanitizer" {
	local sanitizers
	wrap_for_tsan
	for sanitizers in address,undefined thread; do
		compiled clang -fsanitize=$sanitizers -fno-sanitize-recover=all
		helped "" "" ./program
	done
}

@test "in programs with clang's AddressSanitizer as a library, if it comes first" {
	local runtimes
	requires clang "$(command -v clang)"
	runtimes=$(clang --print-runtime-dir)
	compiled clang -fsanitize=address -shared-libasan -Wl,-rpath,"$runtimes"
	helped "$runtimes/libclang_rt.asan-$(uname -m).so" "" ./program
}

@test "under valgrind, which finds nothing" {
	requires valgrind "$VALGRIND"
	helped "" "" "$VALGRIND" -q --error-exitcode=9 "$program"
}

@test "under strace" {
	requires strace "$STRACE"
	"$STRACE" -o /dev/null true 2>/dev/null || skip "strace is not permitted here"
	helped "" "" "$STRACE" -f -qq -o trace "$program"
}

@test "in a plugin, and in one that was loaded with RTLD_DEEPBIND it does no harm" {
	helped "" "" "$program" plugin "$plugin"
	same "" "" "$program" deepbind "$plugin"
	matches "distances" "0x0 plugin:* 0x0 0x0 0x0 0x0 0x0" "$(distances "$output")"
	! congruent "$output" 2>/dev/null || fail "what libc itself was asked for arrived"
}

@test "a program may open the library as a plugin, and close it" {
	helped "" "" "$program" plugin "$library"
	helped "" "" "$program" deepbind "$library"
	preload "$mock" "$program" deepbind "$library"
	! congruent "$output" 2>/dev/null || fail "congruent without the library: $output"
}

@test "a library that a program needs may map before the preload has started" {
	compiled gcc -Wl,--no-as-needed "$plugin" -Wl,-rpath,"${plugin%/*}"
	matches "needed" "*libplugin.so*" "$(readelf -d program)"
	helped "" "" ./program
}

@test "a static program, and one with plugins linked in, does not notice" {
	local options
	for options in -static "-static-pie -fPIE"; do
		# shellcheck disable=SC2086 # they are several
		compiled gcc $options -DSTATIC "$src/tests/company/plugin.c"
		same "" "" ./program
		! congruent "$output" 2>/dev/null || fail "a preload in a static program"
	done
}

@test "a program that begins and goes on without any of the shell's files has its own clean" {
	local run=(env LD_PRELOAD="$library $mock" "$scenarios" log-own-everything own)
	"${run[@]}" <&- >&- 2>&-
	equal "the program's file" "" "$(<own)"
	VFIOALIGN_LOG_FILE='' "${run[@]}" <&- >&- 2>&-
	equal "the program's file" "" "$(<own)"
	equal "events" "start start" "$(grep -o '"event":"[a-z]*"' library.report | cut -d'"' -f4 | xargs)"
}

@test "a program that changes its root, its directory and its user is helped" {
	mkdir empty
	helped "" "" "$program" confined "$PWD/empty"
}

@test "log and report go on when a program has changed its directory and its user" {
	requires jq "$JQ"
	export VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=log VFIOALIGN_REPORT=report
	preload "$library $mock" "$program" confined /
	congruent "$output"
	equal "DMA maps" 1 "$(grep -c '"event":"dma_map"' report)"
	equal "mappings told" "$(grep -c '"event":"\(map\|reserve\)"' report)" "$(wc -l <log)"
	(($(wc -l <log) >= 8)) || fail "$(<log)"
}

# Its libc, its dynamic loader, and a library and programs that were built for them.
@test "with musl: preloads, constructors, plugins and whole tests" {
	requires musl-tools "$(command -v musl-gcc)"
	local made=(libvfioalign.so tests/libmockvfio.so tests/scenarios tests/early
		tests/company/company tests/company/libplugin.so tests/company/libinterposer.so)
	quietly "$src/configure" --quiet --disable-command CC=musl-gcc
	quietly make "${made[@]}"
	library=$PWD/libvfioalign.so mock=$PWD/tests/libmockvfio.so program=$PWD/tests/company/company
	matches "interpreter" "*/ld-musl-*" "$(readelf -l "$program")"
	helped "" "" "$program"
	helped "" "" "$program" plugin "$PWD/tests/company/libplugin.so"
	helped "" "$PWD/tests/company/libinterposer.so" "$program"
	helped "$PWD/tests/company/libinterposer.so" "" "$program"
	quietly env -i PATH="${PATH//$BATS_LIBEXEC:/}" HOME="$HOME" LC_ALL=C CC=musl-gcc JQ="$JQ" abs_top_builddir="$PWD" \
		abs_top_srcdir="$src" "${BATS:-bats}" --tap "$src"/tests/{hint,fixed,pass,process}.bats
}

@test "in Python, by its module mmap and by ctypes" {
	local python
	python=$(tool python3)
	requires python3 "$python"
	"$python" -c 'import ctypes, mmap' 2>/dev/null || skip "this Python has neither mmap nor ctypes"
	helped "" "" "$python" "$src/tests/company/company.py"
}

@test "in a Rust program that maps through libc" {
	local rustc
	rustc=$(tool rustc)
	requires rustc "$rustc"
	quietly "$rustc" --edition 2021 -C debuginfo=0 -o program "$src/tests/company/company.rs"
	helped "" "" ./program
}

# go_program FILE: ./program, whose maker writes nowhere else
go_program() {
	requires golang-go "$(tool go)"
	quietly env GOCACHE="$PWD/cache" GOPATH="$PWD/path" GOFLAGS= GO111MODULE=off "$(tool go)" build -o program "$1"
}

@test "in a Go program: what C maps is placed, what Go maps itself passes" {
	CGO_ENABLED=1 go_program "$src/tests/company/cgo.go"
	helped "" "" ./program
	# One of them can come up congruent below what was placed.
	! grep -q '^raw distances:\( 0x0\)*$' <<<"$output" || fail "raw system calls were placed" "$output"
}

@test "in a Go program whose memory is reserved in pieces of a region's size, or a bit more" {
	CGO_ENABLED=1 go_program "$src/tests/company/cgo.go"
	export MOCK_REGIONS="0:64M 2:4G"
	helped "" "" ./program
	grep -q '"event":"reserve"' library.report || fail "no reservation of Go's is steered by now"
	MOCK_AREAS="0:1M+63M" helped "" "" ./program
}

@test "a Go program without C does not notice" {
	CGO_ENABLED=0 go_program "$src/tests/company/pure.go"
	preload "$mock" ./program
	local without=$output
	preload "$library $mock" ./program
	equal "output" "$without" "$output"
	matches "output" "mapped: ELF *" "$output"
}
