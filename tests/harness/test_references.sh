#!/bin/bash
# Foreign runtimes: `--subjects all`, what stands beside their names, what they lack, and those that are not built.
# usage: test_references.sh BUILD SOURCE
set -u
build=$1
source=$2
fake=$build/tests/fake_subject
[ -x "$build/switchyard" ] && [ -x "$fake" ] || { echo "not built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-references-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
mkdir -p tree/subjects tree/plans
cp "$build/switchyard" tree/switchyard
for way in aa state foreign; do ln -s "$fake" "tree/subjects/subject-$way"; done
cat >tree/subjects/references.json <<'END'
{"references":[{"id":"absent","packages":"libabsent-dev g++","built":false},{"id":"foreign","packages":"x","built":true},
 {"id":"unmade","packages":"y","built":true}]}
END
for plan in default references; do
	printf '{"schema":"switchyard.plan/1","name":"%s","rounds":6,"budget_s":60,"region_ms":10,
	 "cells":[{"workload":"fake/once","base":"aa","subjects":["aa"]},{"workload":"fake/state","subjects":["state"],"rounds":1}]}' $plan >tree/plans/$plan.json
done
S=$work/tree/switchyard
failed=0
fail() { echo "FAIL: $*"; failed=1; }
has() { # FILE PATTERN
	grep -qE -- "$2" "$1" || fail "$1 has no /$2/: $(tail -25 "$1")"
}

"$S" list >out 2>err || fail "list: $(cat err)"
has out '^not built: absent: its toolchain was not found; install libabsent-dev g\+\+ and build again$'
has out '^not built: unmade: its toolchain was found, and it was not built; install y'
grep -q 'not built: foreign' out && fail "what is built is listed as not built"
"$S" list --json | grep -q '"id": "absent"' || fail "list --json has no not_built"

# 0 or 4: on a busy machine a sample may be void.
run() { timeout 60 "$S" run --seed 1 --quiet "$@" >out 2>err || [ $? = 4 ] || fail "run $*: $(cat out err)"; }
run --subjects all --out all
has out '^Releases: foreign 1\.44\.2 \(2022\)\.$'
has out '^Not built: absent \(its toolchain was not found; install libabsent-dev g\+\+\)\.$'
has all/run.json '"name": *"references"'
has all/report.md 'foreign 1\.44\.2 \(2022\) *\|'
has all/report.md '^### Runtimes'
has all/report.md 'foreign 1\.44\.2 \(2022\) \| C \| 1\.44\.2 \| 64(\.0)? KiB \| threads=4'
grep -q 'What may be concluded' all/report.md && has all/report.md '`foreign` 1\.44\.2 \(2022\) against `aa`'
has all/report.md 'foreign 1\.44\.2 \(2022\) has no body for `fake/state`: no \\<stacks\\>\.'
has all/report.md '`absent` is not built: its toolchain was not found\. Install `libabsent-dev g\+\+` and build again\.'
grep -o '"subject":"[a-z]*"' all/samples.jsonl | sort -u | tr '\n' ' ' >who
[ "$(cat who)" = '"subject":"aa" "subject":"foreign" "subject":"state" ' ] || fail "all are not all: $(cat who)"
if python3 -c 'import jsonschema' 2>/dev/null; then
	for one in run report; do
		"$source/scripts/check_schema" --known "$source/docs/schemas/$one.schema.json" "all/$one.json" || fail "$one.json"
	done
	"$source/scripts/check_schema" --known --lines "$source/docs/schemas/sample.schema.json" all/samples.jsonl || fail "samples.jsonl"
	"$fake" --describe >/dev/null
	tree/subjects/subject-foreign --describe >foreign.json
	"$source/scripts/check_schema" --known "$source/docs/schemas/describe.schema.json" foreign.json || fail "describe"
fi

# Without `all` nothing is said of what is absent, and a filter takes the place of a plan.
run --subjects foreign,aa -f workload:once --rounds 1 --out two
has two/report.md 'foreign 1\.44\.2 \(2022\)'
grep -q 'not built' two/report.md out && fail "a run of two says what is absent"
has two/run.json '"name": *"default"'

# A file that is wrong is a warning, and says nothing.
echo '{"references":[{"id":"absent","built":false}]}' >tree/subjects/references.json
"$S" list >out 2>err || fail "list: $(cat err)"
has err 'references\.json has a reference without id, packages and built'
grep -q 'not built' out && fail "a wrong file is believed"

# What this build could have names packages that scripts/bootstrap --references installs.
grep -o '"packages": "[^"]*"' "$build/subjects/references.json" | cut -d'"' -f4 | tr ' ' '\n' >packages
[ -s packages ] || fail "the build tells of no reference"
while read -r package; do
	grep -q "^	'$package:" "$source/scripts/bootstrap" || fail "scripts/bootstrap does not know $package"
done <packages

# The stack that is told is the one that tasks begin with. (grow: 0 and the reason where stacks cannot grow.)
for id in gmp gmp-grow; do
	[ -x "$build/subjects/subject-$id" ] || continue
	timeout 60 "$build/switchyard" run --seed 1 --quiet --subjects $id -f workload:spawn/flat --rounds 1 --out "$id" \
		>out 2>err || [ $? = 4 ] || fail "$id: $(cat out err)"
	told=$(grep -m1 -o '"stack":{[^}]*}' "$id/samples.jsonl")
	if grep -q '"grow":"1"' "$id/samples.jsonl"; then
		[ "$told" = '"stack":{"bytes":960,"grows":true}' ] || fail "$id grows, and tells $told"
	else
		[[ $told == '"stack":{"bytes":'*',"grows":false}' && $told != *:960,* ]] || fail "$id does not grow, and tells $told"
	fi
done

exit $failed
