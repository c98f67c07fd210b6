#!/usr/bin/env bash
# switchyard run --hdr with the real load generator: a file for each timed sample of a server, in the form that HdrHistogram's
# tools read, with as many values as the record says; --resume keeps to it; without it, or without a server, there is none.
set -u
S=$(realpath "$1")/switchyard
[ -x "$S" ] || { echo "not built"; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-hdr-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset "${!SWITCHYARD_@}"
failed=0
fail() { echo "FAIL: $*"; failed=1; }

# good FILE COUNT: header, an empty line, lines that rise to 1, where COUNT values are, and the footer with their number.
good() {
	awk -v want="$2" '
		function bad(why) { print FILENAME ":" FNR ": " why ": " $0; wrong = 1; exit 1 }
		NR == 1 { if ($0 !~ /^ +Value +Percentile +TotalCount 1\/\(1-Percentile\)$/) bad("header"); next }
		NR == 2 { if ($0 != "") bad("no empty line"); next }
		/^#\[Mean    = +[0-9.]+, StdDeviation   = +[0-9.]+\]$/ { mean = NR; next }
		/^#\[Max     = +[0-9.]+, Total count    = +[0-9]+\]$/ { max = $3 + 0; count = $NF + 0; foot = NR; next }
		/^#\[Buckets = +[0-9]+, SubBuckets     = +[0-9]+\]$/ { buckets = NR; next }
		mean || is_last || NF < 3 || NF > 4 { bad("a line out of place") }
		$1 < value || $2 < share || $3 <= total { bad("not in order") }
		$2 - $3 / want > 1e-9 || $3 / want - $2 > 1e-9 { bad("not the share of " want) }
		NF == 4 { off = $4 * (1 - $2) - 1; if (off > 0.01 || off < -0.01) bad("not 1/(1-Percentile)") }
		{ value = $1; share = $2; total = $3; is_last = NF == 3; lines++ }
		END {
			if (wrong) exit 1
			if (!is_last || share != 1 || total != want || count != want || value != max) bad("the end")
			if (foot != mean + 1 || buckets != foot + 1 || buckets != NR) bad("the footer")
			if (lines < 5) bad("too few lines")
		}' "$1" || failed=1
}

# check RUN: the files, and what the records say of them.
check() {
	local line key count n=0
	while read -r line; do
		n=$((n + 1))
		key=$(sed 's/.*"key":"\([0-9a-f]*\)".*/\1/' <<<"$line")
		count=$(sed 's/.*"latency":{[^}]*"count":\([0-9]*\).*/\1/' <<<"$line")
		grep -q "\"hdr_file\":\"hdr/$key.hgrm\"" <<<"$line" || fail "the record does not name hdr/$key.hgrm: $line"
		good "$1/hdr/$key.hgrm" "$count"
	done < <(grep '"kind":"timed"' "$1/samples.jsonl" | grep '"load":{')
	[ $n -ge 4 ] || fail "$1 has only $n samples with a load: $(cat out)"
	[ "$(ls "$1/hdr" | wc -l)" = $n ] || fail "$n samples, and the files are $(ls "$1/hdr")"
	grep '"kind":"calibrate"\|"kind":"counted"' "$1/samples.jsonl" | grep hdr_file && fail "a sample that has no times has a file"
}

filter='workload:net/echo subject:eventloop,pthread OR workload:spawn/flat subject:serial'
timeout 100 "$S" run -q --hdr -f "$filter" -p connections=1 -p batch=16 --rounds 2 -o kept >out 2>&1
case $? in 0 | 4) ;; *) fail "run --hdr: $(cat out)" ;; esac
check kept
grep -q '"hdr": true' kept/run.json || fail "the request does not say --hdr"

# One sample is lost, and its file: going on makes both again.
lost=$(grep '"kind":"timed"' kept/samples.jsonl | grep '"load":{' | tail -1)
grep -vF -- "$lost" kept/samples.jsonl >less && cp less kept/samples.jsonl
rm "kept/$(sed 's/.*"hdr_file":"\([^"]*\)".*/\1/' <<<"$lost")"
"$S" run -q --resume kept --hdr >out 2>&1 && fail "--resume takes --hdr"
grep -q -- "--hdr cannot be changed" out || fail "--resume --hdr: $(cat out)"
timeout 100 "$S" run -q --resume kept >out 2>&1
check kept

SWITCHYARD_HDR=1 timeout 100 "$S" run -q -f 'workload:spawn/flat subject:serial' --rounds 1 -o none >out 2>&1
grep -q "warning: --hdr keeps nothing: no cell of the run is a server" out || fail "no warning: $(cat out)"
[ -e none/hdr ] && fail "a run without servers has a folder hdr"
timeout 100 "$S" run -q -f 'workload:net/echo subject:eventloop' -p connections=1 --rounds 1 -o plain >out 2>&1
[ -e plain/hdr ] && fail "a run without --hdr has a folder hdr"
grep -q hdr_file plain/samples.jsonl && fail "a run without --hdr names a file"
exit $failed
