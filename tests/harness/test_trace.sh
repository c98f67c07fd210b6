#!/bin/bash
# `switchyard run --trace`: the file, its record, the pictures in the report, and what becomes of a file that is not the run's.
# usage: test_trace.sh BUILD SOURCE
set -u
build=$1
source=$2
S=$build/switchyard
[ -x "$S" ] && [ -x "$build/subjects/subject-pthread" ] && [ -x "$build/subjects/subject-gmp" ] || { echo "not built"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-trace-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# refused CODE PATTERN ARGS...: that exit code, one sentence.
refused() {
	local code=$1 pattern=$2
	shift 2
	timeout 60 "$S" run "$@" >out 2>err
	[ $? = "$code" ] || fail "run $*: exit code is not $code: $(cat err)"
	grep -qE -- "$pattern" err || fail "run $*: says '$(cat err)', not /$pattern/"
}
refused 2 "--smoke run measures nothing" --smoke --trace
refused 2 "--trace cannot be changed" --resume nowhere --trace
refused 2 "nothing is selected" -f 'workload:parked kind:traced' --trace
refused 2 "nothing is selected" -f 'workload:call kind:traced' --subjects pthread --trace

SWITCHYARD_TRACE=1 timeout 120 "$S" run -f 'workload:call kind:traced' --subjects gmp,pthread -p in_flight=4 -p call_us=1000 -p work=1000 \
	-p settle_ms=0 --placement same --seed 1 --quiet --out run >out 2>err || fail "run: $(cat err)"
python3 - <<'END' || failed=1
import json, hashlib, os
samples = [json.loads(line) for line in open("run/samples.jsonl")]
assert samples and all(s["kind"] == "traced" and s["status"] == "ok" and s["subject"] == "gmp" for s in samples), samples
for s in samples:
    assert s["noise"] is None and s["metric"]["value"] is None and s["work"]["ok"], s
    path = "run/" + s["trace"]["file"]
    data = open(path, "rb").read()
    assert len(data) == s["trace"]["bytes"] and hashlib.sha256(data).hexdigest() == s["trace"]["sha256"], path
    assert any(e["ph"] == "X" for e in json.loads(data)["traceEvents"]), path
report = json.load(open("run/report.json"))
scenes = {scene["what"]: scene for t in report["timelines"] for scene in t["scenes"]}
assert "wake-up" in scenes and "hand-off" in scenes, report["timelines"]
taken, ran = scenes["hand-off"]["after_ns"]
assert 0 < taken <= ran, scenes
html, md = open("run/report.html").read(), open("run/report.md").read()
for scene in scenes.values():
    assert os.path.exists("run/" + scene["svg"]) and scene["svg"] in md, scene
    assert "<desc>" in open("run/" + scene["svg"]).read()
assert html.count('<svg role="img" aria-label="hand-off (') == 1, "the picture is not in the page"
END

copy() { mkdir "$1" && cp -r run/report.* run/plots "$1"; }
copy first
timeout 60 "$S" report run >out 2>&1 || fail "report: $(cat out)"
copy second
diff -r first second >out || fail "the report is another one the second time: $(head -c 300 out)"

file=$(cd run && echo trace-*.json)
echo ' ' >>"run/$file"
timeout 60 "$S" report run >out 2>&1 || fail "report of a changed trace: $(cat out)"
grep -q 'not the file that the run wrote' run/report.md || fail "a changed trace is not told"
grep -q 'timeline-1' run/report.md && fail "a changed trace is drawn"
rm "run/$file"
timeout 60 "$S" report run >out 2>&1 || fail "report without its trace: $(cat out)"
grep -q 'is not drawn: it cannot be read' run/report.md || fail "a missing trace is not told"
sed -i "s|$file|trace-/../../x.json|" run/samples.jsonl
timeout 60 "$S" report run >out 2>&1 || fail "report of another folder's trace: $(cat out)"
grep -q 'names no file of the run' run/report.md || fail "a name that leads out of the folder is not told"

sed -i '$d' run/samples.jsonl
timeout 60 "$S" run --resume run --quiet >out 2>err || fail "resume: $(cat err)"
[ "$(cd run && echo trace-*.json)" = "$file" ] || fail "the trace that was taken again has another name"
if python3 -c 'import jsonschema' 2>/dev/null; then
	check=$source/scripts/check_schema
	"$check" --known --lines "$source/docs/schemas/sample.schema.json" run/samples.jsonl || failed=1
	"$check" --known "$source/docs/schemas/report.schema.json" run/report.json || failed=1
	"$check" --known "$source/docs/schemas/run.schema.json" run/run.json || failed=1
fi
exit $failed
