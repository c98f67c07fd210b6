#!/usr/bin/env bash
# gdb unwinds goroutines that were preempted: from the alternate stack that they have left, through the signal handler, to
# their own frames and to their entry. Skipped (77) where gdb cannot be used, and where nothing is preempted.
set -u
build=$(realpath "$1") source=$(realpath "$2")
skip() { echo "skipped: $1"; exit 77; }
command -v gdb >/dev/null || skip 'gdb is not installed'
grep -q '^SWITCHYARD_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip 'a build with sanitizers'
gdb -batch -nx -ex 'python import gdb.unwinder' 2>&1 | grep -q . && skip 'this gdb has no Python'
gdb -batch -nx -ex run "$(command -v true)" 2>&1 | grep -q 'exited normally' || skip 'gdb may not trace a process here'

# gdb writes names in assembly that clang has made as Ada would: gr.ctx_entry.
# In its second run a sleeper has been served for a second beside four hogs on one P: then somebody waits for the hogs.
out=$(timeout 100 gdb -batch -nx -iex 'set debuginfod enabled off' -ex "source $source/models/gmp/gdb/gr.py" \
	-ex 'break gr_wg_wait' -ex run -ex continue -ex 'goroutine all bt' -ex kill --args "$build/gr-preempt" 1 4 2>&1)
whole=$(awk '/^#/ { text = text $0 "\n"; next } { if (text ~ /on_preempt.*<signal handler called>.*compute_until_over.*gr[_.]+ctx_entry/) n++; text = "" }
	END { if (text ~ /on_preempt.*<signal handler called>.*compute_until_over.*gr[_.]+ctx_entry/) n++; print n + 0 }' <<<"$out")
if [ "$whole" -lt 3 ] || grep -qiE 'corrupt|previous frame|backtrace stopped|cannot access' <<<"$out"; then
	echo "FAILED: $whole whole back-traces of preempted goroutines"
	echo "$out"
	exit 1
fi
echo "$whole whole back-traces"
