#!/bin/bash
# `switchyard subject check`: each rule of the protocol, broken on purpose, gives its own sentence and no other.
# usage: test_subject_check.sh BUILD SOURCE
set -u
build=$1
source=$2
fake=$build/tests/fake_subject
[ -x "$build/switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-check-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir -p tree/subjects
cp "$build/switchyard" tree/switchyard
ln -s "$fake" tree/subjects/subject-serial # what others say of the workloads
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# check WAY: what is broken, one line each, in `out`.
check() {
	ln -sf "$fake" "subject-$1"
	timeout 60 tree/switchyard subject check "subject-$1" --patience 1 >all 2>err
	got=$?
	grep '^FAIL' all >out
	# A busy machine can let the clocks of all the tries disagree; only one of these subjects does so by itself.
	[ "$1" = lies ] || sed -i '/seen: void: the clocks disagree/d' out
	[ -s out ] || got=${got/1/0}
}

check nocertify
[ $got = 0 ] && [ ! -s out ] || fail "what is right is wrong: $(cat out err)"
grep -q '^ok   fake/work is described as others describe it' all || fail "the others are not asked: $(cat all)"

# way | how many rules it breaks | what is said of one of them
while IFS='|' read -r way count pattern; do
	check "$way"
	[ $got = 1 ] || fail "$way: exit code $got: $(cat err)"
	[ "$(wc -l <out)" = "$count" ] || fail "$way: breaks not $count but $(wc -l <out) rules: $(cat out)"
	grep -qE -- "$pattern" out || fail "$way: says '$(cat out)', not /$pattern/"
done <<'END'
silent|1|--describe prints one JSON object .*; seen: .*its --describe is not one JSON object
dies|1|--describe prints one JSON object .*; seen: .*its --describe died of signal 6
baddescribe|1|seen: .*its --describe has no list workloads
badyear|1|seen: .*its year is no year
noversion|1|seen: .*it tells a year, and no version
badlacks|1|seen: .*its lacks: 'mutex' is no family/name
anyusage|1|wrong usage exits 2; seen: exit code 0
deaf|1|the end of its input ends it; seen: it did not end and was killed
deaflater|1|the end of its input ends it with code 1 when it waits for `go`; seen: it did not end and was killed
contented|1|the end of its input ends it with code 1 when it waits for `go`; seen: exit code 0
anycommand|2|a command that is no `run` is answered with error and a non-zero exit; seen: message
anyworkload|1|an unknown workload is answered with error and a non-zero exit; seen: message ready
cheerful|7|a run without a cell is answered with error and a non-zero exit; seen: error, exit code 0
anyversion|1|a version that is not offered is answered with error .*; seen: message ready
anyparam|1|an unknown parameter is answered with error .*; seen: message ready
anyvalue|1|a parameter above its greatest value is answered with error .*; seen: message ready
anytype|1|a parameter of the wrong type is answered with error .*; seen: message ready
strict|1|unknown keys are ignored; seen: an unknown key
badcalibration|1|fake/work: calibration answers with ops and region_ns; seen: no calibration
othermetric|1|fake/work is described as others describe it; seen: its metric is cpu_per_op, not wall_per_op
otherbounds|1|fake/work is described as others describe it; seen: parameter size has other bounds
nomsg|4|fake/work: ready, .*; seen: failed: it said .* where 'ready' was expected
bignumber|3|fake/work: ready, .*; seen: failed: .* said a number that is not below 2\^53
junk|4|fake/work: ready, .*; seen: failed: .* printed what is no message
leave|4|fake/work: ready, .*; seen: failed: it exited with code 0 before it said 'ready'
crash|4|fake/work: ready, .*; seen: crashed: it died of signal 6 .* its last words: fake: about to die
outoforder|4|fake/work: ready, .*; seen: failed: it said .*"end".* where 'ready' was expected
nobegin|3|fake/work: ready, .*; seen: failed: it said .*"sample".* where 'begin' was expected
chatty|3|fake/work: ready, .*; seen: failed: it said .*"progress".* where 'end' was expected
noend|3|fake/work: ready, .*; seen: failed: it exited with code 0 before it said 'end'
lies|1|fake/work with warm-up: ready, .*; seen: void: the clocks disagree
norusage|3|fake/work: end has rusage with user_ns, sys_ns, vcsw, ivcsw; seen: at least one is missing
nocert|3|fake/work: ready, .*; seen: failed: its sample has no certificate
wrongcert|3|fake/work: ready, .*; seen: mismatch: the work done is not
exit3|3|fake/work: ready, .*; seen: failed: it exited with code 3 after its sample
badknob|3|fake/work: knobs, figures, stack and epochs .*; seen: knob threads is no text
badfigure|3|fake/work: knobs, figures, stack and epochs .*; seen: figure jain is no number
badstack|3|fake/work: knobs, figures, stack and epochs .*; seen: stack is neither
warmsodd|3|fake/work: knobs, figures, stack and epochs .*; seen: its epochs are no list
END
exit $failed
