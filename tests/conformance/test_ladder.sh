#!/bin/bash
# switch/ladder, rung cross: each thread on a CPU of its own, which takes two CPUs and threads.
# usage: test_ladder.sh BUILD SOURCE
set -u
[ -x "$1/subjects/subject-pthread" ] && [ -x "$1/subjects/subject-gmp" ] || { echo "not built"; exit 77; }
cpus=$(taskset -cp $$ | sed 's/.*: *//')
first=${cpus%%[,-]*}
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# say MODEL TASKSET...: what it answers to 301 operations.
say() {
	local subject=$1/subjects/subject-$2
	shift 2
	printf '{"cmd":"run","kind":"timed","cell":{"workload":"switch/ladder","version":1,"params":{"rung":"cross"},"workers":2,%s}}\n{"cmd":"go"}\n{"cmd":"ack"}\n{"cmd":"ack"}\n' \
		'"ops":301,"seed":"00000000000000ff"' | timeout 60 "$@" "$subject" --run
}

said=$(say "$1" pthread taskset -c "$first")
[[ $said == *'"msg":"unsupported"'*'one CPU'* ]] || fail "with one CPU it says: $said"
said=$(say "$1" gmp)
[[ $said == *'"msg":"unsupported"'*'belong to no CPU'* ]] || fail "goroutines say: $said"
if [ "$cpus" != "$first" ]; then
	said=$(say "$1" pthread)
	# 151 turns of the first and 150 of the second: 151 + 2 * 150 = 0x1c3
	[[ $said == *'"ops":301,'*'"messages":301,'*'"checksum":"00000000000001c3"'* ]] || fail "with two CPUs it says: $said"
fi
exit $failed
