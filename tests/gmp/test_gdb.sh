#!/usr/bin/env bash
# gdb sees goroutines: a running one's back-trace ends at its entry, and models/gmp/gdb/gr.py lists all of them and
# unwinds those that are switched off, in a live process and on core files. Skipped (77) where gdb cannot be used, and in
# builds with sanitizers, whose run-time libraries have frames and stacks of their own.
set -u
build=$(realpath "$1") source=$(realpath "$2")
program=$build/tests/test-gmp-unwind
skip() { echo "skipped: $1"; exit 77; }
command -v gdb >/dev/null || skip 'gdb is not installed'
grep -q '^SWITCHYARD_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip 'a build with sanitizers'
gdb -batch -nx -ex 'python import gdb.unwinder' 2>&1 | grep -q . && skip 'this gdb has no Python'
gdb -batch -nx -ex run "$(command -v true)" 2>&1 | grep -q 'exited normally' || skip 'gdb may not trace a process here'

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { # sentence, output of gdb
	echo "FAILED: $1"
	failed=1
	[ -e "$2.shown" ] || cat "$2"
	: >"$2.shown"
}

# Run the commands in gdb (a line each, on stdin); what they say goes to the file $1. The rest: gdb's arguments.
debug() {
	local out=$1 commands=(-ex 'set width 0' -ex 'set height 0' -ex 'set confirm off') line
	shift
	while IFS= read -r line; do
		commands+=(-ex "echo --- $line\\n" -ex "$line")
	done
	timeout 100 gdb -batch -nx -iex 'set debuginfod enabled off' -ex "source $source/models/gmp/gdb/gr.py" \
		"${commands[@]}" "$@" >"$out" 2>&1
}

# What a command has said: from its heading to the next.
said() { # file, command
	awk -v head="--- $2" '$0 == head { on = 1; next } /^--- / { on = 0 } on' "$1"
}

# The frames of the goroutine of that name in the output of `goroutine all bt`.
frames() { # file, name
	said "$1" 'goroutine all bt' | awk -v name=" $2: " '/^[* ]*[0-9]+ +\[/ { on = index($0, name) > 0 } on && /^#/'
}

# A back-trace (stdin) is whole: the functions, in that order but not only they, the last frame the entry, no complaint.
is_whole() { # functions, innermost first
	local text function
	text=$(sed 's/ gr\.ctx_entry / gr__ctx_entry /') # for want of a language gdb takes the name for Ada's
	grep -qiE 'corrupt|previous frame|stopped|cannot access' <<<"$text" && return 1
	[[ $(tail -n 1 <<<"$text") =~ ' gr__ctx_entry ()' ]] || return 1
	for function; do
		grep -qE "^#[0-9]+ .*\\b$function \\(" <<<"$text" || return 1
		text=$(sed -nE "/^#[0-9]+ .*\\b$function \\(/,\$p" <<<"$text" | tail -n +2)
	done
}

# Everything that holds wherever the picture comes from.
check_all() { # file
	local out=$1 list=$1.list
	said "$out" 'info goroutines' >"$list"
	grep -qE '^\* +[0-9]+  \[running\]  main: .*\(thread [0-9]+\)$' "$list" || fail "$out: main is not running" "$out"
	grep -qE '^ +[0-9]+  \[chan receive(, [0-9]+ ms)?\]  waiter: wait_outer$' "$list" || fail "$out: no waiter" "$out"
	grep -qE '^ +[0-9]+  \[sleep(, [0-9]+ ms)?\] \{naps\}  sleeper: sleep_long$' "$list" || fail "$out: no sleeper" "$out"
	grep -qE '^ +[0-9]+  \[syscall(, [0-9]+ ms)?\]  blocker: block_long  \(thread [0-9]+\)$' "$list" ||
		fail "$out: no blocker" "$out"
	grep -qE '^ +[0-9]+  \[runnable\]  yielder: yield_on$' "$list" || fail "$out: no yielder" "$out"
	grep -qE '^ +[0-9]+  \[runnable\]  fresh: never_run$' "$list" || fail "$out: no fresh one" "$out"
	grep -qE '^ +new  \[runnable, not begun\]  unborn: never_run$' "$list" || fail "$out: no unborn one" "$out"
	[ "$(wc -l <"$list")" -eq 7 ] || fail "$out: there are seven goroutines" "$out"

	frames "$out" main | is_whole stop_here be_looked_at g_main gr__ctx_entry || fail "$out: frames of main" "$out"
	frames "$out" waiter | is_whole wait_inner wait_inner wait_inner wait_outer g_main gr__ctx_entry ||
		fail "$out: frames of waiter" "$out"
	frames "$out" sleeper | is_whole sleep_long g_main gr__ctx_entry || fail "$out: frames of sleeper" "$out"
	frames "$out" blocker | is_whole block_long g_main gr__ctx_entry || fail "$out: frames of blocker" "$out"
	frames "$out" yielder | is_whole yield_on g_main gr__ctx_entry || fail "$out: frames of yielder" "$out"
	frames "$out" fresh | is_whole gr__ctx_entry || fail "$out: frames of fresh" "$out"
}

# ---- a live process, and what gcore makes of it ----
debug live --args "$program" stop <<'END'
set environment GRDEBUG=guard=1
break stop_here
run
bt
info goroutines
goroutine all bt
goroutine 123456789 bt
goroutine
where
generate-core-file gcore
continue
END
check_all live
said live bt | is_whole stop_here be_looked_at g_main gr__ctx_entry || fail 'back-trace of a running goroutine' live
[ "$(said live bt)" = "$(said live where)" ] || fail 'the commands leave something behind' live
said live 'goroutine 123456789 bt' | grep -q 'there is no goroutine 123456789' || fail 'a goroutine that is not there' live
said live goroutine | grep -q 'Usage' || fail 'no argument' live
said live continue | grep -q 'exited normally' || fail 'the process does not go on as before' live
[ -s gcore ] || fail 'gcore' live

look_at_core() { # output, core file
	local waiter fresh above=16 # what gr__ctx_make leaves above the first frame
	[ "$(uname -m)" = aarch64 ] && above=0
	waiter=$(sed -nE 's/^ +([0-9]+)  .*\]  waiter: .*/\1/p' live.list)
	fresh=$(sed -nE 's/^ +([0-9]+)  .*\]  fresh: .*/\1/p' live.list)
	debug "$1" "$program" "$2" <<END
info goroutines
info goroutines sleep
goroutine all bt
goroutine $waiter frame function wait_outer
goroutine $waiter
goroutine $waiter bt full
print \$goroutine($waiter)->id == $waiter
goroutine $fresh print \$goroutine($fresh)->stack_hi - (char *) \$sp
END
	check_all "$1"
	[ "$(said "$1" 'info goroutines sleep' | wc -l)" -eq 1 ] || fail "$1: those with a text" "$1"
	said "$1" "goroutine $waiter frame function wait_outer" | grep -q 'wait_outer (arg=' || fail "$1: another frame" "$1"
	said "$1" "goroutine $waiter" | is_whole wait_inner wait_outer || fail "$1: bt as the default" "$1"
	# What the frames have saved of each other's registers leads to their variables.
	[ "$(said "$1" "goroutine $waiter bt full" | sed -nE 's/^ +local = //p' | xargs)" = '0 1 2' ] ||
		fail "$1: variables" "$1"
	said "$1" "print \$goroutine($waiter)->id == $waiter" | grep -qx '\$[0-9]* = 1' || fail "$1: the function" "$1"
	said "$1" "goroutine $fresh print \$goroutine($fresh)->stack_hi - (char *) \$sp" | grep -qx '\$[0-9]* = '"$above" ||
		fail "$1: the stack pointer of one that has not run" "$1"
}
look_at_core from-gcore gcore

# ---- what the kernel makes of one ----
if [[ $(cat /proc/sys/kernel/core_pattern) == */* || $(cat /proc/sys/kernel/core_pattern) == '|'* ]]; then
	echo 'left out: the kernel writes no core files into the working directory here'
elif ! ulimit -c unlimited 2>/dev/null; then
	echo 'left out: core files are limited here'
else
	mkdir kernel
	(cd kernel && "$program" abort; true) >/dev/null 2>&1
	core=$(find kernel -type f | head -n 1)
	if [ -n "$core" ]; then
		look_at_core from-kernel "$core"
	else
		echo 'left out: the kernel has written no core file'
	fi
fi
exit $failed
