#!/bin/bash
# The gate, with fake subjects: a planted slow-down fails it, two equal builds pass, and what cannot be judged says so.
# usage: test_gate.sh BUILD SOURCE
set -u
build=$1
switchyard=$build/switchyard
fake=$build/tests/fake_subject
[ -x "$switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-gate-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir -p tree/subjects tree/plans old
cp "$switchyard" tree/switchyard
for way in aa bb; do ln -s "$fake" "tree/subjects/subject-$way"; done
ln -s "$fake" old/subject-aa
ln -s "$fake" old/subject-cc # this build has none: it stays out
cat >tree/plans/default.json <<'END'
{"schema":"switchyard.plan/1","name":"default","rounds":3,"budget_s":60,"region_ms":10,
 "cells":[{"workload":"fake/once","base":"aa","twin":true},{"workload":"fake/work","params":{"size":[1,2]}}]}
END
S=$work/tree/switchyard
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# expect CODE PATTERN ARGS...: exit code, and text of standard output and error.
expect() {
	local code=$1 pattern=$2 got
	shift 2
	timeout 100 "$S" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$code" ] || fail "switchyard $*: exit code $got, not $code: $(tail -n 5 out; tail -n 5 err)"
	cat out err | grep -qE -- "$pattern" || fail "switchyard $*: says '$(cat out err | tail -9)', not /$pattern/"
}
# measure CODE PATTERN FOLDER ARGS...: the same with --out, up to three times: on busy CPUs most samples can be void (the
# harness itself does not get to run) or disturbed, and too few are left to judge.
measure() {
	local code=$1 pattern=$2 folder=$3 try
	shift 3
	for try in 1 2; do
		timeout 100 "$S" "$@" --out "$folder" >out 2>err </dev/null
		[ $? = "$code" ] && grep -qE -- "$pattern" out && return
		rm -rf "$folder"
	done
	expect "$code" "$pattern" "$@" --out "$folder"
}
# A sleep of 2 ms is no precise work: hence --force and a margin of a half.
G="gate --old old --margin 50% --seed 4 --force --quiet"

# ---- wrong use
expect 2 "gate needs --old" gate
expect 2 "--old nowhere: No such file" gate --old nowhere --quiet
expect 2 "no subject was found in" gate --old tree/plans --quiet
mkdir other && ln -s "$fake" other/subject-cc
expect 2 "no subject in .*/other has the name of one of this build" gate --old other --quiet
expect 2 "--margin is '0'" gate --old old --margin 0
expect 0 "usage: switchyard gate" gate --help
[ -d results ] && fail "wrong use has made a folder"

# ---- two equal builds
measure 0 "Gate passed: no regression was shown twice" equal $G --rounds 24
grep -q "First batch: 3 rows" out || fail "equal: $(cat out)"
[ -s equal/first/report.json ] || fail "the first batch has no report"
grep -q '"exit_code": 0' equal/gate.json || fail "gate.json: $(cat equal/gate.json)"
grep -q '"subject":"cc@old"' equal/first/samples.jsonl && fail "a subject without a namesake was measured"
grep -q '"subject":"aa@old"' equal/first/samples.jsonl || fail "the other build was not measured"
grep -q '"subject":"bb"' equal/first/samples.jsonl || fail "a subject without another build does not run"

# ---- a planted slow-down
touch tree/subjects/subject-aa.planted
measure 1 "Gate failed: both batches show a regression" slow $G --rounds 40 -f workload:once --subjects aa
grep -q "Second batch: 1 rows" out || fail "slow: $(cat out)"
grep -q '"reversed": true' slow/second/run.json || fail "the second batch is not reversed"
grep -q '"exit_code": 1' slow/gate.json || fail "gate.json: $(cat slow/gate.json)"
# Every order of the second batch is that of the first turned round.
order() { # folder, round: subjects by position
	grep '"kind":"timed"' "$1/samples.jsonl" | grep "\"round\":$2,\"attempt\":0," |
		sed -E 's/.*"subject":"([^"]*)","is_twin":(true|false).*"position":([0-9]+).*/\3 \1\2/' | sort -n | cut -d' ' -f2
}
for round in 0 1 5; do
	[ "$(order slow/first $round | tac)" = "$(order slow/second $round)" ] || fail "round $round is not turned round"
done
[ "$(order slow/first 0 | wc -l)" = 3 ] || fail "a round has $(order slow/first 0 | wc -l) samples" # aa, aa@old, a twin

# ---- the other way round it is no regression
mv tree/subjects/subject-aa.planted old/subject-aa.planted
measure 0 "aa: .*FASTER" fast $G --rounds 40 -f workload:once --subjects aa
[ -e fast/second ] && fail "a second batch was measured for nothing"
rm old/subject-aa.planted

# ---- a build that fails where the other does not
cat >broken <<END
#!/bin/sh
[ "\$1" = --run ] && exit 3
exec -a subject-aa "$fake" "\$@"
END
sed -i '1s/sh/bash/' broken
chmod +x broken && mv broken tree/subjects/subject-aa.new && mv -f tree/subjects/subject-aa.new tree/subjects/subject-aa
expect 4 "Gate failed samples: the new build has no sample" $G --rounds 6 --out broken -f workload:once --subjects aa
ln -sf "$fake" tree/subjects/subject-aa

# ---- compare --gate: records first, then both builds side by side
R="run --rounds 40 --seed 5 --quiet -f workload:once --subjects aa"
"$S" $R --out results/one --save-baseline before >/dev/null 2>err || fail "run: $(cat err)"
expect 0 "Gate passed" compare before one --gate 50% --force --quiet
touch tree/subjects/subject-aa.planted
"$S" $R --out results/two >/dev/null 2>err || fail "run: $(cat err)"
measure 1 "Gate failed" again compare before two --gate 50% --force --quiet
grep -q '"old": ".*/results/baselines/before/subjects"' again/run.json || fail "the old side is $(grep '"old"' again/run.json)"
expect 2 "A keeps no binaries to measure again" compare one two --gate 50% --force --quiet
rm tree/subjects/subject-aa.planted
# The records say slower, the binaries do not: not confirmed.
measure 0 "Gate passed" unconfirmed compare before two --gate 50% --force --quiet
expect 2 "--gate is 'x'" compare before two --gate x

exit $failed
