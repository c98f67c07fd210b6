#!/usr/bin/env bash
# The newest committed run of the default plan: its samples give its report, byte for byte (scripts/regenerate_reference says what is
# compared), and where a number of the report was changed by hand, or a figure is gone, that is seen.
# usage: test_reference.sh BUILD SOURCE
set -u
build=$(realpath "$1")
source=$(realpath "$2")
[ -x "$build/switchyard" ] || { echo "not built"; exit 77; }
for tool in gnuplot python3; do command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }; done
work=$(mktemp -d "${TMPDIR:-/var/tmp}/switchyard-reference-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
unset "${!SWITCHYARD_@}"
export BUILD=$build TMPDIR=$work
failed=0
cd "$work" || exit 1
fail() { echo "FAIL: $*"; failed=1; }

newest=$("$source/scripts/newest_reference" "$source") || exit 1
# ---- a copy in which one thing of each kind is wrong: these files and no others are named
cp -r "$newest" "$work/doctored"
python3 - "$work/doctored" <<'END_OF_PYTHON'
import os, re, sys
def change(name, pattern):
    path = os.path.join(sys.argv[1], name)
    text = open(path).read()
    at = re.search(pattern, text)
    old = at.group(1)
    new = old[:-1] + str((int(old[-1]) + 1) % 10)
    open(path, "w").write(text[:at.start(1)] + new + text[at.end(1):])
change("report.json", r'"ratio": [0-9.]*?([1-9])')
change("report.md", r"[0-9]\.[0-9]*?([1-9]) us")
change("report.html", r"<td[^>]*>[0-9.]*?([1-9])[0-9]* ")
change("benchstat.txt", r"\t *[0-9.]*?([1-9])[0-9.]* ns/op")
change("plots/switch_ring_cells.dat", r"\n[^#\n]*?([1-9])[^\n]*\n")
os.remove(os.path.join(sys.argv[1], "plots/switch_ring_cells.svg"))
os.remove(os.path.join(sys.argv[1], "plots/switch_yield_cells.png"))
open(os.path.join(sys.argv[1], "plots/by_hand.svg"), "w").write("<svg/>")
END_OF_PYTHON
"$source/scripts/regenerate_reference" --check "$newest" "$work/doctored" >said 2>&1 && fail "a doctored report passes"
grep -q "^$newest: 0 of [1-9][0-9]* files differ$" said ||
	fail "the committed report is not what its samples give; scripts/regenerate_reference results/reference/$(basename "$newest") writes it again: $(grep ^/ said | head -12)"
for file in report.json report.md report.html benchstat.txt plots/switch_ring_cells.dat plots/switch_ring_cells.svg \
	plots/switch_yield_cells.png plots/by_hand.svg; do
	grep -q "^$work/doctored/$file: " said || fail "what was changed in $file is not seen"
done
[ $failed = 1 ] || grep -q "^$work/doctored: 8 of [0-9]* files differ$" said || fail "other files differ, too: $(grep ^/ said | head -20)"
exit $failed
