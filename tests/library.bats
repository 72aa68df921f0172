#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; helpers.bash sets variables
# The file itself, and how it is installed.
load helpers

readelf_lines() {
	LC_ALL=C readelf -W "$@" "$library"
}

# tag NAME: a tag of the dynamic section
tag() {
	readelf_lines -d | sed -n "s/.*($1).*\[\(.*\)\]/\1/p"
}

@test "the library exports ioctl, mmap and mmap64, and nothing else" {
	equal "exports" "ioctl mmap mmap64" \
		"$(nm -D --defined-only -P "$library" | awk '{ print $1 }' | sort | xargs)"
}

@test "the library has no symbol versions, or programs would not find its names" {
	equal "version definitions" "" "$(readelf_lines -V | grep "Version definition" || true)"
}

@test "the library needs libc alone" {
	not_sanitized "the library needs their runtime"
	matches "needed" "libc.*" "$(tag NEEDED)"
	equal "number" 1 "$(tag NEEDED | wc -l)"
}

@test "the library has its own name, without a version" {
	equal "soname" "libvfioalign.so" "$(tag SONAME)"
}

@test "the library is linked with relro and now, and has a build-id" {
	matches "program headers" "*GNU_RELRO*" "$(readelf_lines -l)"
	matches "dynamic section" "*NOW*" "$(readelf_lines -d)"
	matches "notes" "*Build ID: [0-9a-f]*" "$(readelf_lines -n)"
}

@test "the library has neither executable stack nor thread-local state" {
	not_sanitized "they have"
	matches "stack" "RW*" "$(readelf_lines -l | awk '$1 == "GNU_STACK" { print $7 }')"
	equal "thread-local" "" "$(readelf_lines -l | awk '$1 == "TLS"')"
}

@test "the library calls neither heap, stdio, threads, getenv nor mremap" {
	not_sanitized "they do"
	local banned='(c|m|re)alloc|free|.*printf|f(open|puts|write)|puts|pthread_.*|getenv|mremap'
	equal "imports" "" "$(nm -D --undefined-only -P "$library" |
		awk '{ sub(/@.*/, "", $1); print $1 }' | grep -Ex "$banned" || true)"
}

@test "the environment is read in one place, which a secure process keeps from it" {
	not_sanitized "they read it"
	local src=${abs_top_srcdir:-${here%/*}}
	equal "imports" secure_getenv "$(nm -D --undefined-only -P "$library" |
		awk '{ sub(/@.*/, "", $1); print $1 }' | grep -iE 'env' || true)"
	equal "calls" 1 "$(cat "$src"/src/*.c | grep -c 'getenv(')"
}

@test "make install leaves the library alone in its directory" {
	local tree=$BATS_TEST_TMPDIR/tree
	make -C "$top" install DESTDIR="$tree" >/dev/null
	equal "files" libvfioalign.so "$(ls -A "$tree$libdir")"
	cmp "$library" "$tree$libdir/libvfioalign.so"
	[[ -x $tree$libdir/libvfioalign.so ]]
	equal "libtool's files" "" "$(find "$tree" -name '*.la')"
	equal "the tests' own" "" "$(find "$tree" -name '*mock*')"
}

@test "the bare name is enough where the dynamic linker looks" {
	VFIOALIGN_PROBE=1 LD_LIBRARY_PATH=$top preload libvfioalign.so "$scenarios"
	matches "answer" "libvfioalign ${PACKAGE_VERSION:-*}" "$output"
}

@test "ldconfig finds the library by its name" {
	local ldconfig tree=$BATS_TEST_TMPDIR
	ldconfig=$(PATH=$PATH:/sbin:/usr/sbin command -v ldconfig) || skip "ldconfig is missing"
	cp "$library" "$tree"
	echo "$tree" >"$tree/conf"
	"$ldconfig" -X -C "$tree/cache" -f "$tree/conf"
	matches "cache" "*libvfioalign.so (libc6*) => $tree/libvfioalign.so*" \
		"$("$ldconfig" -p -C "$tree/cache")"
}

@test "the README has every variable that the library reads and every word that it logs" {
	local src=${abs_top_srcdir:-${here%/*}} names words
	names=$(grep -o '"VFIOALIGN[A-Z_]*"' "$src/src/config.c" | tr -d '"' | sort -u)
	words=$(sed -n 's/.*\[WHY_[A-Z_]*\] = { LOG_[A-Z]*, "\([a-z-]*\)".*/\1/p' "$src/src/report.c")
	[[ $(wc -w <<<"$names") -ge 7 && $(wc -w <<<"$words") -ge 12 ]] || fail "nothing was found" "$names $words"
	for name in $names $words; do
		grep -q "^| \`$name\` |" "$src/README.md" || fail "$name does not stand in README.md"
	done
}
