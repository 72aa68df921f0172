#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2001,SC2030,SC2031,SC2154 # sed knows ends of lines; a test is a subshell; helpers.bash sets variables
# The manual and the shell's completion agree with the command.
load helpers
load cli

setup() {
	src=${abs_top_srcdir:-${here%/*}}
	good --long-options
	mapfile -t parts < <(grep -v ^- <<<"$output")
}

@test "the manual has a page for each part, with just the options that there are" {
	local part page
	for part in "${parts[@]}"; do
		page=$src/man/vfioalign-$part.1.scd
		[[ -e $page ]] || fail "$page is missing"
		good "$part" --long-options
		# An option is the start of a line: *-J*, *--json* or *--align*=_HOW_
		equal "$page" "$(sed 's/[= ].*//' <<<"$output" | sort)" \
			"$(sed -n 's/^\(\*-.\*, \)\{0,1\}\*\(--[a-z-]*\)[*=].*/\2/p' "$page" | sort -u)"
	done
}

@test "the manual's main page names each part" {
	local part
	[[ -e $src/man/vfioalign.1.scd ]] || fail "vfioalign.1.scd is missing"
	for part in "${parts[@]}"; do
		grep -q "vfioalign-$part" "$src/man/vfioalign.1.scd" || fail "no vfioalign-$part"
	done
}

@test "the manual has each exit status" {
	local status
	for status in 125 126 127; do
		grep -q "$status" "$src/man/vfioalign-run.1.scd" || fail "run: no $status"
	done
	for part in show check; do
		for status in 0 1 2; do
			grep -Eq "^\**$status\**( |\$)" "$src/man/vfioalign-$part.1.scd" || fail "$part: no $status"
		done
	done
}

# completed WORD...: what bash would complete the last word to
completed() {
	bash -c '
		PATH=$1:$PATH
		. /usr/share/bash-completion/bash_completion
		. "$2"
		shift 2
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
		read -r -a words <<<"$(complete -p vfioalign)"
		for i in "${!words[@]}"; do
			[[ ${words[i]} != -F ]] || "${words[i + 1]}" vfioalign "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
		done
		printf "%s\n" "${COMPREPLY[@]}"' - "$top" "$src/completions/vfioalign" "$@" |
		sed 's/[= ]*$//' | sort
}

@test "completion offers each part and each of its options, as the command tells them" {
	requires bash-completion "$([[ -e /usr/share/bash-completion/bash_completion ]] && echo yes)"
	[[ -e $src/completions/vfioalign ]] || fail "completions/vfioalign is missing"
	good --long-options
	equal "parts" "$(grep -v ^- <<<"$output" | sort)" "$(completed vfioalign "" | grep -v ^-)"
	local part
	for part in "${parts[@]}"; do
		good "$part" --long-options
		equal "$part" "$(sed 's/[= ].*//' <<<"$output" | sort)" "$(completed vfioalign "$part" --)"
	done
}
