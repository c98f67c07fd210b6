#!/bin/bash
# What is written is what docs/schemas describe: files that runs write now hold nothing else, committed runs of earlier
# versions are still valid, and the schemas refuse what they should.
# usage: test_schemas.sh BUILD SOURCE
set -u
build=$1
source=$2
fake=$build/tests/fake_subject
[ -x "$build/switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }
python3 -c 'import jsonschema' 2>/dev/null || { echo "python3-jsonschema is not installed"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-schemas-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir -p tree/subjects tree/plans old
cp "$build/switchyard" tree/switchyard
for way in aa bb unsupported tooslow wrongcert crash error state delays fewdelays; do
	ln -s "$fake" "tree/subjects/subject-$way"
done
ln -s "$fake" old/subject-aa
cat >tree/plans/default.json <<'END'
{"schema":"switchyard.plan/1","name":"default","rounds":6,"budget_s":60,"region_ms":10,
 "cells":[{"workload":"fake/once","base":"aa","twin":true,"counted":1},{"workload":"fake/work","params":{"size":[1,2]}},
          {"workload":"fake/state","rounds":2},{"workload":"fake/delay"}]}
END
S=$work/tree/switchyard
failed=0
fail() { echo "FAIL: $*"; failed=1; }

valid() { # flags SCHEMA FILES
	local flags=$1 schema=$2
	shift 2
	"$source/scripts/check_schema" $flags "$source/docs/schemas/$schema.schema.json" "$@" >faults 2>&1 ||
		fail "$schema: $*: $(head -5 faults)"
	[ -s "$1" ] || fail "$schema: $1 is empty"
}
refused() { # PATTERN flags SCHEMA FILE
	local pattern=$1 flags=$2 schema=$3
	"$source/scripts/check_schema" $flags "$source/docs/schemas/$schema.schema.json" "$4" >faults 2>&1 &&
		fail "$schema: $4 is not refused"
	grep -qE -- "$pattern" faults || fail "$schema: $4: says '$(head -3 faults)', not /$pattern/"
}

# ---- what is written now
timeout 100 "$S" run --out run --seed 1 --quiet --knobs aa:speed=2 --subjects aa,aa+speed=3,bb,unsupported,tooslow,wrongcert,crash,error,state,delays,fewdelays \
	--save-baseline kept >out 2>err
[ -s run/report.json ] || { cat out err; exit 1; }
grep -q '"status":"crashed"' run/samples.jsonl || fail "the run has no crash to describe"
timeout 100 "$S" gate --old old --out gate --quiet --force --rounds 6 -f workload:once --margin 90% >out 2>err
"$S" topo --json --probe >topo.json || fail "topo: $(cat err)"
valid --known topology topo.json
"$S" compare kept run --json >compare.json || fail "compare: $(cat err)"
timeout 100 "$S" run --rigorous --seed 1 --quiet -f workload:once --subjects aa,bb --budget 3s --out looks >out 2>err
[ -s looks/report.json ] || fail "--rigorous: $(cat out err)"
for way in level rises; do ln -s "$fake" "tree/subjects/subject-$way"; done
timeout 100 "$S" cross -f workload:work --axis size --between level,rises --range 1:100 --rounds 9 --points 5 --budget 8s \
	--seed 1 --quiet --out crossed >out 2>err
[ -s crossed/report.json ] || fail "cross: $(cat out err)"
valid --known run run/run.json gate/first/run.json looks/run.json crossed/run.json
valid "--known --lines" sample run/samples.jsonl gate/first/samples.jsonl crossed/samples.jsonl
valid --known report run/report.json gate/first/report.json results/baselines/kept/report.json looks/report.json crossed/report.json
valid --known cross crossed/cross.json
valid --known compare compare.json
valid --known gate gate/gate.json
valid --known plan tree/plans/default.json "$source"/harness/plan/plans/*.json
valid "" question "$source"/harness/questions/*.json
"$fake" --describe >describe.json
valid --known describe describe.json

# ---- the selftest, where its subject is built: two trials are enough to be described
selftest=$build/selftest/subject-self
if [ -x "$selftest" ]; then
	mkdir tree/selftest && ln -s "$selftest" tree/selftest/subject-self
	for try in 1 2 3; do # on busy CPUs every round of a trial can be void
		rm -rf tried
		timeout 60 "$S" selftest --trials 2 --rounds 9 --plant 50 --seed $try --quiet --out tried >out 2>err
		[ -s tried/selftest.json ] && break
	done
	[ -s tried/selftest.json ] || fail "selftest: $(cat out err)"
	valid --known selftest tried/selftest.json
	valid --known run tried/run.json
	sed 's/"false_alarms"/"alarms"/' tried/selftest.json >alarms
	refused "sizes/0: " "" selftest alarms
fi

# ---- the models, where they are built: what they describe, and what they say in a sample
for subject in "$build"/subjects/subject-*; do
	[ -x "$subject" ] || continue
	name=$(basename "$subject")
	"$subject" --describe >"describe.$name"
	for kind in timed calibrate; do
		python3 - "$kind" "describe.$name" >talk <<'END'
import json, sys
works = [w for w in json.load(open(sys.argv[2]))["workloads"] if w["offered"] and w["scaling"] == "linear"]
if works:
    w = works[0]
    cell = {"workload": w["name"], "version": w["version"], "ops": 1000, "seed": "00000000000000ff",
            "params": {p["name"]: p["smoke"] for p in w["params"]}}
    print(json.dumps({"cmd": "run", "kind": sys.argv[1], "target_ns": 1000000, "cell": cell}))
    print('{"cmd":"go"}\n{"cmd":"ack"}\n{"cmd":"ack"}')
END
		[ -s talk ] || continue
		timeout 60 "$subject" --run <talk >"said.$name.$kind" 2>err
		grep -q '"msg":"sample"' "said.$name.$kind" || fail "$subject, $kind: $(cat "said.$name.$kind" err)"
	done
done
if compgen -G 'said.*' >/dev/null; then
	valid --known describe describe.subject-*
	valid "--known --lines" message said.*
fi

# Servers, and enough points for the scalability law.
if [ -x "$build/subjects/subject-serial" ] && [ -x "$build/subjects/subject-pthread" ]; then
	cat >servers.json <<'END'
{"schema":"switchyard.plan/1","name":"servers","rounds":2,"budget_s":60,"region_ms":10,
 "cells":[{"workload":"net/echo"},{"workload":"net/http","params":{"load_percent":50}},{"workload":"net/fanout"},{"workload":"net/udp"},
          {"workload":"sync/mutex","params":{"tasks":[1,2,3,4,6,8]}}]}
END
	timeout 200 "$build/switchyard" run --plan ./servers.json --subjects pthread,serial --seed 1 --quiet --out servers >out 2>err
	[ -s servers/report.json ] || fail "servers: $(cat out err)"
	valid --known run servers/run.json
	valid "--known --lines" sample servers/samples.jsonl
	valid --known report servers/report.json
	for key in '"in_flight":' '"lost":' '"knee":'; do
		grep -q "$key" servers/samples.jsonl || fail "no sample has $key"
	done
fi

# ---- what earlier versions wrote, as it is committed
valid --known selftest "$source"/results/reference/*-selftest/*.json
for kept in "$source"/results/reference/*/samples.jsonl.gz; do
	gunzip -c "$kept" >"earlier.$(basename "$(dirname "$kept")").jsonl"
done
valid --lines sample earlier.*.jsonl
valid "" run "$source"/results/reference/*/run.json
valid --known crosscheck "$source"/results/reference/*/{wrk,perf_pipe}.json

# ---- the schemas can refuse
python3 - <<'END'
import json
def write(name, change):
    sample = json.loads(open("run/samples.jsonl").readline())
    change(sample)
    open(name, "w").write(json.dumps(sample) + "\n")
write("nokey", lambda s: s.pop("key"))
write("badstatus", lambda s: s.update(status="fine"))
write("text", lambda s: s["time"].update(process_ns="12"))
write("more", lambda s: s.update(extra=1))
write("nan", lambda s: s["metric"].update(value=float("nan")))
json.dump({"schema": "switchyard.plan/1", "cells": [{"workload": "a/b", "colour": 1}]}, open("plan", "w"))
END
refused "'key' is a required property" --lines sample nokey
refused "'fine' is not one of" --lines sample badstatus
refused "time/process_ns: '12' is not of type 'integer'" --lines sample text
refused "'extra' was unexpected" "--lines --known" sample more
valid --lines sample more # later versions may add keys
refused "NaN is no JSON" --lines sample nan
# Also behind a thousand that are as they should be and as good as the same: check_schema looks at the first of them alone.
head -1 run/samples.jsonl >first
{ yes "$(cat first)" | head -1000; cat nokey badstatus text; } >thousand
refused "thousand line 1001: " --lines sample thousand
for line in 1002 1003; do grep -q "thousand line $line: " faults || fail "line $line of thousand is not refused"; done
python3 - <<'END'
import json
run = json.load(open("run/run.json"))
cells = run["plan"]["cells"]
cells += [dict(cells[-1]) for _ in range(3)]
cells[-1]["counted"] = 1.5
json.dump(run, open("half", "w"))
END
refused "plan/cells/[0-9]+/counted: 1.5 is not of type 'integer'" "" run half
sed 's/"changes"/"change"/' crossed/cross.json >turns
refused "'changes' is a required property" "" cross turns
refused "'colour' was unexpected" "" plan plan
sed 's/"zh"/"xx"/' "$(ls "$source"/harness/questions/*.json | head -1)" >oneword
refused "zh" "" question oneword

exit $failed
