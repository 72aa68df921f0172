#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2001,SC2030,SC2031,SC2154 # sed knows ends of lines; a test is a subshell; helpers.bash sets variables
# What all of the command's parts have in common: help, errors, the terminal.
load helpers
load cli

parts=(ab bench check run show)
load cli-fixtures

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# failed PART: the status with which it fails
failed() {
	[[ $1 == run ]] && echo 125 || echo 2
}

@test "help is shown on stdout, in lines that fit a terminal" {
	local part
	for part in "" "${parts[@]}"; do
		good ${part:+"$part"} --help
		matches "help" "Usage: vfioalign ${part:-COMMAND} *" "$output"
		narrow
		harmless
		local long=$output
		# shellcheck disable=SC2086 # no word or one
		good $part -h
		equal "-h" "$long" "$output"
	done
}

@test "help tells the exit status of each part" {
	local part
	for part in "${parts[@]}"; do
		good ${part:+"$part"} --help
		matches "help" "*Exit status: *" "$output"
	done
}

@test "help has just the options that there are, with the values that they take" {
	local part line
	for part in "${parts[@]}"; do
		good "$part" --long-options
		local listed=$output
		good ${part:+"$part"} --help
		equal "$part" "$(sed 's/[= ].*//' <<<"$listed" | sort)" \
			"$(sed -n 's/^ \{2,6\}\(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p' <<<"$output" | sort)"
		while read -r line; do
			# An option that takes a value says which.
			if [[ $line == *=* ]]; then
				grep -Eq "^ .*${line%%=*}=[A-Za-z|]+" <<<"$output" || fail "$line" "$output"
			fi
		done <<<"$listed"
	done
	good --long-options
	equal "parts" "${parts[*]}" "$(grep -v ^- <<<"$output" | sort | xargs)"
}

@test "the version is that of the package" {
	good --version
	equal "version" "vfioalign $PACKAGE_VERSION" "$output"
	good -V
	equal "version" "vfioalign $PACKAGE_VERSION" "$output"
}

@test "what is not understood is an error with a hint, on stderr alone" {
	cli
	loudly ended 2
	equal "stderr" "vfioalign: which command? See vfioalign --help" "$errors"
	cli frobnicate
	loudly ended 2
	equal "stderr" "vfioalign: there is no command frobnicate, see vfioalign --help" "$errors"
	cli $'\e[31m\n'
	loudly ended 2
	equal "stderr" 'vfioalign: there is no command \x1b[31m\x0a, see vfioalign --help' "$errors"
	local part
	for part in "${parts[@]}"; do
		for bad in --nonsense -Z --json=yes --help=yes; do
			cli "$part" $bad
			loudly ended "$(failed "$part")"
			equal "stdout" "" "$output"
			matches "stderr" "vfioalign $part: *
vfioalign $part: see vfioalign $part --help" "$errors"
		done
	done
	for bad in --sysroot --device --program; do
		cli check $bad
		loudly ended 2
	done
	cli check surplus
	loudly ended 2
	matches "stderr" "vfioalign check: what is surplus? *" "$errors"
}

@test "what cannot be written is an error, of each part" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	for i in {1..200}; do mapping 1000 $((0x7f0040000000 + i * G * 4)) $((4 * G)) 2 0; done
	local arguments expected
	for arguments in --help --long-options --version "run --help" "show --help" "check --help" \
		"show --long-options" "check --long-options" "show --sysroot root" "show --sysroot root --json" \
		"check --sysroot root" "check --sysroot root --json"; do
		expected=$(failed "${arguments%% *}")
		status=0
		# shellcheck disable=SC2086 # words
		"$command" $arguments >/dev/full 2>err || status=$?
		equal "$arguments, /dev/full" "$expected" "$status"
		matches "$arguments, /dev/full" "vfioalign*: *No space left on device" "$(<err)"
		status=0
		# shellcheck disable=SC2086
		"$command" $arguments >&- 2>err || status=$?
		equal "$arguments, closed" "$expected" "$status"
		matches "$arguments, closed" "vfioalign*: *Bad file descriptor" "$(<err)"
	done
	equal "files" "err root" "$(echo *)"
}

@test "with stdin or stderr closed, the output is the same" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040001000 $((4 * G)) 2 0
	local arguments expected
	for arguments in "run --help" "show --help" "check --help" "show --sysroot root" "show --sysroot root --json" \
		"check --sysroot root" "check --sysroot root --json" "check --program true --sysroot root"; do
		# shellcheck disable=SC2086 # words
		cli $arguments
		expected=$status
		local whole=$output
		status=0
		# shellcheck disable=SC2086
		output=$("$command" $arguments <&-) || status=$?
		equal "$arguments, stdin" "$expected: $whole" "$status: $output"
		status=0
		# shellcheck disable=SC2086
		output=$("$command" $arguments 2>&-) || status=$?
		equal "$arguments, stderr" "$expected: $whole" "$status: $output"
	done
	status=0
	"$command" show --nonsense 2>&- || status=$?
	equal "an error nowhere" 2 "$status"
}

# coloured: has $output escape sequences?
coloured() {
	[[ $output == *$'\e['* ]]
}

@test "colours are for terminals that can, and for who wants them" {
	host 7.3.0
	device 0000:01:00.0 7 vfio-pci "2=$((4 * G))"
	qemu
	mapping 1000 0x7f0040001000 $((4 * G)) 2 0
	local part
	for part in show check; do
		on_terminal $part --sysroot "$root"
		coloured || fail "$part: no colours on a terminal" "$output"
		under NO_COLOR= -- on_terminal $part --sysroot "$root"
		coloured || fail "$part: no colours with an empty NO_COLOR"
		under NO_COLOR=1 -- on_terminal $part --sysroot "$root"
		! coloured || fail "$part: colours with NO_COLOR"
		under TERM=dumb -- on_terminal $part --sysroot "$root"
		! coloured || fail "$part: colours on a dumb terminal"
		under -u TERM -- on_terminal $part --sysroot "$root"
		! coloured || fail "$part: colours without TERM"
		on_terminal $part --sysroot "$root" --json
		! coloured || fail "$part: colours in JSON"
		on_terminal $part --help
		! coloured || fail "$part: colours in --help"
		cli $part --sysroot "$root"
		! coloured || fail "$part: colours in a file"
	done
}

@test "a terminal shows the same as a file, colours aside, and no line is cut or broken" {
	host 6.12.0 never
	device 0000:01:00.0 7 nvme "2=$((4 * G))"
	device 0000:e1:00.0 8 vfio-pci "2=$((512 * G))"
	process 1000 "$(printf 'long-%.0s' {1..20})"
	fd 1000 11 /dev/vfio/8
	fd 1000 12 "$group_fd"
	mapping 1000 0x7e0000001000 $((512 * G - 4096)) 2 0
	mapping 1000 0x7f0000001000 $((128 * G - 4096)) 2 $((128 * G + 4096))
	local arguments
	for arguments in show "check --device 01:00.0" "run --help" "show --help" "check --help"; do
		[[ $arguments == *help ]] || arguments+=" --sysroot root"
		# shellcheck disable=SC2086 # words
		cli $arguments
		local file=$output
		# shellcheck disable=SC2086
		under NO_COLOR=1 -- on_terminal $arguments
		equal "$arguments" "$file" "$(sed 's/ *$//' <<<"$output")"
	done
}

@test "in a wide terminal, lines are as wide" {
	host 7.3.0
	requires script "$(type -P script)"
	output=$(script -qec "stty cols 200 rows 24; NO_COLOR=1 '$command' check --sysroot root" \
		/dev/null </dev/null | tr -d '\r')
	matches "line" "*Linux 7.3.0 maps BARs with huge pages, and DMA-maps them so*" "$output"
	output=$(COLUMNS=200 "$command" check --sysroot root)
	matches "line" "*Linux 7.3.0 maps BARs with huge pages, and DMA-maps them so*" "$output"
}
