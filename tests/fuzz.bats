#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # helpers.bash sets variables
# Bad input: libFuzzer makes bytes up, for ever more of the code to be reached, and AddressSanitizer,
# UndefinedBehaviorSanitizer and the assertions in tests/fuzz say what must not be. tests/fuzz/corpus
# has what it starts from, and each input that once found something.
#
# A hundred thousand inputs each, the same in every run; with VFIOALIGN_LONG=yes three million,
# others each time.
load helpers

setup() {
	src=${abs_top_srcdir:-${here%/*}}
	requires clang "$(command -v clang)"
	compile -o "$BATS_TEST_TMPDIR/none" -x c - <<<'int LLVMFuzzerTestOneInput(void) { return 0; }' \
		2>/dev/null || skip "clang has no libFuzzer: install the package libclang-rt-dev"
}

compile() {
	clang -g -O1 -std=gnu11 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -DPACKAGE_VERSION='"0"' "$@"
}

# fuzzed NAME LONGEST SOURCE... [-- FUNCTION...]: tests/fuzz/NAME.c with these sources, which call
# fuzz_FUNCTION() for each of these functions, on inputs of at most LONGEST bytes
fuzzed() {
	local function name=$1 longest=$2 runs=100000 seed=1 renamed=() sources=() status=0
	shift 2
	if [[ $long == yes ]]; then
		runs=3000000 seed=0
	fi
	while [[ $# -gt 0 && $1 != -- ]]; do
		sources+=("$src/src/$1")
		shift
	done
	for function in "${@:2}"; do
		renamed+=("-D$function=fuzz_$function")
	done
	cd "$BATS_TEST_TMPDIR" || return 1
	compile "${renamed[@]}" -o fuzzer "$src/tests/fuzz/$name.c" "${sources[@]}"
	mkdir found
	# What it finds goes to the first directory; the second is only read.
	ASAN_OPTIONS=quarantine_size_mb=8 ./fuzzer -runs=$runs -seed=$seed -max_len="$longest" -timeout=60 \
		-artifact_prefix=./ found "$src/tests/fuzz/corpus/$name" >log 2>&1 || status=$?
	[[ $status == 0 ]] || fail "status $status" "$(grep -v -E '	(NEW|REDUCE|RELOAD|pulse)|NEW_FUNC' log)"
	# scripts/test sums these lines up.
	echo "# $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' log) inputs fuzzed" >&3
}

@test "no reply about a region, and no link in /proc, leads the library astray" {
	fuzzed region 600 region.c align.c node.c table.c text.c -- readlink
}

@test "whatever the kernel answers, the program has what it would have had and nothing is left over" {
	fuzzed place 300 place.c align.c -- munmap madvise
}

@test "no value of a variable is more than complained of, and files are opened as they should be" {
	fuzzed config 4000 config.c text.c sink.c report.c align.c node.c region.c table.c -- \
		syscall open read close
}

@test "no string breaks a log line or JSON" {
	fuzzed text 2000 text.c
}

@test "no name breaks the terminal or the shell that it is shown to" {
	fuzzed cli 1000 cli/cli.c
}

@test "no /proc and no /sys leads the command astray" {
	fuzzed process 4000 cli/process.c cli/system.c cli/pages.c cli/cli.c align.c node.c -- \
		fopen open read close readlink access opendir readdir closedir
}

@test "no program's bytes and no answer of its loader lead the command astray" {
	fuzzed program 1500 cli/image.c cli/loader.c
}

@test "no line of a report leads the command astray" {
	fuzzed report 1500 cli/report-read.c
}
