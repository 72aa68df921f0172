#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1003,SC2030,SC2031,SC2154 # a backslash is one; a test is a subshell; helpers.bash sets variables
# "vfioalign run": what the program that it runs gets.
load helpers
load cli

setup_file() {
	"$CC" -o "$BATS_FILE_TMPDIR/program" "$here/cli-program.c"
	"$CC" -shared -fPIC -o "$BATS_FILE_TMPDIR/other.so" -x c /dev/null
	cp "$BATS_FILE_TMPDIR/other.so" "$BATS_FILE_TMPDIR/another.so"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	program=$BATS_FILE_TMPDIR/program
	other=$BATS_FILE_TMPDIR/other.so
	another=$BATS_FILE_TMPDIR/another.so
	# What a sanitized library needs is put before it.
	first=${sanitizer:+$(realpath "$sanitizer"):}
}

# preloaded EXPECTED: the program's LD_PRELOAD, with all links resolved
preloaded() {
	local files
	IFS=: read -r -a files <<<"$(value preload)"
	equal "LD_PRELOAD" "$first$1" "$(realpath -s "${files[@]}" | sed "s|.*/libasan.so.*|${first%:}|" | paste -sd:)"
	equal "library" yes "$(value library)"
}

@test "a program runs with the library beside the command in it" {
	good run "$program"
	preloaded "$library"
}

@test "the library of the install directory is used where none is beside the command" {
	make -C "$top" install DESTDIR="$PWD/tree" >/dev/null
	# What it was installed under is not where it lies: it has to be missed there.
	[[ ! -e $libdir/libvfioalign.so ]] || skip "$libdir has the library"
	command=$(find tree -path "*/bin/vfioalign")
	cp "$library" .
	cli run "$program"
	loudly ended 125
	matches "stderr" "vfioalign run: *libvfioalign.so*$libdir/libvfioalign.so*" "$errors"
}

@test "the library beside the command is found through a link to the command, and from any directory" {
	ln -s "$command" link
	command=$PWD/link good run "$program"
	preloaded "$library"
	PATH=$top:$PATH
	command=vfioalign good run "$program"
	preloaded "$library"
}

@test "a library in the current directory is not used" {
	cp "$library" libvfioalign.so
	good run "$program"
	preloaded "$library"
}

@test "a program runs in the command's own process" {
	echo "exec '$command' run '$program'" >start
	output=$(bash -c 'echo before=$$; exec "$@"' - "$command" run "$program")
	equal "pid" "$(value before)" "$(value pid)"
}

@test "a program's exit status and its death are those of the command" {
	under EXIT_WITH=0 -- good run "$program"
	for code in 1 2 42 125 126 127 255; do
		under EXIT_WITH=$code -- cli run "$program"
		ended $code
	done
	# As the shell has it, of a child that timeout cannot hide.
	status=0
	DIE_OF=15 "$command" run "$program" >/dev/null || status=$?
	equal "status" 143 "$status"
	status=0
	DIE_OF=10 "$command" run "$program" >/dev/null || status=$?
	equal "status" 138 "$status"
}

@test "a signal that was ignored or blocked stays so" {
	output=$(trap '' HUP USR1; "$command" run grep SigIgn /proc/self/status)
	equal "signals" "$(trap '' HUP USR1; grep SigIgn /proc/self/status)" "$output"
}

@test "arguments arrive as they are" {
	good run "$program" "two words" "" --json -n -- $'tab\tand 'quote\' '*'
	equal "arguments" $'two words\n\n--json\n-n\n--\ntab\tand quote\'\n*' "$(value argument)"
	good run -- "$program" --help
	equal "arguments" --help "$(value argument)"
	equal "name" "$program" "$(value name)"
}

@test "a program's name may have spaces, colons and newlines" {
	local name=$'a b:c\nd'
	mkdir "$name"
	cp "$program" "$name/$name"
	good run "./$name/$name"
	preloaded "$library"
	PATH=$PWD/$name:$PATH good run "$name" || :
	good run "$PWD/$name/$name"
	preloaded "$library"
}

@test "a program is looked up in PATH as by a shell, and keeps the name that it was called by" {
	mkdir none some
	cp "$program" some/a-program
	echo >none/a-program
	PATH=none:some:$PATH good run a-program
	preloaded "$library"
	equal "name" a-program "$(value name)"
	cp "$program" a-program
	PATH=:$PATH good run a-program
	preloaded "$library"
}

@test "what LD_PRELOAD had before is kept, in its order and before the library" {
	under LD_PRELOAD="$sanitizer:$other" -- good run "$program"
	preloaded "$other:$library"
	under LD_PRELOAD="$sanitizer:$another:$other" -- good run "$program"
	preloaded "$another:$other:$library"
	under LD_PRELOAD="$sanitizer $another  $other " -- good run "$program"
	preloaded "$another:$other:$library"
}

@test "the library is not preloaded twice, however LD_PRELOAD spells it" {
	ln -s "$library" link.so
	local spelling
	for spelling in "$library" "${library%/*}/./libvfioalign.so" "$PWD/link.so" ./link.so \
		"$(realpath --relative-to=. "$library")" "$library:$library" "$library:./link.so"; do
		# A sanitizer in the command would not have a library of another spelling first.
		under LD_PRELOAD="$sanitizer:$spelling" -- good run "$program"
		preloaded "$library"
		under LD_PRELOAD="$sanitizer:$spelling:$other" -- good run "$program"
		preloaded "$library:$other"
	done
}

@test "a run in a run has the library once" {
	good run "$command" run "$program"
	preloaded "$library"
}

@test "of an LD_PRELOAD that names what cannot be loaded, the loader's complaint is handed on" {
	cli run env LD_PRELOAD=/nonexistent/other.so "$command" run "$program"
	loudly ended 0
	matches "stderr" "*/nonexistent/other.so*" "$errors"
}

# said VARIABLE=VALUE OPTION...: the program's environment has just this of the library's
said() {
	good run "${@:2}" "$program"
	equal "variables" "$1" "$(grep ^VFIOALIGN <<<"$output" | sort | paste -sd' ')"
}

@test "each variable of the library has an option" {
	said ""
	said VFIOALIGN=2M --align=2M
	said VFIOALIGN=misalign --align misalign
	said VFIOALIGN_STEER=off --steer=off
	said VFIOALIGN_RELOCATE=on --relocate=on
	said VFIOALIGN_ONLY=a:b* --only 'a:b*'
	said VFIOALIGN_LOG=error --log=error
	said "VFIOALIGN=off VFIOALIGN_RELOCATE=auto VFIOALIGN_STEER=on" --align=off --steer=on \
		--relocate=auto
}

@test "run has an option for every variable that the library reads, but for its self-probe" {
	local names src=${abs_top_srcdir:-${here%/*}}
	names=$(sed -n 's/.*"\(VFIOALIGN[A-Z_]*\)".*/\1/p' "$src/src/config.c" | sort -u)
	[[ $names ]] || fail "config.c reads no variable?"
	for name in $names; do
		[[ $name == VFIOALIGN_PROBE ]] || grep -q "= \"$name\"" "$src/src/cli/run.c" ||
			fail "run has no option for $name"
	done
}

@test "the values that an option takes are those that the library takes" {
	local option value values tried=0
	while read -r option values; do
		for value in $values; do
			loud=' ' good run "$option$value" "$program"
			equal "$option$value" "" "$errors"
			tried=$((tried + 1))
		done
	done < <("$command" run --long-options | grep '= .')
	equal "number" 14 $tried
}

@test "an option goes before the variable that is set already, and leaves the others" {
	under VFIOALIGN=2M VFIOALIGN_STEER=off -- said "VFIOALIGN=1G VFIOALIGN_STEER=off" --align=1G
}

@test "a value that the library would not take is refused" {
	local bad
	for bad in --align=4G --align= --align=aut --steer=auto --relocate=1 --log=verbose --log=; do
		cli run "$bad" "$program"
		loudly ended 125
		matches "stderr" "vfioalign run: ${bad%%=*}=*: it has to be one of: *" "$errors"
		equal "stdout" "" "$output"
	done
}

@test "a log file's name is made absolute, and lines are written from level info on" {
	said "VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$PWD/log" --log-file log
	said "VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$PWD/log" --log-file "$PWD/log"
	said "VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$PWD/log" --log-file log --log=debug
	under VFIOALIGN_LOG=debug -- said "VFIOALIGN_LOG=debug VFIOALIGN_LOG_FILE=$PWD/log" --log-file log
	under VFIOALIGN_LOG=off -- said "VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$PWD/log" --log-file log
	under VFIOALIGN_LOG= -- said "VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$PWD/log" --log-file log
	said "VFIOALIGN_REPORT=$PWD/report" --report report
}

@test "a log file has the program's lines" {
	under LD_PRELOAD="$sanitizer:$library:$mock" -- good run --log-file "log of %p" "$scenarios" log-map 2 0 4G 0x1000
	equal "log" "vfioalign: scenarios$output, 1G pages, placed: moved to an address congruent to the offset" \
		"$(cat log\ of\ [1-9]*)"
}

@test "%p in a file's name is the program's number, and no other file is made" {
	good run --log-file 'log.%p' --report 'report.%p.%%p' "$program"
	local pid
	pid=$(value pid)
	equal "files" "log.$pid report.$pid.%$pid stderr stdout" "$(echo *)"
	equal "mode" 600 "$(stat -c %a "log.$pid")"
}

@test "a log or report file that cannot be opened ends it before the program runs" {
	mkdir directory
	ln -s stdout link
	mkfifo fifo
	local long option file
	# Cut, it would be a name that can be opened.
	long=$(printf './%.0s' {1..500})
	long=$PWD/$long
	long=${long:0:1000}/$(printf 'x%.0s' {1..200})
	for option in --log-file --report; do
		for file in missing/log directory link fifo "" "$long"; do
			cli run $option="$file" "$program"
			loudly ended 125
			equal "stdout" "" "$output"
			matches "stderr" "vfioalign run: $option: cannot open \"*\": *" "$errors"
		done
	done
	equal "files" "directory fifo link stderr stdout" "$(echo *)"
}

@test "the standard files that are closed stay closed" {
	export SAY_IN=$PWD/said
	local fd
	for fd in 0 1 2; do
		rm -f said
		case $fd in
			0) "$command" run --log-file=log "$program" <&- >out 2>err ;;
			1) "$command" run --log-file=log "$program" </dev/null >&- 2>err ;;
			2) "$command" run --log-file=log "$program" </dev/null >out 2>&- ;;
		esac
		output=$(<said)
		equal "library" yes "$(value library)"
		for i in 0 1 2; do
			equal "fd $i" "$([[ $i == "$fd" ]] && echo closed || echo open)" "$(value fd$i)"
		done
	done
	rm said
	"$command" run "$program" <&- >&- 2>&-
	output=$(<said)
	equal "all" "closed closed closed" "$(value fd0) $(value fd1) $(value fd2)"
	equal "files" "err log out said" "$(echo *)"
	equal "stderr" "" "$(<err)"
}

@test "the program gets no file that the command opened" {
	good run --log-file=log ls /proc/self/fd
	local got=$output
	output=$(timeout "$patience" ls /proc/self/fd </dev/null 2>err)
	equal "files" "$(echo "$output" | grep -cv '^5..$')" "$(echo "$got" | grep -cv '^5..$')"
}

@test "--dry-run prints a command that does the same, and runs nothing" {
	good run --dry-run --align=2M --only="a b" --log-file=log "$program" "two words"
	equal "files" "stderr stdout" "$(echo *)"
	output=$(eval "$output")
	equal "library" yes "$(value library)"
	equal "variables" "VFIOALIGN=2M VFIOALIGN_LOG=info VFIOALIGN_LOG_FILE=$PWD/log VFIOALIGN_ONLY=a b" \
		"$(grep ^VFIOALIGN <<<"$output" | sort | paste -sd' ')"
	equal "arguments" "two words" "$(value argument)"
}

@test "--dry-run quotes what the shell or the terminal would take for something else" {
	# shellcheck disable=SC2016 # the words are as they are
	local words=('$HOME' '' "it's" 'a\b' '*' '~' $'\e[31m\n\x9b\xff' $'\'\\\n$' $'\xe2\x80\xae' --a=b)
	good run --dry-run printf '<%s>' "${words[@]}"
	harmless
	equal "arguments" "$(printf '<%s>' "${words[@]}")" "$(eval "$output")"
}

@test "--dry-run --json says the same in JSON" {
	requires jq "$(type -P jq)"
	under LD_PRELOAD="$sanitizer:$other" -- good run --dry-run --json --align=2M --steer=off "$program" "a b" c
	equal "program" "$program" "$(json '.run[0].program')"
	equal "arguments" "a b,c" "$(json '.run[0].arguments | join(",")')"
	equal "library" "$library" "$(json '.run[0].library')"
	matches "ld_preload" "*$other:$library" "$(json '.run[0].ld_preload')"
	equal "variables" "VFIOALIGN=2M,VFIOALIGN_STEER=off" "$(json '.run[0].variables | join(",")')"
	equal "problem" null "$(json '.run[0].problem')"
	good run --dry-run --json true
	equal "nothing" '[] []' "$(json '.run[0] | [.arguments, .variables][] | tojson' | xargs)"
	good run --dry-run --json "$program" "" 'q"\' $'two\nlines\e' ""
	harmless
	equal "odd arguments" '["","q\"\\","two\\x0alines\\x1b",""]' "$(json '.run[0].arguments | tojson')"
	good run --dry-run --json "$program" ""
	equal "an empty argument" '[""]' "$(json '.run[0].arguments | tojson')"
}

@test "--json without --dry-run is refused" {
	cli run --json "$program"
	loudly ended 125
	matches "stderr" "*--json is for --dry-run*" "$errors"
	equal "stdout" "" "$output"
}

@test "what run does not understand is 125" {
	local bad
	for bad in --nonsense -Z --align "" --log-fil; do
		# shellcheck disable=SC2086 # nothing is one of them
		cli run $bad
		loudly ended 125
		matches "stderr" "vfioalign run: *see vfioalign run --help" "${errors//See/see}"
		equal "stdout" "" "$output"
	done
}

@test "a program that is not there is 127, and one that cannot be run is 126, as env(1) has it" {
	mkdir directory
	echo >not-executable
	mkfifo -m 755 fifo
	printf '#!/nonexistent/interpreter\n' >no-interpreter
	printf '#!%s/directory\n' "$PWD" >directory-interpreter
	printf '#!%s/not-executable\n' "$PWD" >bad-interpreter
	printf '#!%s/loop\n' "$PWD" >loop
	"$CC" -Wl,--dynamic-linker=/nonexistent/ld.so -o no-loader "$here/cli-program.c"
	chmod +x no-interpreter directory-interpreter bad-interpreter loop
	local name code
	for name in missing ./missing ./missing/too "" ./directory ./not-executable ./not-executable/too \
		./fifo ./no-interpreter ./directory-interpreter ./bad-interpreter ./loop ./no-loader; do
		code=0
		env -- "$name" >/dev/null 2>&1 || code=$?
		((code >= 126)) || fail "env $name: $code"
		cli run "$name"
		loudly ended $code
		matches "stderr" "vfioalign run: *cannot run*: *" "$errors"
		cli run --force "$name"
		loudly ended $code
	done
}

@test "a program that is gone or bad of interpreter is named with its interpreter" {
	printf '#!/nonexistent/interpreter\n' >script
	chmod +x script
	cli run ./script
	loudly ended 127
	equal "stderr" "vfioalign run: ./script cannot run, because of its interpreter \
/nonexistent/interpreter: No such file or directory" "$errors"
}

@test "scripts run under the library, with and without #!, and as interpreters of each other" {
	printf '#!%s one\n' "$program" >script
	printf '#!  %s\n' "$program" >spaces
	printf '"%s" "$@"\n' "$program" >plain
	: >empty
	chmod +x script spaces plain empty
	good run ./script two
	preloaded "$library"
	equal "arguments" $'one\n./script\ntwo' "$(value argument)"
	good run ./spaces
	preloaded "$library"
	good run ./plain two
	preloaded "$library"
	good run ./empty
	equal "stdout" "" "$output"
	# As many scripts of scripts as Linux allows.
	local before=$program i
	for i in 1 2 3 4 5 6; do
		printf '#!%s\n' "$before" >script$i
		chmod +x script$i
		before=$PWD/script$i
	done
	./script5 >/dev/null
	good run ./script5
	preloaded "$library"
	cli run ./script6
	loudly ended 126
}

@test "a #! line that Linux finds too long is none" {
	{
		printf '#!'
		printf '/%.0s' {1..300}
		printf 'bin/nonexistent\necho ran\n'
	} >script
	chmod +x script
	equal "by itself" ran "$(./script 2>err)"
	good run ./script
	equal "stdout" ran "$output"
}

@test "what cannot be written is 125" {
	local options
	for options in --help --long-options "--dry-run true" "--dry-run --json true"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$command" run $options >/dev/full 2>err || status=$?
		equal "$options, /dev/full" 125 "$status"
		matches "stderr" "vfioalign run: *No space left on device" "$(<err)"
		status=0
		# shellcheck disable=SC2086
		"$command" run $options >&- 2>err || status=$?
		equal "$options, closed" 125 "$status"
		matches "stderr" "vfioalign run: *Bad file descriptor" "$(<err)"
	done
}
