#!/usr/bin/env bash
# The include directions hold, and the checker finds a planted violation of each kind.
set -u
source_dir=$2
bash "$source_dir/scripts/check_includes.sh" "$source_dir" || exit 1

plant=$(mktemp -d) || exit 1
trap 'rm -rf "$plant"' EXIT
expect_violation() { # file, include
	mkdir -p "$plant/$(dirname "$1")"
	printf '#include "%s"\n' "$2" >"$plant/$1"
	if bash "$source_dir/scripts/check_includes.sh" "$plant" >"$plant/out"; then
		echo "not found: $1 including $2"
		exit 1
	fi
	grep -q "$1" "$plant/out" || { echo "not named: $1"; exit 1; }
	rm "$plant/$1"
}
mkdir -p "$plant"/{models,harness,workloads}
expect_violation models/gmp/src/x.c harness/base/clock.h
expect_violation models/gmp/src/x.c models/pthread/pt.h
expect_violation models/eventloop/x.c workloads/cpu/fib/fib.h
expect_violation models/reference/x/x.c models/eventloop/ev.h
expect_violation models/reference/x/x.c harness/plan/plan.h
expect_violation models/reference/libuv/bind.h harness/subject/bench.h
expect_violation models/reference/state-threads/bind.h harness/subject/bench.h
expect_violation models/reference/tbb/x.cpp harness/plan/plan.h
expect_violation harness/subject/evented.h models/eventloop/bind.h
expect_violation harness/plan/x.c models/gmp/gr.h
expect_violation harness/measure/x.c gr.h
expect_violation harness/report/x.c workloads/cpu/fib/fib.h
expect_violation harness/cli/x.c harness/subject/bench.h
expect_violation harness/subject/x.c models/gmp/gr.h
expect_violation harness/subject/x.c harness/plan/plan.h
expect_violation harness/base/x.c harness/stats/stats.h
expect_violation workloads/cpu/fib/direct.c models/gmp/gr.h
expect_violation workloads/cpu/fib/direct.c gr.h
mkdir -p "$plant/models/gmp"
: >"$plant/models/gmp/gmp.h"
bash "$source_dir/scripts/check_includes.sh" "$plant" >/dev/null && { echo 'gmp.h not found'; exit 1; }
exit 0
