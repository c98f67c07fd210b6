#!/bin/bash
# subject-go answers cells that are wrong as the protocol says, and fills in what a cell may leave out.
# usage: test_subject_go.sh BUILD SOURCE
set -u
subject=$1/subjects/subject-go
[ -x "$subject" ] && [ -x "$1/switchyard" ] || { echo "not built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-go-XXXXXX")
trap 'rm -rf "$work"' EXIT
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# ask CODE PATTERN CELL: what it says first, and the exit code. Everything that a sample waits for is there beforehand.
ask() {
	local got
	printf '{"cmd":"run","kind":"timed"%s}\n{"cmd":"go"}\n{"cmd":"ack"}\n{"cmd":"ack"}\n' "$3" |
		timeout 60 "$subject" --run >"$work/said"
	got=$?
	[ "$got" = "$1" ] || fail "$3: exit code $got, not $1"
	grep -qE -- "$2" "$work/said" || fail "$3: says '$(head -c 300 "$work/said")', not /$2/"
}
wrong() { ask 1 "\"msg\":\"error\",\"why\":\"[^\"]*$1" "$2"; }

wrong "the run has no cell" ""
wrong "there is no workload" ',"cell":{"workload":"no/such","version":1}'
wrong "is wanted in version 7" ',"cell":{"workload":"spawn/flat","version":7}'
wrong "workers is 0" ',"cell":{"workload":"spawn/flat","version":1,"workers":0}'
wrong "the seed must be 16" ',"cell":{"workload":"spawn/flat","version":1,"seed":"ff"}'
wrong "parameter batch of spawn/flat cannot be 0" ',"cell":{"workload":"spawn/flat","version":1,"params":{"batch":0}}'
wrong "cannot be 1.5" ',"cell":{"workload":"spawn/flat","version":1,"params":{"batch":1.5}}'
wrong "parameter leaves of spawn/skynet cannot be 7" ',"cell":{"workload":"spawn/skynet","version":1,"params":{"leaves":7}}'
wrong "has no parameter" ',"cell":{"workload":"spawn/flat","version":1,"params":{"size":1}}'
wrong "not a command" ',"cell":{"workload":"spawn/flat","version":1,"seed":5}'

# Left out is the same as the default; the seed is used.
cell='"workload":"switch/ring","version":1,"ops":6400'
certificate() { grep -o '"cert":{[^}]*}' "$work/said"; }
ask 0 '"msg":"sample"' ",\"cell\":{$cell}"
brief=$(certificate)
ask 0 '"msg":"sample"' ",\"cell\":{$cell,\"workers\":1,\"params\":{\"tasks\":64,\"ws_kib\":0}}"
[ "$brief" = "$(certificate)" ] || fail "defaults give other work: $brief, $(certificate)"
cell="\"workload\":\"disk/mixed\",\"version\":2,\"ops\":400,\"params\":{\"file_mib\":2},\"data_dir\":\"$work\""
ask 0 '"msg":"sample"' ",\"cell\":{$cell}"
brief=$(certificate)
ask 0 '"msg":"sample"' ",\"cell\":{$cell,\"seed\":\"0000000000000000\"}"
[ "$brief" = "$(certificate)" ] || fail "a seed left out gives other work: $brief, $(certificate)"
ask 0 '"msg":"sample"' ",\"cell\":{$cell,\"seed\":\"00000000000000ff\"}"
[ "$brief" = "$(certificate)" ] && fail "the seed makes no difference"

# The release, what the runtime counts of itself in the region, and knobs that change it.
"$subject" --describe | grep -qE '"version":"[0-9]+\.[0-9.]+"' || fail "the release is not told"
alloc='"workload":"memory/alloc","version":1,"ops":100000'
counted() { # NAME: its value in the sample
	grep -m1 "\"msg\":\"sample\"" "$work/said" | grep -o "\"$1\":[0-9.a-z]*" | head -n 1 | cut -d: -f2
}
ask 0 '"msg":"sample"' ",\"cell\":{$alloc}"
[ "$(counted gc_cycles)" -gt 0 ] && [ "$(counted gc_cpu_ns)" -gt 0 ] || fail "a hundred thousand allocations without a collection: $(cat "$work/said")"
[ "$(counted alloc_bytes)" -gt 100000 ] && [ "$(counted threads)" -gt 0 ] && [ "$(counted goroutines)" -gt 0 ] || fail "counts are missing: $(cat "$work/said")"
grep -qE '"stack":\{"bytes":[0-9]+,"grows":true\}' "$work/said" || fail "no stack is told"
ask 0 '"msg":"sample"' ",\"cell\":{$alloc,\"knobs\":\"gogc=off,gomaxprocs=2\"}"
[ "$(counted gc_cycles)" = 0 ] && [ "$(counted gc_pause_max_ns)" = null ] && [ "$(counted heap_goal_bytes)" = null ] || fail "gogc=off collects: $(cat "$work/said")"
grep -q '"knobs":{"gogc":"off","gomaxprocs":"2"}' "$work/said" || fail "knobs are not told: $(cat "$work/said")"
# The warm-up collects, and in the region there is too little to: what was collected before is none of it.
ask 0 '"msg":"sample"' ",\"cell\":{\"workload\":\"memory/alloc\",\"version\":1,\"ops\":10,\"warmup\":true,\"knobs\":\"gogc=300\",\"params\":{\"tasks\":10,\"block_kib\":64,\"reuse\":\"yes\"}}"
[ "$(counted gc_cycles)" != 0 ] || [ "$(counted gc_cpu_ns)" = 0 ] || fail "no collection, and its time is $(counted gc_cpu_ns)"
wrong "there is no knob" ",\"cell\":{$alloc,\"knobs\":\"speed=2\"}"
wrong "the knob gogc cannot be" ",\"cell\":{$alloc,\"knobs\":\"gogc=no\"}"
ask 0 '"msg":"sample"' ",\"cell\":{\"workload\":\"sync/pingpong\",\"version\":1,\"ops\":20000}"
[ "$(counted sched_latencies)" -gt 1000 ] && [ "$(counted sched_latency_p99_ns)" -gt 0 ] || fail "no latencies: $(cat "$work/said")"

# Traced: Go's own trace, and what its scheduler says, are kept beside the record.
(cd "$work" && timeout 60 "$1/switchyard" run -f 'workload:switch/ring kind:traced' --subjects go -p tasks=4 -p ws_kib=0 --placement same \
	--seed 1 --quiet --trace --out run >out 2>&1) || fail "run --trace: $(cat "$work/out")"
trace=$(echo "$work"/run/trace-*.native)
head -c 16 "$trace" | grep -q 'go 1\.' || fail "no execution trace: $(ls "$work/run")"
grep -q '^SCHED [0-9]*ms: gomaxprocs=' "$trace.schedtrace.txt" || fail "no schedtrace"
grep -q '"opens_with":"go tool trace FILE"' "$work/run/samples.jsonl" || fail "the record does not say what opens it"
grep -q 'runtime.s own form. It opens with `go tool trace FILE`' "$work/run/report.md" || fail "the report does not name it"
if python3 -c 'import jsonschema' 2>/dev/null; then
	"$2/scripts/check_schema" --known --lines "$2/docs/schemas/sample.schema.json" "$work/run/samples.jsonl" || fail "samples.jsonl"
	"$2/scripts/check_schema" --known "$2/docs/schemas/report.schema.json" "$work/run/report.json" || fail "report.json"
fi

# The whole protocol.
timeout 300 "$1/switchyard" subject check "$subject" >"$work/checked" 2>&1 || fail "$(grep -v '^ok' "$work/checked")"

exit $failed
