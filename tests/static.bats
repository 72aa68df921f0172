#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # helpers.bash sets variables
# What tools find in the sources without running them: nothing.
load helpers

setup() {
	src=${abs_top_srcdir:-${here%/*}}
	cd "$src" || return 1
	mapfile -t smartcols < <(pkg-config --cflags-only-I smartcols 2>/dev/null | xargs -n1)
	defines=(-DPACKAGE_VERSION='"0"' -DLIBDIR='"/usr/lib"' "${smartcols[@]}")
	sources=(src/*.c)
	# Without libsmartcols the command cannot be compiled, and so not be looked at.
	[[ ! -e $top/vfioalign ]] || sources+=(src/cli/*.c)
}

# clean COMMAND...: it succeeds and has nothing to say
clean() {
	local said status=0
	said=$("$@" 2>&1) || status=$?
	[[ $status == 0 && ! $said ]] || fail "$1: status $status" "$said"
}

@test "cppcheck finds nothing" {
	requires cppcheck "$(command -v cppcheck)"
	# ctuuninitvar: it takes what a function fills in for what the function reads.
	# MAP_32BIT: without libc's headers it is taken for 0.
	clean cppcheck --quiet --enable=warning,style,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=ctuuninitvar --std=c11 -D__x86_64__ -D__GLIBC__ \
		-DMAP_32BIT=0x40 "${defines[@]:0:2}" src
}

@test "clang-tidy finds nothing" {
	requires clang-tidy "$(command -v clang-tidy)"
	local file
	# One by one: of several, version 14 mistakes the second's va_start().
	for file in "${sources[@]}"; do
		clang-tidy --quiet "$file" -- -std=gnu11 "${defines[@]}" 2>/dev/null
	done >"$BATS_TEST_TMPDIR/found" || fail "$(<"$BATS_TEST_TMPDIR/found")"
	equal "findings" "" "$(<"$BATS_TEST_TMPDIR/found")"
}

@test "each check of clang-tidy that is switched off has its reason beside it" {
	local check
	while read -r check; do
		grep -qE "^# $check: .{10}" .clang-tidy || fail "no reason: $check"
	done < <(sed -n 's/^  -\([a-z].*[a-zA-Z]\),\{0,1\}$/\1/p' .clang-tidy)
}

@test "scan-build finds nothing, in what configure makes" {
	requires clang-tools "$(command -v scan-build)"
	not_sanitized "what they add is taken for the program"
	local options=()
	[[ -e $top/vfioalign ]] || options=(--disable-command)
	cd "$BATS_TEST_TMPDIR" || return 1
	# configure finds the analyzer as its compiler.
	scan-build -o found "$src/configure" --quiet "${options[@]}" >log 2>&1 || fail "$(<log)"
	scan-build --status-bugs -o found make all >log 2>&1 || fail "$(<log)"
	grep -q "scan-build: No bugs found" log || fail "$(<log)"
}

@test "gcc's static analyzer finds nothing, in what configure makes" {
	requires gcc "$(command -v gcc)"
	not_sanitized "what they add is taken for the program"
	gcc -fanalyzer -x c -c -o /dev/null /dev/null 2>/dev/null || skip "this gcc has no -fanalyzer"
	local options=()
	[[ -e $top/vfioalign ]] || options=(--disable-command)
	cd "$BATS_TEST_TMPDIR" || return 1
	"$src/configure" --quiet CC=gcc CFLAGS='-O2 -g -fanalyzer' --enable-werror "${options[@]}" \
		>log 2>&1 || fail "$(<log)"
	make all >log 2>&1 || fail "$(<log)"
}

@test "conversions that lose something are errors to developers" {
	local flags
	flags=$(sed -n 's/^WARN_CFLAGS = *//p' "$top/Makefile")
	# shellcheck disable=SC2086 # flags are many words
	try() { $CC $flags -Werror -x c -c -o /dev/null -; }
	try <<<'int cut(int value); int cut(int value) { return value; }'
	! try <<<'int cut(long value); int cut(long value) { return value; }' 2>/dev/null ||
		fail "long becomes int without a word: $flags"
}

# What has a shell's name in its first lines, wherever it is.
scripts() {
	local file
	for file in .ci/run bootstrap completions/* scripts/* tests/* tests/vm/*; do
		[[ -f $file ]] || continue
		if [[ $file == *.bats ]] ||
			head -n 2 "$file" | grep -qaE '^#!.*(bash|/sh|busybox sh)$|^# shellcheck shell='; then
			echo "$file"
		fi
	done
}

@test "shellcheck finds nothing in scripts, tests and the completion" {
	requires shellcheck "$(command -v shellcheck)"
	local files
	mapfile -t files < <(scripts)
	((${#files[@]} > 20)) || fail "only these: ${files[*]}"
	clean shellcheck -x "${files[@]}"
}
