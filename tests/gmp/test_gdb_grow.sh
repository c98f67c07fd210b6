#!/usr/bin/env bash
# gdb sees through the seams of a stack that has grown: the back-trace of a goroutine that runs, and of one that waits
# (models/gmp/gdb/gr.py), goes on from segment to segment to its entry. Skipped (77) where gdb cannot be used or stacks do not grow.
set -u
build=$(realpath "$1") source=$(realpath "$2")
program=$build/tests/test-gmp-grow
skip() { echo "skipped: $1"; exit 77; }
command -v gdb >/dev/null || skip 'gdb is not installed'
gdb -batch -nx -ex 'python import gdb.unwinder' 2>&1 | grep -q . && skip 'this gdb has no Python'
gdb -batch -nx -ex run "$(command -v true)" 2>&1 | grep -q 'exited normally' || skip 'gdb may not trace a process here'
"$program" stop
[ $? = 77 ] && skip 'stacks do not grow here'

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
fail() { echo "FAILED: $1"; failed=1; }
timeout 100 gdb -batch -nx -iex 'set debuginfod enabled off' -ex "source $source/models/gmp/gdb/gr.py" -ex 'set width 0' \
	-ex 'break stop_here' -ex run -ex 'echo --- bt\n' -ex bt -ex 'echo --- all\n' -ex 'goroutine all bt' \
	-ex 'echo --- end\n' -ex continue --args "$program" stop >"$dir/out" 2>&1
part() { awk -v from="--- $1" '$0 == from { on = 1; next } /^--- / { on = 0 } on' "$dir/out"; }
part bt >"$dir/running"
part all | awk '/^[* ]*[0-9]+ +\[/ { on = index($0, " parked: ") > 0 } on && /^#/' >"$dir/parked"

# Whole: as many frames of the function as there are, seams between them, the entry last, no complaint.
whole() { # file, function, how many, who calls it
	grep -qiE 'corrupt|previous frame|stopped|cannot access' "$1" && fail "$1: gdb complains"
	# A function at a seam has two frames, its body's and that of its first instructions.
	[ "$(grep -cE "^#[0-9]+ .*\b$2 \(depth=" "$1")" -ge "$3" ] || fail "$1: not all frames of $2"
	grep -qE '^#[0-9]+ .*\b__morestack \(' "$1" || fail "$1: no seam"
	grep -qE "^#[0-9]+ .*\b$4 \(" "$1" || fail "$1: no $4"
	tail -n 1 "$1" | grep -q 'gr__ctx_entry ()' || fail "$1: does not end at the entry"
}
whole "$dir/running" run_below 11 run_on_segments
whole "$dir/parked" park_below 21 park_on_segments
grep -q 'exited normally' "$dir/out" || fail 'the process does not go on as before'
[ $failed = 0 ] || cat "$dir/out"
exit $failed
