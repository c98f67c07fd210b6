#!/bin/bash
# The command line: every wrong input gives one sentence and exit code 2; the rest does what its help says.
# usage: test_cli.sh BUILD SOURCE
set -u
build=$1
source=$2
switchyard=$build/switchyard
fake=$build/tests/fake_subject
[ -x "$switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-cli-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"

# The fakes alone: a tree of our own, so that the test does not depend on which subjects are built.
mkdir -p tree/subjects tree/plans more
cp "$switchyard" tree/switchyard
for way in aa bb; do ln -s "$fake" "tree/subjects/subject-$way"; done
cat >tree/plans/default.json <<'END'
{"schema":"switchyard.plan/1","name":"default","rounds":3,"budget_s":60,"region_ms":10,
 "cells":[{"workload":"fake/work","base":"aa","twin":true,"params":{"size":[1,2]},"counted":1}]}
END
mkdir tree/questions
cat >tree/questions/Q01-tiny.json <<'END'
{"schema":"switchyard.question/1","id":"Q01","slug":"tiny","question":{"en":"Is aa bb?","zh":"aa 是 bb 吗？"},"region_ms":10,"budget_s":30,
 "cells":[{"workload":"fake/work","subjects":["aa","bb"],"base":"aa","params":{"size":1}}],
 "places":{"here":{"workload":"fake/work","params":{"size":1}}},
 "values":{"r":{"of":{"ratio":[{"at":"here","subject":"aa"},{"at":"here","subject":"bb"}]},"unit":"x"}},
 "claims":[{"id":"far","value":"r","is":">","than":1000,"en":"aa takes more than {than.far}.","zh":"aa 超过 {than.far}。"}],
 "answer":[[{"when":{"far":"refuted"},"en":"It is, within {r}.","zh":"是，在 {r} 之内。"},{"en":"It is not.","zh":"不是。"}]],
 "figures":[{"workload":"fake/work"}],"caveats":[{"en":"Both are fakes.","zh":"两者都是假的。"}]}
END
S=$work/tree/switchyard
failed=0

fail() { echo "FAIL: $*"; failed=1; }

# expect CODE PATTERN ARGS...: exit code and text (of both streams).
expect() {
	local code=$1 pattern=$2 got
	shift 2
	timeout 60 "$S" "$@" >out 2>err </dev/null
	got=$?
	[[ $got = $code ]] || fail "switchyard $*: exit code $got, not $code: $(tail -3 err)"
	cat out err | grep -qE -- "$pattern" || fail "switchyard $*: says '$(cat out err | tail -5)', not /$pattern/"
}

# wrong PATTERN ARGS...: exit code 2, nothing on standard output, exactly one line on standard error.
wrong() {
	local pattern=$1
	shift
	expect 2 "$pattern" "$@"
	[ -s out ] && fail "switchyard $*: prints to standard output: $(head -2 out)"
	[ "$(wc -l <err)" = 1 ] || fail "switchyard $*: not one sentence but $(wc -l <err) lines"
}

# ---- wrong input
wrong "no command 'lits'; known are list, run" lits
wrong "unknown option '--jsno'" list --jsno
wrong "takes no argument 'ring' \(perhaps -f workload:ring\)" list ring
wrong "unknown key 'colour'; known are workload" list -f colour:red
wrong "unknown option '--round'" run --round 3
wrong "option --rounds needs a value" run --rounds
wrong "option --dry-run takes no value" run --dry-run=1
wrong "option --seed is given twice" run --seed 1 --seed 2
wrong "takes no argument 'work'" run work
wrong "--rounds is '0', it must be a whole number between 1 and 10000" run --rounds 0
wrong "--rounds is 'x'" run --rounds x
wrong "--seed is '-1'" run --seed -1
wrong "--seed is '0xxyz'" run --seed 0xxyz
wrong "--seed is '18446744073709551616'" run --seed 18446744073709551616
wrong "there is no event 'nosuch'" run --events nosuch
wrong "there is no event 'cycles:nosuch'" run --events page-faults,cycles:nosuch
wrong "--data-dir nowhere: No such file" run --data-dir nowhere
wrong "--data-dir .*/tree/switchyard is no folder" run --data-dir "$work/tree/switchyard"
wrong "--knobs 'speed=1' is not of the form SUBJECT:NAME=VALUE" run --knobs speed=1
wrong "--knobs 'aa:speed' is not of the form" run --knobs aa:speed
wrong "--knobs 'aa:speed=' is not of the form" run --knobs aa:speed=
wrong "--knobs: there is no subject 'go'" run --knobs go:speed=1
wrong "aa has no knob 'sped'; it has speed, colour" run --knobs aa:colour=red,sped=1
wrong "no workload matches the filter 'workload:nosuch'" list -f workload:nosuch
wrong "no workload matches the filter" list --json -f workload:nosuch
wrong "--budget is '5x', it must be a time" run --budget 5x
wrong "--budget is '0'" run --budget 0
wrong "there is no plan 'other'" run --plan other
wrong "there is no plan './missing.json'" run --plan ./missing.json
wrong "there is no subject 'go'; found are aa, bb" run --subjects go
wrong "'near' is none of same, smt" run --placement near
wrong "no workload has a parameter 'colour'" run --param colour=1
wrong "is not of the form name=value" run --param size
wrong "between 1 and 100, not 999" run -p size=999
wrong "'ring' is not of the form key:value" run -f ring
wrong "'many' is not a whole number" run -f 'size:>many'
wrong "bad regular expression" run -f 'workload:/(/'
wrong "nothing is selected: no cell of the plan matches the filter 'size:77'" run -f size:77
wrong "--smoke .* takes no --plan" run --smoke --plan default
wrong "--hdr keeps times, and a --smoke run has none" run --smoke --hdr
wrong "nowhere is not a run" run --resume nowhere
for option in --rounds=3 --rigorous --hdr --data-dir=. --knobs=aa:speed=1; do
	wrong "${option%%=*} cannot be changed" run --resume nowhere $option
done
wrong "report takes one argument" report
wrong "nowhere.* " report nowhere
wrong "there is no format 'xls'; known are csv" report --format xls nowhere
wrong "compare takes two arguments" compare nowhere
wrong "nowhere.* " compare nowhere nowhere
wrong "--margin is '5 %', it must be a share such as 5% or 0.05" compare --margin '5 %' nowhere nowhere
wrong "--json and --benchstat are two forms" compare --json --benchstat nowhere nowhere
wrong "--save-baseline is '../x', a name has letters" run --save-baseline ../x
wrong "--save-baseline keeps times" run --smoke --save-baseline x
wrong "doctor takes no argument" doctor now
wrong "usage: switchyard subject check PATH" subject
wrong "there is no file 'nowhere'" subject check nowhere
echo '{"schema":"switchyard.plan/1","cells":[' >torn.json
wrong "torn.json is not JSON: line" run --plan ./torn.json
echo '{"schema":"switchyard.plan/2","cells":[]}' >other.json
wrong "not of schema switchyard.plan/1" run --plan ./other.json
echo '{"schema":"switchyard.plan/1","cells":[{"workload":"fake/wrk"}]}' >wrong.json
wrong "there is no workload 'fake/wrk'; known are" run --plan ./wrong.json
SWITCHYARD_ROUNDS=x wrong "--rounds is 'x'" run
SWITCHYARD_DRY_RUN=yes wrong "SWITCHYARD_DRY_RUN is 'yes', it must be 0 or 1" run
wrong "--rigorous decides by itself" run --rigorous --rounds 9
wrong "--rigorous decides by itself" run --rigorous --smoke
wrong "there is no question 'Q77'; known are Q" run --question Q77
wrong "--question has a plan of its own" run --question Q08 --plan default
wrong "--question has a plan of its own" run --question Q08 --smoke
wrong "names no question" run --question ,
wrong "--question cannot be changed" run --resume nowhere --question Q08
SWITCHYARD_QUESTION_DIR=$work/nowhere wrong "there are no question files in .*nowhere" list --questions
wrong "--filter is about workloads" list --questions -f workload:work
wrong "cross needs --axis and --between" cross -f workload:work --axis size
cross="cross -f workload:work --axis size"
wrong "does not name two different subjects" $cross --between aa
wrong "does not name two different subjects" $cross --between aa,aa
wrong "there is no subject 'go'" $cross --between aa,go
wrong "fake/work has no parameter 'sizes'" cross -f workload:work --axis sizes --between aa,bb
wrong "mode of fake/work is a choice" cross -f workload:work --axis mode -p size=1 --between aa,bb
wrong "differ in more than size: select with" $cross --between aa,bb -p mode=warm,cold
wrong "differ in more than size" cross -f 'workload:work OR workload:once' --axis size --between aa,bb
wrong "--range is '5', it must be two whole numbers" $cross --between aa,bb --range 5
wrong "--range is '9:5'" $cross --between aa,bb --range 9:5
wrong "--range is '0:5'" $cross --between aa,bb --range 0:5
wrong "--range: size is between 1 and 100" $cross --between aa,bb --range 1:101
wrong "intervals that hold for 12 points together take at least 9" $cross --between aa,bb --rounds 8
wrong "cross takes no argument" $cross --between aa,bb work
wrong "--trials is '0'" selftest --trials 0
wrong "--plant is '2,x', it must be up to 15 whole percentages between 1 and 1000" selftest --plant 2,x
wrong "--plant is '0'" selftest --plant 0
wrong "with 4 comparisons in a trial an interval takes at least 8" selftest --rounds 7
wrong "selftest takes no argument" selftest now
wrong "no subject was found in .*tree/selftest" selftest
[ -d results ] && fail "wrong input has made a folder results"
[ -e nowhere ] && fail "a wrong --data-dir has been made"

# ---- help
for command in list run cross report compare gate replay doctor topo selftest subject; do
	expect 0 "usage: switchyard $command" $command --help
	[ -s err ] && fail "$command --help writes to standard error"
done
expect 0 "usage: switchyard COMMAND" --help
expect 2 "usage: switchyard COMMAND"
expect 0 "^switchyard [0-9]" --version

# ---- the machine, and another one
expect 0 "^same w1 " topo
expect 0 "^cross w8 +0,2,4,6,8,10" topo --topology "pack:2 l3:1 core:4 pu:2" --svg machine.svg
grep -q "</svg>" machine.svg || fail "topo --svg has drawn nothing"
expect 0 '"schema": "switchyard.topology/1"' topo --json --workers 2
wrong "hwloc does not understand the topology \"three mice\"" topo --topology "three mice"
wrong "cannot create nowhere/x.svg" topo --svg nowhere/x.svg
wrong "workers is '0'" topo --workers 0
wrong "topo takes no argument" topo here

# ---- list and dry run
expect 0 "size +4 +1..100" list
expect 0 '"name": "fake/work"' list --json
expect 0 "fake/once" list -f workload:once
grep -q fake/work out && fail "list -f lists what does not match"
expect 0 "plan default: 2 cells, 15 timed samples, 4 calibrations, 4 counted samples, about" run --dry-run --seed 5
cp out first
expect 0 "seed ffffffffffffffff" run -n --seed 18446744073709551615
expect 0 "order of the first round \(seed 0000000000000005\)" run -n --seed 5
cmp -s out first || fail "the same seed gives another order"
SWITCHYARD_ROUNDS=7 expect 0 "plan default: 2 cells, 35 timed" run -n
SWITCHYARD_ROUNDS=7 expect 0 "plan default: 2 cells, 10 timed" run -n --rounds 2
expect 0 "1 cells, 9 timed" run -n -f workload:once
expect 0 "fake/work size=9 mode=cold" run -n -p size=9 -p mode=cold -f workload:work -f 'size:9 OR size:1'
expect 0 "1 cells, 9 timed" run -n -f workload:once -p size=999 # no value for a workload that is not selected
expect 0 "2 cells" run -n --events no:tracepoint,cycles --knobs aa:speed=2 # known to be possible, had here or not
expect 0 "600 timed samples, .* at most about" run -n --rigorous
expect 0 "plan q01: 1 cells, 18 timed samples" run -n --question q01
SWITCHYARD_QUESTION=Q01 expect 0 "plan Q01: 1 cells" run -n
expect 0 "^Q01 tiny - Is aa bb\?$" list --questions
expect 0 '"schema": "switchyard.question/1"' list --questions --json
[ -d results ] && fail "a dry run has made a folder results"

# ---- a question, asked and answered
expect '[04]' "plan Q01" run --question Q01 --seed 1 --out asked
grep -q "^### Q01: Is aa bb?" asked/report.md || fail "the report does not ask the question"
grep -q "^switchyard run --question Q01$" asked/report.md || fail "the report does not say how to ask again"
grep -q '"questions": \[$' asked/report.json || fail "report.json has no questions"

# ---- foreign subjects
ln -s "$fake" more/subject-cc
SWITCHYARD_SUBJECTS=$work/more expect 0 "subjects: aa bb cc" list
SWITCHYARD_SUBJECTS=$work/absent expect 0 "warning: $work/absent: cannot be opened" list

# ---- smoke
expect 0 "^4 passed, 0 failed, 0 skipped$" run --smoke --quiet
for way in unsupported wrongcert; do ln -s "$fake" "more/subject-$way"; done
SWITCHYARD_SUBJECTS=$work/more expect 4 "^6 passed, 2 failed, 2 skipped$" run --smoke --quiet
grep -q "wrongcert: mismatch: the work done is not" out || fail "smoke does not say what failed"

# ---- subject check
expect 0 "^ok +fake/work: ready, go, begin" subject check "$fake"
for way in crash exit3 wrongcert; do
	ln -sf "$fake" "$work/subject-$way"
	expect 1 "^FAIL fake/work: ready, go, begin.*; seen: " subject check "$work/subject-$way"
done
ln -sf "$fake" "$work/subject-baddescribe"
expect 1 "^FAIL --describe .*; seen: .*no list workloads" subject check "$work/subject-baddescribe"
expect 1 "^FAIL it is an executable" subject check "$work/torn.json"

# ---- a run, interrupted and gone on with. What a loaded machine makes of the times is not asked here: 0 or 4.
ln -sf "$fake" tree/subjects/subject-slow
mkdir files
SWITCHYARD_KNOBS='aa:speed=2;bb:colour=blue' "$S" run --rounds 1000 --out cut --seed 3 --quiet --data-dir files \
	>out 2>err &
pid=$!
for _ in $(seq 200); do
	[ "$(wc -l 2>/dev/null <cut/samples.jsonl || echo 0)" -ge 8 ] && break
	sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
[ $code = 130 ] || fail "an interrupted run exits with $code"
grep -q "switchyard run --resume cut" err || fail "an interrupted run does not say how to go on: $(cat err)"
[ -z "$(ls files)" ] || fail "the data folder is left behind"
says() { grep -qF -- "$2" "$1" || fail "$1 does not say $2"; }
says cut/run.json "\"path\": \"$work/files/switchyard-"
says cut/run.json '"--knobs",'
says cut/run.json '"sized_for_s": 60.0'
budget=$(sed -n 's/^ *"budget_s": \([0-9]*\)[.].*/\1/p' cut/run.json) # a real number; the plan file has a whole one
[ "$budget" -gt 200 ] || fail "1000 rounds have a budget of $budget s"
says cut/samples.jsonl '"asked":"speed=2"'
says cut/samples.jsonl '"knobs_set":"colour=blue"'
grep -F '"subject":"slow"' cut/samples.jsonl | grep -qvF '"knobs_set":""' && fail "a subject has another's knobs"
lines=$(wc -l <cut/samples.jsonl)
[ "$lines" -ge 8 ] || fail "the interrupted run has only $lines samples"
head -"$lines" cut/samples.jsonl >kept
grep -q '"finished": null' cut/run.json || fail "an interrupted run says that it is finished"
wrong "cut holds a run already \(--resume" run --out cut --quiet
cp cut/run.json run.json
echo 'no sample' >>cut/samples.jsonl
cp cut/samples.jsonl samples.jsonl
expect 0 "^[0-9]+ samples are missing, about [0-9]+ s$" run --resume cut --dry-run
grep -qE "^  fake/work size=1 mode=warm same w1 .*[0-9]+ timed, 3 counted$" out || fail "what is missing: $(cat out)"
cmp -s cut/run.json run.json && cmp -s cut/samples.jsonl samples.jsonl || fail "a dry run has changed the run"
lines=$((lines + 1))
cp samples.jsonl kept
# Variables are for new runs: what the run was started with stays.
SWITCHYARD_ROUNDS=8 SWITCHYARD_KNOBS=aa:speed=3 SWITCHYARD_DATA_DIR=. timeout 100 "$S" run --resume cut --budget 2s \
	--quiet >out 2>err
code=$?
grep -q "warning: cut: samples.jsonl line $lines is ignored" err || fail "a bad line is not told: $(cat err)"
grep -q "warning: about .* s are needed and the budget is 2 s" err || fail "a short budget is not told: $(cat err)"
says cut/run.json '"budget_s": 2.0'
grep -F '"asked":"speed=3"' cut/samples.jsonl && fail "resuming has taken other knobs"
tail -1 cut/samples.jsonl | grep -qF "\"folder\":\"$work/files/switchyard-" || fail "resuming has taken another data folder"
[ $code = 0 ] || [ $code = 4 ] || fail "the resumed run exits with $code: $(tail -3 err)"
head -"$lines" cut/samples.jsonl | cmp -s - kept || fail "resuming has changed what was there"
[ "$(wc -l <cut/samples.jsonl)" -gt "$lines" ] || fail "resuming has added nothing"
[ -s cut/report.json ] || fail "there is no report"
[ "$(grep -o '"key":"[0-9a-f]*"' cut/samples.jsonl | sort | uniq -d | wc -l)" = 0 ] || fail "a key is there twice"
grep -qE '"finished": "20' cut/run.json || fail "the run is not finished"
expect 0 "Report: cut/report.html" report cut

# ---- a subject beside itself with other settings; what --knobs gives the model, its variants have too
expect "[04]" "" run -f workload:once --subjects aa,aa+speed=3 --knobs aa:colour=blue --rounds 1 --out beside --quiet
says beside/run.json '"id": "aa+speed=3"'
grep -F '"subject":"aa+speed=3"' beside/samples.jsonl | grep -qF '"knobs_set":"colour=blue,speed=3"' ||
	fail "a variant does not have its settings"
grep -F '"subject":"aa"' beside/samples.jsonl | grep -F '"kind":"timed"' | grep -qF '"knobs_set":"colour=blue"' ||
	fail "the model beside its variant has other settings"
wrong "aa has no knob 'sped'; it has speed, colour" run --subjects aa,aa+sped=3
wrong "there is no subject 'go\+speed=3'; found are" run --subjects go+speed=3

# ---- where two change places: one's cost grows with size and reaches the other's at 20. A loaded machine may void some.
for way in level rises; do ln -sf "$fake" "more/subject-$way"; done
SWITCHYARD_SUBJECTS=$work/more expect "[04]" "rises needs less below size = |none is ruled out" cross -f workload:work \
	--axis size --between level,rises --range 1:100 --rounds 14 --points 8 --out crossed --quiet --seed 1
# member FILE NAME: the number that the first member of this name has.
member() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1" | tail -1; }
between() { awk -v low="$2" -v v="$1" -v high="$3" 'BEGIN { exit !(v != "" && low <= v + 0 && v + 0 <= high) }'; }
# Without nine pairs a point has no interval, and nothing can be asked of it: the machine has voided the rest.
thin() { grep -qE '"n_pairs": [0-8],$' "$1"; }
if ! thin crossed/cross.json; then
	between "$(member crossed/cross.json at)" 17 23.5 || fail "they cross at 20, not at $(member crossed/cross.json at)"
	between "$(member crossed/cross.json ci_low)" 10 "$(member crossed/cross.json at)" || fail "$(cat crossed/cross.json)"
	between "$(member crossed/cross.json ci_high)" "$(member crossed/cross.json at)" 40 || fail "$(cat crossed/cross.json)"
	says crossed/cross.json '"crosses": true'
	says crossed/cross.json '"needs_less_below": "rises"'
fi
says crossed/run.json '"cross",'
[ "$(grep -c '"value": [0-9]*,$' crossed/cross.json)" -le 9 ] || fail "more points than asked for"
SWITCHYARD_SUBJECTS=$work/more expect 0 "nothing is missing in crossed" run --resume crossed --quiet
ln -sf "$fake" more/subject-slow
SWITCHYARD_SUBJECTS=$work/more expect "[04]" "They do not cross between 1 and 3: aa needs less at both|none is ruled out" cross \
	-f workload:work --axis size --between slow,aa --range 1:3 --rounds 14 --points 5 --out apart --quiet
thin apart/cross.json || says apart/cross.json '"crosses": false'
SWITCHYARD_SUBJECTS=$work/more expect "[04]" '"crosses": ' cross -f workload:work --axis size --between level,rises \
	--rounds 60 --budget 1s --out stopped --quiet --json
says out '"complete": false'
rm more/subject-slow

# ---- selftest: what doubles the work is found, or the machine is too busy to say anything; no other command sees its subject
mkdir tree/selftest
ln -s "$build/selftest/subject-self" tree/selftest/
expect "[0-4]" '"schema": "switchyard.selftest/1"' selftest --trials 3 --rounds 8 --plant 100 --out self --quiet --json --seed 1
# verdicts SIZE: how many trials of the size have which verdict, as "NAME": N words.
verdicts() { awk -v size="$1" '/"slow_permille"/ { on = $0 ~ ": " size ",$" } on && /"[A-Z]+": / { gsub(/[",:]/, ""); print $1, $2 }' self/selftest.json; }
doubled=$(verdicts 1000)
[ "$(wc -l <<<"$doubled")" = 5 ] || fail "no verdicts on the doubled work: $(cat self/selftest.json)"
awk '$1 ~ /SLOWER|UNTRUSTED|INCONCLUSIVE/ { n += $2 } $1 == "SLOWER" { s += $2 } $1 == "UNTRUSTED" { u += $2 } END { exit !(n == 3 && (s || u)) }' \
	<<<"$doubled" || fail "the doubled work is not found: $doubled"
says self/run.json '"selftest",'
[ -s self/report.html ] || fail "selftest has written no report"
expect 0 "fake/work" list
grep -q spin out && fail "list shows the subject of selftest"

# ---- looks: with nothing to compare the first of them ends the cell
expect "[04]" "Samples: " run --rigorous -f workload:once --subjects aa --out looks --quiet
grep -q '"round":11,' looks/samples.jsonl || fail "the first look came too early"
grep -q '"round":12,' looks/samples.jsonl && fail "the first look has not ended the cell"
says looks/report.md "**Looks.** Comparisons were looked at after 12, 20, 40, 80 and 120 rounds"
expect 0 "nothing is missing in looks" run --resume looks --quiet

# ---- a budget that is over at once: every cell has a sample all the same, and the run says that it is not complete
expect "[04]" "the time is up after [0-9]+ rounds" run --budget 1s --rounds 500 --out short --quiet
[ "$(grep -c '"kind":"timed"' short/samples.jsonl)" -ge 7 ] || fail "a short run has no first round"
says short/run.json '"budget_s": 1.0'
says short/run.json '"complete": false'

# ---- a complete run: going on finds nothing to do and leaves it alone
SWITCHYARD_ROUNDS=1 expect "[04]" "Report: whole/report.html" run --out whole --quiet -f workload:once
says whole/run.json '"--rounds",'
cp whole/run.json run.json
expect 0 "nothing is missing in whole" run --resume whole
cmp -s whole/run.json run.json || fail "resuming a complete run has changed run.json"
expect 0 "^nothing is missing$" run --resume whole --dry-run
rm whole/run.json
wrong "whole has samples but no run.json" run --out whole --quiet

# ---- a baseline is a copy, with the binaries that were measured; runs are found by path, by name, as a baseline
expect "[04]" "Baseline: results/baselines/before" run --rounds 6 --seed 9 -f workload:once --subjects aa,aa+speed=3,bb \
	--out results/six --quiet --save-baseline before
cmp -s results/six/samples.jsonl results/baselines/before/samples.jsonl || fail "a baseline is not the run"
[ "$(ls results/baselines/before/subjects | tr '\n' ' ')" = "subject-aa subject-bb subject-slow " ] ||
	fail "a baseline keeps $(ls results/baselines/before/subjects)"
cmp -s results/baselines/before/subjects/subject-aa "$fake" || fail "a baseline keeps another binary"
expect "[04]" "Baseline: results/baselines/before" run --resume six --save-baseline before --quiet
expect 0 "^3 rows: " compare before six --margin 90% --force
expect 0 '"schema": "switchyard.compare/1"' compare before results/six/report.json --json
expect 0 "^BenchmarkFakeOnce/placement=same/subject=aa-1" compare before six --benchstat
wrong "run.json is not of schema switchyard.report/1" compare before results/six/run.json

# ---- several runs in one table
expect 0 "^B: .*CPUs, kernel" report six before
grep -qE "^  same w1, aa / bb +[0-9.]+ .* [0-9.]+ .* [0-9.]+ *$" out || fail "no row for aa / bb: $(cat out)"
expect 0 "^\\| same w1, aa / bb \\| " report six before results/six/report.json --format markdown
wrong "several runs are shown as text or markdown, not as 'csv'" report six before --format csv

# ---- a cell once more: the same seed, rounds and order; what is not as it was is told
order() { grep '"kind":"timed"' "$1/samples.jsonl" | grep '"attempt":0,' | grep -F "\"cell\":\"$2\"" | sed -E 's/.*"subject":"([^"]*)".*"round":([0-9]+).*"position":([0-9]+).*/\2 \3 \1/' | sort; }
wrong "replay takes one argument, a run, and --cell" replay six
wrong "there is no cell 'nosuch'" replay six --cell nosuch
wrong "nowhere.* " replay nowhere --cell x
expect "[04]" "" run --rounds 6 --seed 9 -p size=3,4 -f workload:work --subjects aa,bb --out results/two --quiet
wrong "nothing can be pooled" report six two
wrong "'fake/work' is part of the names of 2 cells" replay two --cell fake/work
expect "[04]" "A is the record, B its replay" replay two --cell size=4 --out again --quiet
grep -qE "^    aa +[0-9.]+ [mun]s +[0-9.]+ [mun]s .*(EQUIVALENT|INCONCLUSIVE|FASTER|SLOWER|UNTRUSTED)" out || fail "no figures: $(cat out)"
[ "$(order results/two 'fake/work size=4 mode=warm same w1')" = "$(order again 'fake/work size=4 mode=warm same w1')" ] ||
	fail "a replay has another order"
[ "$(order again 'fake/work size=4 mode=warm same w1' | wc -l)" -ge 12 ] || fail "a replay has other rounds"
grep -q 'size=3' again/samples.jsonl && fail "a replay measures other cells"
grep -q "every subject is the same binary" out || fail "a replay does not look at the binaries"
sed -i 's/"git_rev": "[^"]*"/"git_rev": "0123456789ab"/' results/two/report.json
expect "[04]" "warning: the record is of commit 0123456789ab" replay results/two/report.json --cell size=3 --quiet
cp "$fake" tree/subjects/other && printf x >>tree/subjects/other && mv tree/subjects/other tree/subjects/subject-bb
expect "[04]" 'another binary in A and in B: ."bb".' replay two --cell size=3 --out other --quiet
ln -sf "$fake" tree/subjects/subject-bb

rm tree/subjects/subject-slow
ln -s "$build/switchyard" tree/subjects/subject-slow
expect 2 "cell .* is not what it was|another binary|the run was of" run --resume cut --quiet

exit $failed
