#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# "vfioalign run" and "vfioalign check --program": programs that the library would not load into.
load helpers
load cli

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# compiled NAME OPTION...: cli-program.c
compiled() {
	"$CC" "${@:2}" -o "$1" "$here/cli-program.c"
}

# refused PROGRAM WHAT REMEDY: by run, and as a problem by check; --force runs it
refused() {
	cli run "$1"
	loudly ended 125
	equal "stdout" "" "$output"
	matches "stderr" "vfioalign run: $1 $2
vfioalign run: what to do: $3; --force runs it all the same" "$errors"
	cli check --program "$1"
	[[ $status == 1 ]] || loudly ended 1
	matches "check" "*problem program *" "$output"
	[[ ! ${not_forced:-} ]] || return 0
	cli run --force "$1"
	loudly ended 0
	equal "library" no "$(value library)"
}

@test "a static program is refused" {
	compiled program -static
	refused ./program "is statically linked: no dynamic loader runs in it *" \
		"use a dynamically linked build of it"
}

@test "a static-pie program is refused" {
	compiled program -static-pie -fPIE
	refused ./program "is statically linked (static-pie): no dynamic loader runs in it *" \
		"use a dynamically linked build of it"
}

@test "a 32-bit program is refused" {
	# Without a C library, which a compiler for 64 bits often lacks for 32.
	"$CC" -m32 -nostdlib -static -x c -o program - <<<'void _start(void) { for (;;); }' 2>/dev/null ||
		skip "$CC cannot build for 32 bits"
	not_forced=yes
	refused ./program "is a 32-bit program, and the library is for 64-bit ones" "use a 64-bit build of it*"
}

@test "a program for another machine is refused" {
	compiled program
	# e_machine of ELF
	printf '\xf3\x00' | dd of=program bs=1 seek=18 conv=notrunc status=none
	not_forced=yes
	refused ./program "is a program for another machine than the library" \
		"use a build of it for this machine"
}

@test "a script is refused whose interpreter is a static program, also by way of another script" {
	compiled static -static
	printf '#!%s\n' "$PWD/static" >script
	printf '#!%s\n' "$PWD/script" >script2
	chmod +x script script2
	for script in script script2; do
		cli run ./$script
		loudly ended 125
		equal "stdout" "" "$output"
		matches "stderr" "vfioalign run: $PWD/static is statically linked*what to do: *" "$errors"
		cli run --force ./$script
		loudly ended 0
	done
}

@test "a library that the program's loader cannot load is refused with the loader's words" {
	not_sanitized "the command would not start"
	compiled program
	cp "$top/vfioalign" .
	printf 'no library%.0s' {1..100} >libvfioalign.so
	command=$PWD/vfioalign
	cli run ./program
	loudly ended 125
	equal "stdout" "" "$output"
	matches "stderr" "vfioalign run: the dynamic loader of ./program, /*/ld-*, does not load the library: \
*'$PWD/libvfioalign.so'*invalid ELF header*
vfioalign run: what to do: use a library that was built for its libc; *" "$errors"
	cli run --force ./program
	equal "status" 0 "$status"
	equal "library" no "$(value library)"
}

@test "of a program of musl, its own loader has the say" {
	requires musl-tools "$(type -P musl-gcc)"
	not_sanitized "the library needs their runtime"
	CC=musl-gcc compiled program
	# musl takes what needs no more of glibc than musl has, too.
	output=$(LD_PRELOAD=$library ./program 2>&1) || :
	local alone
	alone=$(value library)
	cli run ./program
	if [[ $alone == yes ]]; then
		ended 0
		equal "library" yes "$(value library)"
	else
		loudly ended 125
	fi
	cp "$top/vfioalign" .
	printf 'no library%.0s' {1..100} >libvfioalign.so
	command=$PWD/vfioalign
	cli run ./program
	loudly ended 125
	equal "stdout" "" "$output"
	matches "stderr" "vfioalign run: the dynamic loader of ./program, /*/ld-musl-*, does not load the library: *" \
		"$errors"
}

@test "a setuid program of another user is refused, who is not its owner" {
	open_to_all
	compiled program
	chmod 4755 program
	cli_as_nobody run ./program
	loudly ended 125
	equal "stdout" "" "$output"
	matches "stderr" "vfioalign run: ./program is setuid: *
vfioalign run: what to do: run it as its owner, or *" "$errors"
	cli_as_nobody run --force ./program
	loudly ended 0
	equal "library, forced" no "$(value library)"
}

@test "a setuid program of its own user is run, with the library in it" {
	open_to_all
	compiled program
	chmod 4755 program
	good run ./program
	equal "library" yes "$(value library)"
	chown 65534 program
	chmod 4755 program
	cli_as_nobody run ./program
	ended 0
	equal "library" yes "$(value library)"
}

@test "a program that is setuid to another user is refused for root, too" {
	open_to_all
	compiled program
	chown 65534 program
	chmod 4755 program
	cli run ./program
	loudly ended 125
	matches "stderr" "vfioalign run: ./program is setuid: *" "$errors"
	cli run --force ./program
	loudly ended 0
	equal "library, forced" no "$(value library)"
}

@test "a setgid program is refused, but not if the bit has another meaning or the group is the same" {
	open_to_all
	compiled program
	chmod 2755 program
	cli_as_nobody run ./program
	loudly ended 125
	matches "stderr" "vfioalign run: ./program is setgid: *" "$errors"
	cli_as_nobody run --force ./program
	loudly ended 0
	equal "library, forced" no "$(value library)"
	good run ./program
	equal "library, of root" yes "$(value library)"
	chmod 2745 program
	cli_as_nobody run ./program
	ended 0
	equal "library, not executable for the group" yes "$(value library)"
}

@test "where no privileges can be gained, a setuid program is run with the library in it" {
	open_to_all
	compiled program
	chmod 4755 program
	status=0
	output=$(as_nobody setpriv --no-new-privs "$command" run ./program 2>&1) || status=$?
	equal "status" 0 "$status"
	equal "library" yes "$(value library)"
}

@test "a program with file capabilities is refused, but not for root" {
	open_to_all
	requires libcap2-bin "$(PATH=$PATH:/sbin:/usr/sbin type -P setcap)"
	compiled program
	PATH=$PATH:/sbin:/usr/sbin setcap cap_net_raw+ep program || skip "this file system has no capabilities"
	cli_as_nobody run ./program
	loudly ended 125
	equal "stdout" "" "$output"
	matches "stderr" "vfioalign run: ./program has file capabilities: *
vfioalign run: what to do: run it as root, or *setcap -r ./program*" "$errors"
	cli_as_nobody run --force ./program
	loudly ended 0
	equal "library, forced" no "$(value library)"
	good run ./program
	equal "library, of root" yes "$(value library)"
}

@test "a script whose interpreter is setuid is refused, and the bit on the script itself counts nothing" {
	open_to_all
	compiled program
	chmod 4755 program
	printf '#!%s\n' "$PWD/program" >script
	printf '#!/bin/sh\necho ran\n' >setuid-script
	chmod 755 script
	chmod 4755 setuid-script
	cli_as_nobody run ./script
	loudly ended 125
	matches "stderr" "vfioalign run: $PWD/program is setuid: *" "$errors"
	cli_as_nobody run ./setuid-script
	ended 0
	equal "stdout" ran "$output"
}

@test "a program that may be run but not read is refused" {
	open_to_all
	compiled program
	chmod 711 program
	cli_as_nobody run ./program
	loudly ended 125
	matches "stderr" "vfioalign run: ./program cannot be read, *Permission denied*" "$errors"
}

@test "a library whose path has a space or a colon is refused, at which LD_PRELOAD would be split" {
	compiled program
	local directory
	for directory in "a space" a:colon; do
		mkdir "$directory"
		cp "$top/vfioalign" "$library" "$directory"
		command=$PWD/$directory/vfioalign
		cli run ./program
		loudly ended 125
		equal "stdout" "" "$output"
		matches "stderr" "vfioalign run: the library's path has a ${directory##*[ :]} in it, *: $PWD/$directory/*
vfioalign run: what to do: move it to another directory; *" "${errors/space in/space in}"
		cli run --force ./program
		equal "status" 0 "$status"
		equal "library" no "$(value library)"
	done
}

@test "a hostile name of a program is shown harmlessly" {
	local name=$'static\e[31m\n\xff\u202e\u0085'
	compiled "$name" -static
	for locale in C C.UTF-8; do
		export LC_ALL=$locale
		cli run "./$name"
		loudly ended 125
		equal "lines" 2 "$(wc -l <<<"$errors")"
		[[ $errors != *[$'\e\xff']* ]] || fail "$errors"
		matches "stderr" '*static\\x1b\[31m\\x0a\\xff*' "$errors"
	done
}

@test "damaged programs are refused without harm" {
	compiled whole
	local size i
	size=$(stat -c %s whole)
	for i in 4 5 16 52 63 64 65 120 600 $((size / 2)); do
		head -c $i whole >short
		chmod +x short
		cli run ./short
		[[ $status == 125 || $status == 126 ]] || loudly ended 125
		equal "stdout" "" "$output"
	done
	# e_phoff, e_phentsize, e_phnum of ELF
	for i in 32 39 54 56 57; do
		cp whole damaged
		printf '\xff' | dd of=damaged bs=1 seek=$i conv=notrunc status=none
		cli run ./damaged
		((status < 128)) || loudly ended 125
	done
}

# asan_program NAME: built with gcc's shared ASan
asan_program() {
	if ! "$CC" -fsanitize=address -o "$1" "$here/cli-program.c" 2>/dev/null || ! ./"$1" >/dev/null; then
		skip "$CC cannot build with -fsanitize=address"
	fi
	[[ $(readelf -d "$1") == *libasan* ]] || skip "$CC links ASan statically"
}

@test "a program with gcc's ASan runs with the library in it, and libasan before it" {
	asan_program program
	good run ./program
	equal "library" yes "$(value library)"
	matches "LD_PRELOAD" "/*/libasan.so*:$library" "$(value preload)"
	good run --dry-run ./program
	matches "plan" "env LD_PRELOAD=/*/libasan.so*:$library ./program" "$output"
	"$CC" -shared -fPIC -o other.so -x c /dev/null
	under LD_PRELOAD="$sanitizer:$PWD/other.so" -- good run ./program
	equal "library" yes "$(value library)"
	matches "LD_PRELOAD" "/*/libasan.so*:$PWD/other.so:$library" "$(value preload)"
}

@test "a program with clang's shared ASan runs with the library in it, and its runtime before it" {
	requires clang "$(command -v clang)"
	not_sanitized "the library needs libasan"
	clang -fsanitize=address -shared-libasan -Wl,-rpath,"$(clang --print-runtime-dir)" -o program \
		"$here/cli-program.c" 2>/dev/null || skip "clang has no shared ASan"
	good run ./program
	equal "library" yes "$(value library)"
	matches "LD_PRELOAD" "/*/libclang_rt.asan*.so:$library" "$(value preload)"
}

@test "a directory that is called as libasan is not taken for it" {
	not_sanitized "the library needs libasan"
	asan_program program
	mkdir libasan.so.8
	"$CC" -shared -fPIC -o libasan.so.8/empty.so -x c /dev/null
	under LD_PRELOAD="$PWD/libasan.so.8/empty.so" -- good run ./program
	matches "LD_PRELOAD" "/*/libasan.so*:$PWD/libasan.so.8/empty.so:$library" "$(value preload)"
	compiled plain
	under LD_PRELOAD="$PWD/libasan.so.8/empty.so" -- good run ./plain
	equal "LD_PRELOAD" "$PWD/libasan.so.8/empty.so:$library" "$(value preload)"
}

@test "the library answers for itself in a program that is run" {
	VFIOALIGN_PROBE=1 good run true
	equal "answer" "libvfioalign $PACKAGE_VERSION" "$output"
}
