#!/bin/bash
# The fuzzing driver finds what is planted (self.c), says which input it was, makes the same input again, and finds nothing
# where nothing is planted.
# usage: test_self.sh BUILD SOURCE
set -u
build=$(cd "$1" && pwd)
self=$build/tests/fuzz/fuzz-self
[ -x "$self" ] || { echo "not built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-fuzz-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() { echo "FAIL: $*"; failed=1; }

for way in good crash exit hang growth; do
	mkdir -p corpus/$way
	printf 'workload:ring tasks:>=64\n' >corpus/$way/one
done
self="$self --corpus corpus --limit 1 --memory 20 --seed 3"
$self --only good --inputs 2000 >out 2>err || fail "good: $(cat out err)"
grep -q '2000 inputs.* 0 faults' out || fail "good says: $(cat out)"
declare -A says=([crash]="signal 6" [exit]="exit code 2" [hang]="takes more than 1 s" [growth]="signal 6")
for way in crash exit hang growth; do
	mkdir $way
	$self --only $way --inputs 64 --keep $way >out 2>err && fail "$way is not found"
	grep -q "FAIL: $way: input [0-9]*:* *${says[$way]}" err || fail "$way says: $(cat out err)"
done

# An input that was kept is that input: alone it does it again.
kept=$(ls crash | head -1)
[ -s "crash/$kept" ] || fail "no input of a crash was kept"
("$build/tests/fuzz/fuzz-self" crash "crash/$kept" >out 2>err) 2>/dev/null && fail "the kept input does nothing"
mkdir again
$self --only crash --inputs 64 --keep again >out 2>err
cmp "crash/$kept" "again/$kept" || fail "the same seed makes another input"
$self --only none >out 2>err
[ $? = 2 ] || fail "an unknown target is taken"
exit $failed
