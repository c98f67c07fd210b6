#!/usr/bin/env bash
# switchyard advise: a run is found, its report asked, the answer told by text, JSON and exit code; wrong use is one sentence.
# usage: test_advise_cli.sh BUILD SOURCE
set -u
S=$(realpath "$1")/switchyard
source=$(realpath "$2")
[ -x "$S" ] || { echo "not built"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-advise-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# expect CODE PATTERN ARGS...: exit code and text (of both streams).
expect() {
	local code=$1 pattern=$2 got
	shift 2
	timeout 60 "$S" advise "$@" >out 2>err </dev/null
	got=$?
	[ $got = "$code" ] || fail "advise $*: exit code $got, not $code: $(tail -3 err)"
	cat out err | grep -qE -- "$pattern" || fail "advise $*: says '$(cat out err | head -12)', not /$pattern/"
}
small="--cpu 10us --wait 5ms --p99 20ms"

# ---- wrong use
expect 2 'advise needs --tasks, --cpu, --wait and --p99'
[ -s out ] && fail "what is wrong goes to standard output"
expect 0 '^usage: switchyard advise' --help
expect 2 '--p99 is missing' --tasks 5 --cpu 5us --wait 5ms
expect 2 "--cpu is '5', it must be a number with its unit" --tasks 5 --cpu 5 --wait 5ms --p99 9ms
expect 2 "--cpu is '-5us'" --tasks 5 --cpu=-5us --wait 5ms --p99 9ms
expect 2 "--tasks is '0'" --tasks 0 $small
expect 2 "--kind is 'disk', it must be" --tasks 5 $small --kind disk
expect 2 'longer than --wait' --tasks 5 --cpu 5us --wait 5ms --p99 5ms "$source/tests/fuzz/corpus/advise/seed.json"
expect 2 'there is no run in results/' --tasks 5 $small
expect 2 'nowhere is not a run' --tasks 5 $small nowhere
expect 2 'one argument at most' --tasks 5 $small a b

# ---- which run: the newest of results/, else a committed one, which is said to be of another machine
made=$source/tests/fuzz/corpus/advise/seed.json
for name in old new; do
	mkdir -p results/reference/$name && cp "$made" results/reference/$name/report.json
done
echo '{"started":"2026-01-01T00:00:00Z","plan":{"name":"default"}}' >results/reference/old/run.json
echo '{"started":"2026-01-02T00:00:00Z","plan":{"name":"default"}}' >results/reference/new/run.json
expect 1 'reference/new/report.json' --tasks 20000 --cpu 50us --wait 5ms --p99 20ms
grep -q 'measured on another machine' out || fail "a reference run is not called one"
expect 1 'reference/old/report.json' --tasks 20000 --cpu 50us --wait 5ms --p99 20ms results/reference/old/report.json

# ---- each answer has its exit code
expect 1 '^Answer: none of them can: gmp: a turn takes at least' --tasks 20000 --cpu 50us --wait 5ms --p99 20ms
grep -qE -- '--tasks +down to [0-9]+ +gmp' out || fail "it does not flip to gmp with fewer tasks: $(cat out)"
expect 0 '^Answer: pthread: it takes at most .* of CPU for a turn, gmp at least' --tasks 50 --cpu 10us --wait 10ms --p99 30ms --kind blocking
grep -q '^Runner-up: gmp$' out || fail "no runner-up: $(cat out)"
grep -q 'block/call in_flight=64 call_us=10000' out || fail "the cells are not named"
expect 0 '^Answer: eventloop: ' --tasks 50 $small --kind timer
expect 5 '^Answer: gmp and eventloop: these two cannot be told apart' --tasks 20 --cpu 50us --wait 5ms --p99 20ms
expect 3 '^switchyard: refused: the run does not support an answer: .*at most 256 calls' --tasks 1000 --cpu 10us --wait 10ms --p99 30ms --kind blocking
[ "$(wc -l <err)" = 1 ] || fail "a refusal is not one sentence: $(cat err)"

# ---- variables, and JSON
SWITCHYARD_TASKS=50 SWITCHYARD_CPU=10us SWITCHYARD_WAIT=5ms SWITCHYARD_P99=20ms SWITCHYARD_KIND=timer expect 0 '^Answer: eventloop: '
expect 0 '"choice": "pthread"' --tasks 50 --cpu 10us --wait 10ms --p99 30ms --kind blocking --json
python3 - <<'END_OF_PYTHON' || failed=1
import json
a = json.load(open("out"))
assert a["schema"] == "switchyard.advise/1" and a["load"]["tasks"] == 50 and a["answer"]["runner_up"] == "gmp"
by = {m["id"]: m for m in a["models"]}
assert by["eventloop"]["fit"] == "fails" and by["pthread"]["why"] is None
assert by["pthread"]["turn_cpu_ns"]["high"] < by["gmp"]["turn_cpu_ns"]["low"]
assert {f["axis"] for f in a["flips"]} == {"tasks", "cpu", "wait", "p99"} and all(f["cells"] for f in a["flips"])
assert all((f["other_from"] / f["same_until"] - 1) ** 2 < 1e-3 for f in a["flips"])
END_OF_PYTHON
if python3 -c 'import jsonschema' 2>/dev/null; then
	cp out chosen.json
	for load in "--tasks 20000 $small" "--tasks 1000 --cpu 10us --wait 10ms --p99 30ms --kind blocking" "--tasks 20 --cpu 50us --wait 5ms --p99 20ms"; do
		"$S" advise $load --json 2>/dev/null >"answer-${#load}.json"
	done
	"$source/scripts/check_schema" --known "$source/docs/schemas/advise.schema.json" chosen.json answer-*.json || fail "not as the schema says"
	sed 's/"verdict"/"judgement"/' chosen.json >doctored.json
	"$source/scripts/check_schema" "$source/docs/schemas/advise.schema.json" doctored.json >/dev/null 2>&1 && fail "the schema refuses nothing"
fi
exit $failed
