#!/bin/bash
# subject-go answers cells that are wrong as the protocol says, and fills in what a cell may leave out.
# usage: test_subject_go.sh BUILD SOURCE
set -u
subject=$1/subjects/subject-go
[ -x "$subject" ] && [ -x "$1/switchyard" ] || { echo "not built"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-go-XXXXXX")
trap 'rm -rf "$work"' EXIT
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# ask CODE PATTERN CELL: what it says first, and the exit code. Everything that a sample waits for is there beforehand.
ask() {
	local got
	printf '{"cmd":"run","kind":"timed"%s}\n{"cmd":"go"}\n{"cmd":"ack"}\n{"cmd":"ack"}\n' "$3" |
		timeout 60 "$subject" --run >"$work/said"
	got=$?
	[ "$got" = "$1" ] || fail "$3: exit code $got, not $1"
	grep -qE -- "$2" "$work/said" || fail "$3: says '$(head -c 300 "$work/said")', not /$2/"
}
wrong() { ask 1 "\"msg\":\"error\",\"why\":\"[^\"]*$1" "$2"; }

wrong "the run has no cell" ""
wrong "there is no workload" ',"cell":{"workload":"no/such","version":1}'
wrong "is wanted in version 7" ',"cell":{"workload":"spawn/flat","version":7}'
wrong "workers is 0" ',"cell":{"workload":"spawn/flat","version":1,"workers":0}'
wrong "the seed must be 16" ',"cell":{"workload":"spawn/flat","version":1,"seed":"ff"}'
wrong "parameter batch of spawn/flat cannot be 0" ',"cell":{"workload":"spawn/flat","version":1,"params":{"batch":0}}'
wrong "cannot be 1.5" ',"cell":{"workload":"spawn/flat","version":1,"params":{"batch":1.5}}'
wrong "parameter leaves of spawn/skynet cannot be 7" ',"cell":{"workload":"spawn/skynet","version":1,"params":{"leaves":7}}'
wrong "has no parameter" ',"cell":{"workload":"spawn/flat","version":1,"params":{"size":1}}'
wrong "not a command" ',"cell":{"workload":"spawn/flat","version":1,"seed":5}'

# Left out is the same as the default; the seed is used.
cell='"workload":"switch/ring","version":1,"ops":6400'
certificate() { grep -o '"cert":{[^}]*}' "$work/said"; }
ask 0 '"msg":"sample"' ",\"cell\":{$cell}"
brief=$(certificate)
ask 0 '"msg":"sample"' ",\"cell\":{$cell,\"workers\":1,\"params\":{\"tasks\":64,\"ws_kib\":0}}"
[ "$brief" = "$(certificate)" ] || fail "defaults give other work: $brief, $(certificate)"
cell="\"workload\":\"disk/mixed\",\"version\":2,\"ops\":400,\"params\":{\"file_mib\":2},\"data_dir\":\"$work\""
ask 0 '"msg":"sample"' ",\"cell\":{$cell}"
brief=$(certificate)
ask 0 '"msg":"sample"' ",\"cell\":{$cell,\"seed\":\"0000000000000000\"}"
[ "$brief" = "$(certificate)" ] || fail "a seed left out gives other work: $brief, $(certificate)"
ask 0 '"msg":"sample"' ",\"cell\":{$cell,\"seed\":\"00000000000000ff\"}"
[ "$brief" = "$(certificate)" ] && fail "the seed makes no difference"

# The whole protocol.
timeout 300 "$1/switchyard" subject check "$subject" >"$work/checked" 2>&1 || fail "$(grep -v '^ok' "$work/checked")"

exit $failed
