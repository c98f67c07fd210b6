#!/bin/bash
# `switchyard report --format`: each form is parsed by a reader that is not ours, and holds what the run holds.
# usage: test_formats.sh BUILD SOURCE
set -u
build=$1
fake=$build/tests/fake_subject
[ -x "$build/switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-formats-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir -p tree/subjects tree/plans
cp "$build/switchyard" tree/switchyard
for way in aa bb unsupported crash error wrongcert state delays; do ln -s "$fake" "tree/subjects/subject-$way"; done
cat >tree/plans/default.json <<'END'
{"schema":"switchyard.plan/1","name":"default","rounds":3,"budget_s":60,"region_ms":10,
 "cells":[{"workload":"fake/once","base":"aa","twin":true},{"workload":"fake/work","subjects":["aa","bb"],"params":{"size":[1,2],"mode":"cold"}},
          {"workload":"fake/state","rounds":2},{"workload":"fake/delay"}]}
END
S=$work/tree/switchyard
timeout 100 "$S" run --out run --seed 1 --quiet >out 2>err
[ -s run/report.json ] || { cat out err; exit 1; }
# A reason as foreign subjects may give it.
python3 - <<'END'
import json
lines = open("run/samples.jsonl").read().splitlines()
for i, line in enumerate(lines):
    s = json.loads(line)
    if s["status"] == "crashed":
        s["why"] = 'said "no", <then> & left,\n\twith a line end and \x01'
        lines[i] = json.dumps(s)
open("run/samples.jsonl", "w").write("\n".join(lines) + "\n")
END
for form in csv csv-cells gbench junit benchstat; do
	"$S" report run --format $form >$form 2>err || { echo "FAIL: $form: $(cat err)"; exit 1; }
done
"$S" report run --format xls >out 2>err && { echo "FAIL: xls is a format"; exit 1; }
grep -q "there is no format 'xls'; known are csv" err || { echo "FAIL: $(cat err)"; exit 1; }
python3 - <<'END'
import csv, json, math, xml.etree.ElementTree as ET

def refuse(name):
    raise ValueError(name)

samples = [json.loads(l) for l in open("run/samples.jsonl")]
report = json.load(open("run/report.json"))
want = {}
for s in samples:
    if s["kind"] == "timed" and s["status"] == "ok":
        want.setdefault((s["cell"], s["subject"], s["is_twin"]), []).append(s)

rows = list(csv.DictReader(open("csv", newline="")))
assert len(rows) == len(samples), (len(rows), len(samples))
for row, s in zip(rows, samples):
    assert None not in row and None not in row.values(), row  # as many fields as columns
    assert row["seq"] == str(s["seq"]) and row["cell"] == s["cell"] and row["status"] == s["status"]
    assert row["why"] == (s["why"] or ""), row["why"]
    value = s["metric"]["value"]
    assert (row["value"] == "") if value is None else math.isclose(float(row["value"]), value, rel_tol=1e-8)
    assert row["wall_ns"] == ("" if s["time"]["wall_ns"] is None else str(s["time"]["wall_ns"]))
assert any(r["params"] == "size=2 mode=cold" for r in rows)

rows = list(csv.DictReader(open("csv-cells", newline="")))
assert len(rows) == sum(len(c["subjects"]) for c in report["cells"])
for row in rows:
    n = len(want.get((row["cell"], row["subject"], row["is_twin"] == "true"), []))
    assert int(row["n"]) == n, row
    assert (row["median"] != "") == (n > 0), row

gbench = json.load(open("gbench"), parse_constant=refuse)
runs = [b for b in gbench["benchmarks"] if b["run_type"] == "iteration"]
timed = [s for group in want.values() for s in group if s["metric"]["name"] != "bytes_per_task"]
assert len(runs) == len(timed), (len(runs), len(timed))
assert gbench["context"]["json_schema_version"] == 1 and isinstance(gbench["context"]["num_cpus"], int)
assert len(gbench["context"]["left_out"]) == sum(c["metric"] == "bytes_per_task" for c in report["cells"]) == 1
once = [b for b in runs if b["name"] == "BenchmarkFakeOnce/placement=same/subject=aa"]
assert [b["repetition_index"] for b in once] == list(range(len(once))) and once, once
for b, s in zip(once, sorted(want[("fake/once same w1", "aa", False)], key=lambda s: s["round"])):
    assert b["time_unit"] == "ns" and b["iterations"] == s["work"]["cert"]["ops"]
    assert math.isclose(b["real_time"], s["time"]["wall_ns"] / b["iterations"], rel_tol=1e-8)
for b in gbench["benchmarks"]:
    assert isinstance(b["real_time"], (int, float)) and isinstance(b["name"], str)
assert sum(b.get("aggregate_name") == "median" for b in gbench["benchmarks"]) == len(
    [k for k, v in want.items() if v[0]["metric"]["name"] != "bytes_per_task"])

root = ET.parse("junit").getroot()
cases = root.findall("testsuite/testcase")
assert len(cases) == int(root.get("tests")) == sum(len(c["subjects"]) for c in report["cells"])
assert {s.get("name") for s in root} == {c["workload"] for c in report["cells"]}
by = {c.get("name"): c for c in cases}
assert len(by) == len(cases)
crash = by["fake/once same w1: crash"].find("failure")
assert crash.get("message") == 'said "no", <then> & left,  with a line end and  ', crash.get("message")
assert by["fake/once same w1: wrongcert"].find("failure") is not None
assert "single-threaded" in by["fake/once same w1: unsupported"].find("skipped").get("message")
assert len(by["fake/once same w1: aa"]) == 0 and float(by["fake/once same w1: aa"].get("time")) > 0
assert int(root.get("failures")) == len(root.findall(".//failure")) == sum(int(s.get("failures")) for s in root) > 2
assert int(root.get("skipped")) == len(root.findall(".//skipped")) > 0

lines = [l for l in open("benchstat") if l.startswith("Benchmark")]
assert len(lines) == sum(len(v) for v in want.values())
assert open("benchstat").read() == open("run/benchstat.txt").read()
END
[ $? = 0 ] || { echo "FAIL: a form is not what the run says"; exit 1; }
