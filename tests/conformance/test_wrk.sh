#!/usr/bin/env bash
# A real client, wrk, drives the HTTP server of every model for a second: single requests, and ten at a time on each
# connection. Every answer must be a 200 and no socket may fail. Skipped (77) where wrk is not installed.
set -u
build=$(realpath "$1") source=$(realpath "$2")
command -v wrk >/dev/null || {
	echo 'skipped: wrk is not installed'
	exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cat >"$dir/pipeline.lua" <<'LUA'
init = function(args)
	local all = {}
	for i = 1, 10 do all[i] = wrk.format("GET", "/" .. i) end
	text = table.concat(all)
end
request = function() return text end
LUA
failed=0
drive() { # model connections name wrk-arguments...
	local model=$1 connections=$2 name=$3 out=$dir/out
	shift 3
	BUILD=$build "$source/scripts/http_server" "$model" connections="$connections" -- \
		wrk -t 1 -c "$connections" -d 1s "$@" >"$out" 2>&1
	local status=$?
	if [ $status -eq 0 ] && grep -Eq '^ +[1-9][0-9]* requests in' "$out" &&
		! grep -Eq 'Socket errors|Non-2xx' "$out"; then
		printf '%s %s: %s\n' "$model" "$name" "$(sed -n 's/^Requests.sec: *//p' "$out")"
		return
	fi
	printf 'FAILED: %s %s, status %s\n' "$model" "$name" "$status"
	cat "$out"
	failed=1
}
for model in gmp pthread eventloop; do
	drive $model 16 'single requests'
	drive $model 4 pipelined -s "$dir/pipeline.lua"
done
drive serial 1 'single requests'
drive serial 1 pipelined -s "$dir/pipeline.lua"
exit $failed
