#!/usr/bin/env bash
# A server whose answers reach the harness late, as on a loaded machine: its clock is right all the same, so its samples must
# not be void. One whose clock is wrong must be found out.
set -u
build=$(realpath "$1")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
for way in late wrong; do
	case $way in
	late) harm='sleep 0.05' ;;
	wrong) harm='line=${line/wall_ns\":/wall_ns\":9}' ;;
	esac
	cat >"$dir/subject-$way" <<EOF
#!/usr/bin/env bash
subject=$build/subjects/subject-eventloop
[ "\$1" = --describe ] && "\$subject" --describe | sed 's/"id":"eventloop"/"id":"$way"/' && exit
"\$subject" "\$@" | while read -r line; do
	case \$line in '{"msg":"begin"'* | '{"msg":"end"'*) $harm ;; esac
	printf '%s\n' "\$line"
done
EOF
	chmod +x "$dir/subject-$way"
	SWITCHYARD_SUBJECTS=$dir "$build/switchyard" run -q -f 'workload:net/echo' -p connections=1 --subjects $way --rounds 3 -o "$dir/run-$way" \
		>"$dir/out-$way" 2>&1
done
accused() { grep -c '"why":"[^"]*the server says that its region took' "$dir/run-$1/samples.jsonl"; }
failed=0
grep -q '"status":"ok"' "$dir/run-late/samples.jsonl" || failed=1
[ "$(accused late)" = 0 ] || failed=1
[ "$(accused wrong)" -gt 0 ] || failed=1
if [ $failed != 0 ]; then
	cat "$dir"/out-*
	grep -ho '"status":"[a-z]*","why":"[^"]*"' "$dir"/run-*/samples.jsonl
fi
exit $failed
