#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # helpers.bash sets variables
# What the manual page says against what the sources do.
load helpers

source=${abs_top_srcdir:-${here%/*}}
page=$source/man/libvfioalign.7.scd

@test "the manual page has every variable that the library reads" {
	local names
	names=$(grep -o '"VFIOALIGN[A-Z_]*"' "$source/src/config.c" | tr -d '"' | sort -u)
	equal "variables" "$names" "$(sed -n 's/^\*\(VFIOALIGN[A-Z_]*\)\*=.*/\1/p' "$page" | sort -u)"
}

@test "the manual page has every value that a variable can have" {
	local lists
	lists=$(sed -n 's/^\*VFIOALIGN[A-Z_]*\*=\(_.*|_.*\)/\1/p' "$page" | tr -d _ | sort | xargs)
	equal "values" "0|1 auto|off|1G|2M|misalign auto|on|off off|error|info|debug on|off" "$lists"
	for list in $lists; do
		for value in ${list//|/ }; do
			grep -q "{ \"$value\", " "$source/src/config.c" || fail "$value is none"
		done
	done
}

@test "the manual page has every word that the library logs" {
	local words
	words=$(sed -n 's/.*\[WHY_[A-Z_]*\] = { LOG_\([A-Z]*\), "\([a-z-]*\)".*/\2 \L\1/p' "$source/src/report.c")
	[[ $(wc -l <<<"$words") -ge 12 ]]
	equal "words" "$(sort <<<"$words")" "$(awk '/^# / { on = $2 == "LOG" }
		on && /^\|  / { word = $2; getline; print word, $2 }' "$page" | sort)"
}

# A line for each field of each event: event, field, type.
# shellcheck disable=SC2016 # variables of jq and awk
@test "the manual page has every field of every event, with its type" {
	requires jq "$JQ"
	local schema described
	schema=$("$JQ" -n -r -L "$here" 'include "report-schema";
		events | to_entries[] | .key as $event | .value | to_entries[] |
		"\($event) \(.key) \(.value)"' | sort)
	described=$(awk '
		/^# / { on = $2 == "REPORT"; event = "" }
		on && /^## / { event = $2 == "Fields" ? "all" : $2; if (event != "all") events[event] }
		event && /^\|  / {
			field = $2
			getline type
			sub(/^:  /, "", type)
			if (event != "all")
				print event, field, type
			else
				common[field] = type
		}
		END {
			for (event in events)
				for (field in common)
					print event, field, common[field]
		}' "$page" | sort)
	[[ $(wc -l <<<"$schema") -ge 50 ]]
	equal "fields" "$schema" "$described"
}

@test "the schema has the words that the library can write" {
	requires jq "$JQ"
	local words
	words=$(sed -n 's/.*\[WHY_[A-Z_]*\] = { LOG_[A-Z]*, "\([a-z-]*\)".*/\1/p' "$source/src/report.c")
	equal "outcomes" "$(grep -vx steered <<<"$words" | sort)" \
		"$("$JQ" -n -r -L "$here" 'include "report-schema"; words.outcome[]' | sort)"
}

@test "make install installs the manual page" {
	[[ -e $top/man/libvfioalign.7 || -e $source/man/libvfioalign.7 ]] ||
		skip "scdoc is missing: install the package scdoc"
	make -C "$top" install DESTDIR="$BATS_TEST_TMPDIR/tree" >/dev/null
	local installed
	installed=$(find "$BATS_TEST_TMPDIR/tree" -path '*/man7/libvfioalign.7')
	[[ $installed ]] || fail "it is not there"
	grep -q '^\.TH "libvfioalign" "7"' "$installed"
}
