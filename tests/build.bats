#!/usr/bin/env bats
# shellcheck disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# What configure and make do, from a tree that has configure.

load helpers.bash

setup() {
	# Of the "make check" that runs this, nothing shall reach the makes in here.
	unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
	cd "$BATS_TEST_TMPDIR" || return 1
}

# configured OPTION...: configures in the current directory
configured() {
	"$abs_top_srcdir/configure" --quiet "$@" >configure.log 2>&1 || {
		cat configure.log
		return 1
	}
}

# quiet_make TARGET...: make succeeds without a warning
quiet_make() {
	if ! make "$@" >make.log 2>&1 || grep -q warning make.log; then
		cat make.log
		return 1
	fi
}

@test "clang builds everything without a warning" {
	requires clang "$(command -v clang)"
	configured CC=clang --enable-werror
	quiet_make check TESTS='tests/unit-align tests/unit-text'
}

@test "musl-gcc builds the library without a warning" {
	requires musl-tools "$(command -v musl-gcc)"
	configured CC=musl-gcc --disable-command --enable-werror
	quiet_make
	[[ $(readelf -d libvfioalign.so) == *'Shared library: [libc.so]'* ]]
}

@test "the library builds and exports the same names with 64-bit file offsets asked for" {
	configured CPPFLAGS='-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64' --enable-werror
	quiet_make
	[[ $(nm -D --defined-only libvfioalign.so | awk '{ print $3 }' | sort | xargs) == "ioctl mmap mmap64" ]]
}

@test "the unit tests pass with AddressSanitizer and UndefinedBehaviorSanitizer" {
	configured --enable-sanitizers=address,undefined --enable-werror
	quiet_make check TESTS='tests/unit-align tests/unit-text'
}

@test "a list of sanitizers that the compiler does not have is refused" {
	run "$abs_top_srcdir/configure" --quiet --enable-sanitizers=nonsense
	[[ $status != 0 && $output == *"cannot build with -fsanitize=nonsense"* ]]
}

@test "a 32-bit compiler is refused with a sentence that says why" {
	run "$abs_top_srcdir/configure" --quiet CC="gcc -m32"
	[[ $status != 0 && $output == *"32-bit address space has"*"build with a 64-bit compiler"* ]]
}

@test "configure ends with a summary that says what will be tested" {
	run "$abs_top_srcdir/configure"
	[[ $status == 0 && $output == *"make check tests"*"mock device "*"real VFIO device "* ]]
}
