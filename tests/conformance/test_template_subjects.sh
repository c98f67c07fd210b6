#!/bin/bash
# The template subjects keep the protocol, and do the work: by the certificates of a run beside one of ours.
# usage: test_template_subjects.sh BUILD SOURCE
set -u
build=$1
source=$2
S=$build/switchyard
[ -x "$S" ] && [ -x "$build/subjects/subject-serial" ] && [ -x "$build/tests/templates/subject-threads" ] || { echo "not built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-templates-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

mkdir mine
ln -s "$build/tests/templates/subject-threads" mine/
subjects=threads
if command -v python3 >/dev/null; then
	install "$source/docs/templates/subject/asyncio_subject.py" mine/subject-asyncio
	subjects=$subjects,asyncio
fi
for one in ${subjects/,/ }; do
	timeout 100 "$S" subject check "mine/subject-$one" >said 2>&1 || fail "$one: $(grep -v '^ok' said)"
	grep -q 'described as others describe it' said || fail "$one is not set beside others: $(cat said)"
	mine/subject-$one --describe >describe.json
	"$source/scripts/check_schema" --known "$source/docs/schemas/describe.schema.json" describe.json >said 2>&1
	[ $? = 0 ] || [ $? = 77 ] || fail "$one: $(cat said)"
done

# Equal work, proven.
export SWITCHYARD_SUBJECTS=$work/mine
timeout 100 "$S" run --smoke --subjects serial,$subjects -f 'workload:spawn/flat OR workload:sync/pingpong OR workload:net/echo' --seed 1 --quiet \
	--out run >said 2>&1 || fail "run: $(cat said)"
for one in ${subjects/,/ }; do
	[ "$(grep "\"subject\":\"$one\"" run/samples.jsonl | grep -c '"ok":true')" = 2 ] || fail "$one: work is not proven: $(cat said)"
done
exit $failed
