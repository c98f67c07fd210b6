#!/bin/bash
# `switchyard run --simulate-cache`: whole runs under valgrind. What a walk over 4 KiB must miss is known to the line.
# usage: test_simulate.sh BUILD SOURCE
set -u
build=$1
source=$2
S=$build/switchyard
[ -x "$S" ] && [ -x "$build/subjects/subject-serial" ] && [ -x "$build/subjects/subject-gmp" ] || { echo "not built"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-simulate-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# refused PATTERN ARGS...: exit code 2, one sentence, nothing is made. With the programs of $programs.
programs=$PATH
refused() {
	local pattern=$1
	shift
	timeout 60 env PATH="$programs" "$S" run "$@" >out 2>err
	[ $? = 2 ] || fail "run $*: exit code is not 2: $(cat err)"
	grep -qE -- "$pattern" err || fail "run $*: says '$(cat err)', not /$pattern/"
	[ "$(wc -l <err)" = 1 ] && [ ! -s out ] && [ ! -e results ] || fail "run $*: not one sentence and no more"
}

refused "--smoke run measures nothing" --smoke --simulate-cache
refused "--simulate-cache cannot be changed" --resume nowhere --simulate-cache
refused "nothing is selected" -f 'workload:parked kind:simulated' --simulate-cache
if grep -q '^SWITCHYARD_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
	refused "valgrind cannot run its subjects" -f workload:ring --simulate-cache
	exit $failed
fi
programs=/nonexistent
refused "valgrind, which is not on the PATH" -f workload:ring --simulate-cache
SWITCHYARD_SIMULATE_CACHE=1 refused "valgrind, which is not on the PATH" -f workload:ring
printf '#!/bin/sh\nexit 1\n' >valgrind && chmod +x valgrind
programs=$work
refused "is no valgrind" -f workload:ring --simulate-cache
command -v valgrind >/dev/null || { echo "valgrind is not installed: nothing is simulated"; exit $failed; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

simulate() { # OUT ARGS...
	local out=$1
	shift
	timeout 250 "$S" run --simulate-cache --seed 1 --quiet --placement same --out "$out" "$@" >"$out.out" 2>&1 ||
		echo "FAIL: run $*: $(tail -3 "$out.out")" # without its folder all that follows fails
}
simulate many -f 'workload:ring kind:simulated' --subjects serial -p tasks=64 -p ws_kib=16 &
simulate fib -f 'workload:fib kind:simulated' --subjects gmp -p n=22 -p cutoff=20
wait
python3 - <<'END2' || failed=1
import json, sys
def of(run):
    found = json.load(open(run + "/report.json"))["simulated"]
    assert len(found) == 1, found
    return found[0]
def near(what, value, low, high):
    if not low <= value <= high:
        print(f"FAIL: {what} is {value}, not between {low} and {high}")
        sys.exit(1)
many, fib = of("many"), of("fib")
lines = 16 * 1024 / 64 # of 64 tasks: a megabyte goes around, and each visit misses all of its lines, and little else
near("misses of a megabyte", many["per_op"]["d1_misses"]["median"], lines * 0.99, lines * 1.02)
near("instructions per node", many["per_op"]["instructions"]["median"] / lines, 2, 10)
near("references per node", many["per_op"]["data_refs"]["median"] / lines, 1, 4)
near("instructions of fib(22)", fib["per_op"]["instructions"]["median"], 1, 1e7)
assert many["n"] >= 2 and fib["n"] == 1 and many["tool"].startswith("valgrind"), (many, fib)
samples = [json.loads(line) for line in open("many/samples.jsonl")]
assert samples and all(s["kind"] == "simulated" and s["status"] == "ok" for s in samples)
assert all(s["metric"]["value"] is None and s["noise"] is None and s["work"]["ok"] for s in samples), samples[0]
assert [s["ops"] for s in samples[:2]] in ([samples[0]["ops"], 2 * samples[0]["ops"]],)
report = json.load(open("many/report.json"))
assert all(s["median"] is None for c in report["cells"] for s in c["subjects"])
END2
grep -q 'Simulated, not measured' many/report.md || fail "the report does not say that it is simulated"
grep -q '^Simulated, not measured: .* 1 cell and model pairs' many.out || fail "the summary does not tell of it"
grep -q 'no timed samples were asked for' many/report.md || fail "the report does not say why there are no times"
[ -z "$(find many -name 'cachegrind.*')" ] || fail "files of cachegrind are left"
timeout 60 "$S" run --resume many >out 2>err || fail "resume: $(cat err)"
grep -q 'nothing is missing' err || fail "resume of a whole run: $(cat err)"
sed -i '$d' many/samples.jsonl
timeout 60 "$S" run --resume many --dry-run >out 2>err
grep -q '1 simulated' out || fail "resume -n: $(cat out err)"
if python3 -c 'import jsonschema' 2>/dev/null; then
	check=$source/scripts/check_schema
	"$check" --known --lines "$source/docs/schemas/sample.schema.json" fib/samples.jsonl || failed=1
	"$check" --known "$source/docs/schemas/report.schema.json" fib/report.json many/report.json || failed=1
	"$check" --known "$source/docs/schemas/run.schema.json" fib/run.json || failed=1
fi
exit $failed
