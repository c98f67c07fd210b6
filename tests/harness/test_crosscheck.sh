#!/bin/bash
# scripts/compare_wrk and scripts/compare_perf_pipe: their intervals, what they refuse, and what they write after one short turn.
# Nothing is said of the numbers: other tests run beside this one.
# usage: test_crosscheck.sh BUILD SOURCE
set -u
export BUILD=$1
source=$2
[ -x "$BUILD/subjects/subject-gmp" ] && [ -x "$BUILD/switchyard-loadgen" ] || { echo "not built"; exit 77; }
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-crosscheck-XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# Of 12 ratios the 3rd smallest and the 3rd largest, which hold the median in 1 - 2 * 79 / 4096 of cases; of 5 no interval.
python3 -B - "$source/scripts" <<'END' || fail "the interval"
import sys
sys.path.insert(0, sys.argv[1])
import crosscheck as cc
low, high, level = cc.interval([12, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6])
assert (low, high) == (3, 10) and abs(level - (1 - 158 / 4096)) < 1e-12, (low, high, level)
assert cc.interval([1, 2, 3, 4, 5]) is None and cc.interval([6, 5, 4, 3, 2, 1])[:2] == (1, 6)
order = []
pairs = cc.alternate(3, lambda: order.append("a") or 1, lambda: order.append("b") or (None if len(order) == 4 else 2))
assert order == ["a", "b", "b", "a", "a", "b"] and pairs == [(1, 2)] * 3, (order, pairs)
row = cc.compared("x", "us", [(1, 2), (3, 0), (1, 4)], 3)
assert row["ratio"] == 0.375 and row["interval"] is None and len(row["pairs"]) == 2 and "reason" in row, row
judged = lambda interval: cc.agreement({"interval": interval})
assert [judged(i) for i in ([0.9, 1.1], [0.8, 1.1], [0.5, 0.8], [1.2, 1.4], [1.1, 1.2], None)] == \
    ["agrees", "open", "differs", "differs", "open", "open"]
equal, near = cc.judged(cc.compared("x", "us", [(1, 1)] * 12, 12)), cc.differs(cc.compared("y", "us", [(1, 2)], 1), "why")
assert "they agree within 15%" in cc.tell(equal) and "not equal work: why" in cc.tell(near), (cc.tell(equal), cc.tell(near))
END

# What docs/method.md says of the committed records: of the rows of equal work none differs, and each agrees somewhere.
python3 -B - "$source" <<'END' || fail "the committed records"
import glob, json, sys
sys.path.insert(0, sys.argv[1] + "/scripts")
import crosscheck as cc
found = {}
for path in glob.glob(sys.argv[1] + "/results/reference/crosscheck-*/*.json"):
    record = json.load(open(path))
    for row in record["rows"]:
        of_equal_work = row["below_limit"] if "below_limit" in row else row.get("equal_work", row["what"].endswith("threads"))
        if of_equal_work and not "open loop" in row["what"]:
            found.setdefault((record["name"], row["what"]), []).append(cc.agreement(row))
wrong = [f"{what}: {said}" for what, said in found.items() if "differs" in said or "agrees" not in said]
assert {name for name, _ in found} == {"wrk", "perf_pipe", "perf_messaging", "fio"}, found
assert not wrong, wrong
END

for script in compare_wrk compare_perf_pipe compare_perf_messaging compare_fio compare_sysbench; do
	"$source/scripts/$script" --help >"$work/said"
	grep -q "^usage: $script" "$work/said" || fail "$script --help: $(cat "$work/said")"
	"$source/scripts/$script" --nonsense 2>"$work/said"
	[ $? -eq 2 ] && grep -q 'there is no option --nonsense' "$work/said" || fail "$script takes any option: $(cat "$work/said")"
	TURNS=x "$source/scripts/$script" 2>"$work/said"
	[ $? -eq 2 ] && grep -q 'must be a number' "$work/said" || fail "$script takes any number: $(cat "$work/said")"
done
for script in compare_perf_pipe compare_perf_messaging; do
	"$source/scripts/$script" three 2>"$work/said"
	[ $? -eq 2 ] && grep -q 'there is no placement three' "$work/said" || fail "any placement: $(cat "$work/said")"
done
for script in compare_fio compare_sysbench; do
	"$source/scripts/$script" log-2 2>"$work/said"
	[ $? -eq 2 ] && grep -q 'there is no cell log-2; there are' "$work/said" || fail "any cell: $(cat "$work/said")"
done

export TURNS=1 CPUS="0 $(($(nproc) > 1 ? 1 : 0))"
checked() { # NAME
	[ -s "$work/out/$1.txt" ] || fail "$1.txt is empty"
	"$source/scripts/check_schema" --known "$source/docs/schemas/crosscheck.schema.json" "$work/out/$1.json" >"$work/said" 2>&1
	local got=$?
	[ $got -eq 0 ] || [ $got -eq 77 ] || fail "$1.json: $(cat "$work/said")"
}
if command -v wrk >/dev/null; then
	WRAP= timeout 60 "$source/scripts/compare_wrk" --out "$work/out" gmp >"$work/said" 2>&1 || fail "compare_wrk: $(cat "$work/said")"
	grep -q 'gmp, closed loop, 64 connections, rate: .* ratio' "$work/said" || fail "no ratio: $(cat "$work/said")"
	checked wrk
fi
if perf bench sched pipe -l 1 >/dev/null 2>&1; then
	SECONDS_EACH=0.02 timeout 60 "$source/scripts/compare_perf_pipe" --out "$work/out" one >"$work/said" 2>&1 ||
		fail "compare_perf_pipe: $(cat "$work/said")"
	[ "$(grep -c 'round trip, CPU 0, .* ratio' "$work/said")" = 2 ] || fail "no ratios: $(cat "$work/said")"
	checked perf_pipe
	SECONDS_EACH=0.02 GROUPS_OF_40=1 timeout 60 "$source/scripts/compare_perf_messaging" --out "$work/out" one >"$work/said" 2>&1 ||
		fail "compare_perf_messaging: $(cat "$work/said")"
	[ "$(grep -c 'message, 1 groups, CPU 0, .* ratio' "$work/said")" = 2 ] || fail "no ratios: $(cat "$work/said")"
	checked perf_messaging
fi
# Not every folder lies on a disk.
if command -v fio >/dev/null && ! df -t tmpfs "$work" >/dev/null 2>&1; then
	SECONDS_EACH=0.02 FILE_MIB=4 DATA_DIR=$work timeout 100 "$source/scripts/compare_fio" --out "$work/out" direct-2 warm-1 log-1 >"$work/said" 2>&1 ||
		fail "compare_fio: $(cat "$work/said")"
	[ "$(grep -c ', ratio ' "$work/said")" = 3 ] && grep -q 'not equal work: disk/read checks the CRC' "$work/said" ||
		fail "no ratios: $(cat "$work/said")"
	checked fio
fi
if command -v sysbench >/dev/null; then
	SECONDS_EACH=0.02 timeout 60 "$source/scripts/compare_sysbench" --out "$work/out" mutex-2 threads-2 >"$work/said" 2>&1 ||
		fail "compare_sysbench: $(cat "$work/said")"
	[ "$(grep -c 'not equal work: sysbench' "$work/said")" = 2 ] || fail "no ratios: $(cat "$work/said")"
	checked sysbench
fi
exit $failed
