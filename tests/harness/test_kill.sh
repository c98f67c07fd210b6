#!/bin/bash
# A run that is killed at any moment, cut at any byte, or stopped by a full disk goes on with no sample lost or doubled, and
# what was there is damaged at no time.
# usage: test_kill.sh BUILD SOURCE [TIMES]
set -u
build=$1
times=${3:-10}
fake=$build/tests/fake_subject
[ -x "$build/switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-kill-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir -p tree/subjects tree/plans
cp "$build/switchyard" tree/switchyard
for way in aa bb unsupported; do ln -s "$fake" "tree/subjects/subject-$way"; done
cat >tree/plans/default.json <<'END'
{"schema":"switchyard.plan/1","name":"default","rounds":2,"budget_s":60,"region_ms":10,
 "cells":[{"workload":"fake/work","base":"aa","twin":true,"counted":1},{"workload":"fake/once"}]}
END
S=$work/tree/switchyard
RANDOM=7 # the moments of the kills are the machine's as well; the cuts are these
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# What must be true of a run that is complete, and of one that is not (`whole` and `part`), and that the lines of the file
# BEFORE, if there is one, are where they were.
cat >check.py <<'END'
import json, os, sys
folder, state, before = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None
run = json.load(open(folder + "/run.json"))
data = open(folder + "/samples.jsonl", "rb").read()
if before:
    kept = open(before, "rb").read()
    kept = kept[:kept.rfind(b"\n") + 1]
    assert data.startswith(kept), "a line that was there has changed"
lines = data.split(b"\n")
torn = lines.pop()
assert state == "part" or not torn, "a complete run has a torn line"
samples = [json.loads(line) for line in lines]
keys = [s["key"] for s in samples]
assert len(keys) == len(set(keys)), "a key is there twice"
# One record of each sample that is planned: those of rounds that were repeated are beside it.
last = {}
for s in samples:
    if s["status"] == "requeued":
        continue
    what = (s["cell"], s["subject"], s["is_twin"], s["kind"], s["round"])
    assert what not in last, f"{what} was measured twice"
    last[what] = s["status"]
assert not set(last.values()) - {"ok", "void", "unsupported"}, f"status {set(last.values())}"
planned = set()
for cell in run["plan"]["cells"]:
    for name in cell["subjects"] + ["twin"] * bool(cell["twin"]):
        twin, subject = name == "twin", cell["twin"] if name == "twin" else name
        if subject == "unsupported":
            continue
        planned |= {(cell["id"], subject, twin, "timed", r) for r in range(cell["rounds"])}
        if not twin:
            planned |= {(cell["id"], subject, False, "counted", r) for r in range(cell["counted"])}
            if cell["scaling"] == "linear":
                planned.add((cell["id"], subject, False, "calibrate", 0))
got = {what for what in last if what[1] != "unsupported"}
assert not got - planned, f"not planned: {got - planned}"
if state == "whole":
    assert not planned - got, f"missing: {planned - got}"
    assert run["complete"] and run["finished"], "the run is not said to be complete"
    assert json.load(open(folder + "/report.json"))["run"]["complete"], "the report is of a run that is not complete"
    for name in "report.md", "report.html", "benchstat.txt":
        assert os.path.getsize(folder + "/" + name), name + " is empty"
    left = [n for n in os.listdir(folder) if n.endswith(".new") or n == "data"]
    assert not left, f"left behind: {left}"
END
check() { python3 check.py "$@" 2>why || fail "$*: $(tail -1 why)"; }

start() { # FOLDER [exec]: a new run, or the same one again; in the place of the shell, so that its pid is the run's
	if [ -e "$1/run.json" ]; then
		${2-} "$S" run --resume "$1" --quiet
	else
		rm -rf "$1" # killed before it was one
		${2-} "$S" run --out "$1" --seed 1 --quiet
	fi >out 2>err
}

finish() { # FOLDER
	start "$1"
	local code=$?
	[ $code = 0 ] || [ $code = 4 ] || fail "$1: going on exits with $code: $(tail -3 err)"
}

# ---- killed: again and again, each time a little into what is left
kills=0 runs=0 grown=0
while [ $kills -lt "$times" ] && [ $failed = 0 ]; do
	runs=$((runs + 1))
	run=r$runs-é # in every sample's notes: a cut can fall into a character
	while [ $kills -lt "$times" ]; do
		cp "$run/samples.jsonl" before 2>/dev/null || : >before
		start "$run" exec &
		shell=$!
		more=$((RANDOM % 5))
		# When so many lines more are there, and a little later; none: at any moment of the start.
		while [ $more -gt 0 ] && kill -0 $shell 2>/dev/null; do
			[ $(($(cat "$run/samples.jsonl" 2>/dev/null | wc -l) - $(wc -l <before))) -ge $more ] && break
			sleep 0.005
		done
		sleep "0.0$(printf %02d $((RANDOM % 60)))"
		if ! kill -KILL $shell 2>/dev/null; then
			wait $shell
			break # it was done before
		fi
		wait $shell 2>/dev/null
		kills=$((kills + 1))
		[ -e "$run/run.json" ] || continue
		[ -e "$run/samples.jsonl" ] || : >"$run/samples.jsonl"
		check "$run" part before
		[ "$(stat -c %s "$run/samples.jsonl")" = "$(stat -c %s before)" ] || grown=$((grown + 1))
		[ $failed = 0 ] || break
	done
	cp "$run/samples.jsonl" before 2>/dev/null || : >before
	finish "$run"
	check "$run" whole before
done
[ $grown -gt 0 ] || fail "no kill came while samples were taken"

# ---- cut: at a byte of a complete run's samples, as a machine that goes down leaves them
cp -r "$run" done
size=$(stat -c %s done/samples.jsonl)
cuts="0 1 $((size - 1)) $(grep -abo é done/samples.jsonl | awk -F: 'NR == 9 {print $1 + 1}') $(grep -abo '^{' done/samples.jsonl | awk -F: 'NR == 5 {print $1}')"
while [ "$(wc -w <<<"$cuts")" -lt "$times" ]; do
	cuts="$cuts $(((RANDOM * 32768 + RANDOM) % size))"
done
for cut in $cuts; do
	rm -rf cut
	cp -r done cut
	truncate -s "$cut" cut/samples.jsonl
	printf '{"half":' >cut/run.json.new # and files that were being written
	printf '{"half":' >cut/report.json.new
	cp cut/samples.jsonl before
	finish cut
	check cut whole before
	[ $failed = 0 ] || { echo "cut at byte $cut of $size"; break; }
done

# ---- a report that is killed while it is written: the old one, or the new one
for ((i = 0; i < times; i++)); do
	"$S" report done >/dev/null 2>&1 &
	sleep "0.0$(printf %02d $((RANDOM % 60)))"
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	python3 -c 'import json; json.load(open("done/report.json"))' || fail "a killed report leaves a damaged one"
done
"$S" report done >/dev/null 2>&1 || fail "no report after killed ones"
check done whole

# ---- no room: a sentence, and the lines that were written stay whole
run_limited() { (ulimit -f "$1"; shift; timeout 100 "$S" "$@" >out 2>err); }
run_limited 16 run --out full --seed 1 --quiet
[ $? = 2 ] || fail "a run without room exits with another code"
grep -q "^switchyard: cannot append to the samples of full: " err || fail "no room: $(cat err)"
[ "$(wc -l <err)" = 1 ] || fail "no room: not one sentence: $(cat err)"
[ "$(tail -c 1 full/samples.jsonl | od -An -c | tr -d ' ')" = '\n' ] || fail "no room: a piece of a line is left"
[ "$(wc -l <full/samples.jsonl)" -gt 2 ] || fail "no room: nothing was written at all"
cp full/samples.jsonl before
check full part before
finish full
check full whole before
run_limited 1 run --out none --seed 1 --quiet
[ $? = 2 ] || fail "no room for run.json: another code"
grep -q "^switchyard: cannot write none/run.json: " err || fail "no room for run.json: $(cat err)"
[ -z "$(ls -A none | grep -v '^samples.jsonl$')" ] || fail "no room for run.json: there is $(ls -A none)"
cp done/report.json kept
run_limited 4 report done
[ $? = 2 ] || fail "no room for a report: another code: $(cat out err)"
grep -q "^switchyard: cannot write done/" err || fail "no room for a report: $(cat err)"
cmp -s kept done/report.json || fail "no room for a report: the old one has changed"
ls done/*.new >/dev/null 2>&1 && fail "no room for a report: there is $(ls done/*.new)"

echo "$kills kills in $runs runs, $grown of them while samples were taken; $(wc -w <<<"$cuts") cuts"
exit $failed
