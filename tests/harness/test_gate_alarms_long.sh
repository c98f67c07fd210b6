#!/bin/bash
# How often the gate fails a build that is the very same binary: over TRIALS gates of one CPU-bound cell, on this machine as it
# is. It may err, but not demonstrably in more than one of twenty: the share's exact 95 % lower bound is at most 5 %.
# usage: test_gate_alarms_long.sh BUILD SOURCE [TRIALS]
set -u
build=$1
trials=${3:-60}
switchyard=$build/switchyard
subject=$build/subjects/subject-serial
[ -x "$switchyard" ] && [ -x "$subject" ] || { echo "not built"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-alarms-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir old
ln -s "$subject" old/subject-serial

declare -A ended=()
for ((i = 1; i <= trials; i++)); do
	# Noise is no excuse here (--force): it is what false alarms are made of.
	timeout 300 "$switchyard" gate --old old -f 'workload:ring placement:same tasks:64 ws_kib:0' \
		--subjects serial,serial@old --rounds 12 --seed $i --force --quiet --out gate >out 2>err
	code=$?
	# On CPUs that are far too busy every round can be void.
	grep -q "has no subject that was measured beside another build" err && code=5
	case $code in
	0 | 1) ;;
	4 | 5) code=5 ;;
	*) echo "FAIL: gate $i exits with $code: $(tail -n 3 out; tail -n 3 err)"; exit 1 ;;
	esac
	ended[$code]=$((${ended[$code]:-0} + 1))
	rm -rf gate
done
# 5: its intervals, or a machine on which nothing can be measured, did not let it judge, which is no alarm and no trial either.
python3 - "${ended[1]:-0}" $((${ended[0]:-0} + ${ended[1]:-0})) "${ended[5]:-0}" <<'END'
import math, sys
hits, n, untrusted = map(int, sys.argv[1:])
def at_least(k, p):
    return sum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k, n + 1))
def bound(reached):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
lower = bound(lambda p: at_least(hits, p) >= 0.025) if hits else 0.0
upper = bound(lambda p: 1 - at_least(hits + 1, p) <= 0.025) if hits < n else 1.0
print(f"{hits} false alarms in {n} gates of identical builds (95 % bounds {100 * lower:.1f} to {100 * upper:.1f} %); "
      f"{untrusted} could not be judged")
if n == 0: # a machine as busy as that says nothing about the gate
    sys.exit(77)
if lower > 0.05:
    sys.exit("FAIL: more false alarms than one in twenty")
END
