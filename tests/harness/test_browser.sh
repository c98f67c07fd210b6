#!/usr/bin/env bash
# The page of the newest committed run of the default plan, written anew, in a real browser (browser/browse.py): on a telephone and a desk,
# light and dark, on paper, by keyboard, without network. And that what is wrong with a page is found.
# usage: test_browser.sh BUILD SOURCE
set -u
build=$(realpath "$1")
source=$(realpath "$2")
[ -x "$build/switchyard" ] || { echo "not built"; exit 77; }
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "chromium is not installed"; exit 77; }
for tool in gnuplot python3; do command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }; done
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-browser-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
unset "${!SWITCHYARD_@}"
export TMPDIR=$work HOME=$work
cd "$work" || exit 1
failed=0
fail() { echo "FAIL: $*"; failed=1; }

newest=$("$source/scripts/newest_reference" "$source") || exit 1
mkdir run && cp "$newest/run.json" run/ && gunzip -c "$newest/samples.jsonl.gz" >run/samples.jsonl
"$build/switchyard" report run --lang zh >out 2>&1 || { cat out; exit 1; }

# Within a figure no two models look alike.
python3 - <<'END_OF_PYTHON' || fail "models of a figure look alike"
import glob, re
for path in glob.glob("run/plots/*.gp"):
    colors, points = (re.search(rf'^{what} = "(.*)"$', open(path).read(), re.M)[1].split() for what in ("colors", "points"))
    looks = list(zip(colors, points, strict=True))
    assert len(set(looks)) == len(looks) > 0, (path, looks)
END_OF_PYTHON

timeout 100 python3 "$source/tests/harness/browser/browse.py" "$chromium" run/report.html run/report.json >found 2>&1
case $? in
0) ;;
2) cat found; echo "chromium cannot be run here"; exit 77 ;;
*) fail "the page: $(cat found)" ;;
esac

cut() { # FILE: the beginning and the end of a page are enough where it is looked at once more
	sed -e '/<h2 id="results">/,/<h2 id="switch-ring">/{/<h2 id="switch-ring">/!d}' -e '/<h2 id="sync-/,/<h2 id="facts">/{/<h2 id="facts">/!d}' "$1" |
		sed -E '/<li><a href="#(results|null-empty|[a-z]+-[a-z-]+|figures|counters|twins|repeat)">/{/#(switch-ring|in-short)"/!d}'
}
cut run/report.zh-CN.html >zh.html
echo '{"plots":[]}' >none.json # the titles of figures are others there
timeout 100 python3 "$source/tests/harness/browser/browse.py" "$chromium" zh.html none.json quick >found 2>&1 ||
	fail "the Chinese page: $(cat found)"

# ---- a page with faults: each is named
cut run/report.html >faulty.html
python3 - <<'END_OF_PYTHON'
import re
text = open("faulty.html").read()
def change(pattern, new, count=1):
    global text
    text, n = re.subn(pattern, new, text, count=count, flags=re.S)
    assert n, pattern
change(r'<figure[^>]*>\s*<svg role="img" aria-label="switch/ring: time(?:(?!</figure>).)*</figure>', "", 0)
change(r"(<text[^>]*>(?:(?!</text>).)*</text>)", r"\1\1")
change(r'<th scope="col">', "<th>")
change(r'<html lang="en">', "<html>")
change(r'<h2 id="questions">', '<h5 id="questions">')
change(r"</main>", '<img src="https://example.org/x.png" alt=""><p style="color:#999">pale</p><a href="#nowhere">x</a>'
       '<div style="width:900px">wide</div></main>')
change("details::details-content", "details::other")
open("faulty.html", "w").write(text)
END_OF_PYTHON
timeout 100 python3 "$source/tests/harness/browser/browse.py" "$chromium" faulty.html run/report.json quick >found 2>&1 && fail "a faulty page passes"
grep -E 'paper: [0-9]+ bytes' found && fail "it cannot be printed"
for fault in 'figures: "switch/ring: time per operation" is missing' 'labels: .* overlaps ' 'tables: th .* has no scope' 'language: ' 'headings: ' \
	'not self-contained: ' 'network: the page asks for https://example.org/x.png' 'contrast: p "pale"' 'links: .* leads nowhere: #nowhere' \
	'width: the page scrolls sideways' 'paper: div "wide" ends at' \
	'paper: what is folded below summary "All facts'; do
	grep -qE "$fault" found || fail "not found: $fault; but: $(head -12 found | cut -c1-200)"
done
exit $failed
