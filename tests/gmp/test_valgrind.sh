#!/usr/bin/env bash
# memcheck finds no error and no leak in the runtime, and is not confused by switches: it has been told of every stack
# (san.h). A choice of the programs, those whose Gs are few: memcheck looks a stack up in a list of all that it knows.
# Skipped (77) without valgrind and in builds with sanitizers, which do not go together with it.
set -u
build=$(realpath "$1")
command -v valgrind >/dev/null || { echo 'skipped: valgrind is not installed'; exit 77; }
grep -q '^SWITCHYARD_SANITIZE:STRING=.' "$build/CMakeCache.txt" && { echo 'skipped: a build with sanitizers'; exit 77; }
log=$(mktemp) || exit 1
out=$(mktemp) || exit 1
trap 'rm -f "$log" "$out"' EXIT
failed=0
for name in sched chan mutex rwmutex sema cond wg once unwind; do
	# Without fair scheduling the thread that spins keeps the others from running. The deaths that a test expects are
	# those of processes that it starts by exec; these run natively: the emulator is no emulator.
	TEST_SLOW=1 TEST_EMULATOR=env timeout 100 valgrind --fair-sched=yes --error-exitcode=9 --leak-check=full \
		--log-file="$log" "$build/tests/test-gmp-$name" >"$out" 2>&1
	code=$?
	if grep -q 'unhandled dwarf2 abbrev form' "$log"; then
		echo "skipped: this valgrind cannot read this compiler's debug information"
		exit 77
	fi
	if [ $code -ne 0 ] || ! grep -q 'ERROR SUMMARY: 0 errors' "$log" || grep -q 'client switching stacks' "$log"; then
		echo "FAILED: $name, exit code $code"
		tail -n 40 "$out"
		head -n 100 "$log"
		grep -q 'client switching stacks' "$log" &&
			echo '(was the runtime built before valgrind was installed? then: touch models/gmp/src/san.h)'
		failed=1
	else
		echo "$name: $(sed -nE 's/^==[0-9]+== +total heap usage: //p' "$log")"
	fi
done
exit $failed
