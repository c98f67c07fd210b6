#!/usr/bin/env bash
# The Promela models of models/gmp/spin: each holds in every configuration, with nothing left unsearched, and each of its
# mutants - a barrier, a second look or a compare-and-swap taken away - is rejected. Skipped (77) without spin or gcc.
#
# The verifier of each is some 14000 lines of C, used once: gcc takes longer over most of them than they run, tcc a fortieth
# of that, and what it makes is slower by a fifth. So tcc compiles them where it is installed.
set -u
models=$2/models/gmp/spin
for tool in spin gcc; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done

# model: its configurations, then its mutants, each in the configuration in which it shows ("-": the first one).
table='
wake     - FEW_MS CALLER NURSERY
wake     NO_FENCE_PUBLISHER/- NO_FENCE_IDLE/- NO_RECHECK/- TEST_AND_SET/- PHANTOM/- BATCH/- GLOBAL_ONLY/FEW_MS
wake     NO_FENCE_PUBLISHER/NURSERY NO_FENCE_IDLE/NURSERY NO_RECHECK/NURSERY BATCH/NURSERY UNTOLD/NURSERY
handoff  - BACK
handoff  NO_ID/- EXIT_TEST_AND_STORE/- RETAKE_TEST_AND_STORE/- RELAXED_ENTER/- NO_OLD_CHECK/-
handoff  BACK_TEST_AND_STORE/BACK BACK_UNCOUNTED/BACK
park     - BY_WORD
park     COMMIT_FIRST/- COMMIT_FIRST/BY_WORD RELAXED/- RELAXED/BY_WORD TEST_AND_STORE/BY_WORD IGNORE_REFUSAL/BY_WORD
netpoll  - LISTENER DEADLINE CANCEL
netpoll  NO_FENCE_CLEAR/- NO_FENCE_HUP/- CLEAR_AFTER/- NO_HUP/- TEST_AND_STORE/- NO_OPEN_CHECK/- COUNT_LATE/- NO_WAIT/-
netpoll  LEFT_IDLE/LISTENER LEFT_IDLE/DEADLINE LEFT_IDLE/CANCEL NO_FENCE_EXPIRE/DEADLINE NO_FENCE_RESET/DEADLINE
netpoll  NO_EXPIRED_CHECK/DEADLINE NO_RESET/DEADLINE NO_SECOND_LOOK/DEADLINE NO_WANTED/DEADLINE NO_FENCE_CANCEL/CANCEL
netpoll  NO_CANCEL_CHECK/CANCEL
poller   - FEW_MS CALLER CHANGER
poller   NO_FENCE_WAITER/- NO_FENCE_POLLER/- NO_BREAK_WAITER/- NO_BREAK_IDLE/- RESET_FIRST/- NO_BREAK_HANDOFF/CALLER
poller   NO_LAST_LOOK/FEW_MS NO_WAKE/CHANGER
nursery  - WIDE
nursery  NO_COUNT/- NO_COUNT_STOLEN/- READ_LATE/- STEAL_STORE/- TAKE_STORE/- PUT_STORE/- PUT_EARLY/- STOLEN_EARLY/-
nursery  NOT_EMPTY/-
ring     - WIDE
ring     READ_LATE/- STEAL_STORE/- POP_STORE/- OVERFLOW_STORE/- PUT_EARLY/- STOLEN_EARLY/WIDE NEXT_STORE/-
ring     NEXT_PUT_STORE/-
procs    - WORK STOP
procs    NO_FENCE_CALLER/- NO_FENCE_M/- NO_LOOK_AGAIN/- TEST_AND_STORE/- IDLE_ANYWAY/- NO_DRAIN/- NO_WAKE/- DEAF/STOP
oldest   -
oldest   NO_FENCE/- UNORDERED/- NO_CALL_BACK/-
preempt  -
preempt  UNBLOCK_FIRST/- QUEUE_FIRST/- GIVE_EARLY/- KEEP/- NO_TICK/-
deadlock  -
deadlock  NO_BREAK/- ONLY_LAST/- UNLOCKED/- AT_ONCE/- NO_WAKE/-
lock     -
lock     NO_LIMIT/- LATE_READ/- RELAXED/- TEST_AND_SET/-
mutex    - TWICE
mutex    LEAVE_ANYWAY/- LEAVE_GIVEN/- KEEP_MODE/- KEEP_WOKEN/- ADD/-
files    -
files    NO_FENCE_SUBMIT/- NO_RECHECK/- NO_RECHECK_LEFT/- NO_FENCE_REAP/- TEST_AND_STORE/- TAKE_STORE/- NO_LIMIT/-
'
compile='gcc -O0' # optimizing would take longer than it saves
! command -v tcc >/dev/null || compile=tcc
export models compile
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# Verify model $1 with the macros $2...; the verdict is in the file `out`. False: there is none.
verify() {
	local model=$1 macros=() m
	shift
	for m in "$@"; do
		[ "$m" = - ] || macros+=("-D$m")
	done
	spin -a ${macros[@]+"${macros[@]}"} "$models/$model.pml" >out 2>&1 || return 1
	$compile -w -DSAFETY -DMEMLIM=1500 -o pan pan.c >>out 2>&1 || return 1
	timeout 100 ./pan -m100000 -w22 >out 2>&1 || return 1
	grep -q 'errors: [0-9]' out
}

is_complete() {
	! grep -qiE 'search not completed|max search depth|out of memory|hint: to reduce memory|interrupted' out
}

# One item of the table, in a directory of its own; false, with a sentence and the output, if it is not as it should be.
check() { # model item
	local what="$1 $2" wrong=
	mkdir "$1.${2/\//.}" && cd "$1.${2/\//.}" || return 1
	if [ "${2#*/}" = "$2" ]; then
		if ! verify "$1" "$2"; then
			wrong="no verdict"
		elif ! grep -q 'errors: 0' out; then
			wrong="the property does not hold"
		elif ! is_complete; then
			wrong="not searched to the end"
		else
			echo "$what: holds, $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out) states"
		fi
	elif ! verify "$1" "MUTANT_${2%/*}" "${2#*/}"; then
		wrong="no verdict"
	elif grep -q 'errors: 0' out; then
		wrong="a mutant that is not noticed"
	else
		echo "$what: rejected, $(sed -n 's/^pan:1: *\(.*\) (at depth.*/\1/p' out)"
	fi
	rm -f pan*
	[ -z "$wrong" ] || printf 'FAILED: %s: %s\n%s\n' "$what" "$wrong" "$(tail -n 40 out)"
	[ -z "$wrong" ]
}
export -f verify is_complete check

# Two at a time.
failed=0
while read -r model items; do
	for item in $items; do
		echo "$model $item"
	done
done <<<"$(sed '/^$/d' <<<"$table")" | xargs -P 2 -L 1 bash -c 'check "$@"' check || failed=1

# No mutant that is not tried, no model without a line here.
for file in "$models"/*.pml; do
	model=$(basename "$file" .pml)
	for mutant in $(grep -o 'MUTANT_[A-Z_]*' "$file" | sort -u) MUTANT_; do
		grep -q "^$model .*[ /]${mutant#MUTANT_}" <<<"$table" && continue
		echo "FAILED: $model: $mutant is not in the table"
		failed=1
	done
done
exit $failed
