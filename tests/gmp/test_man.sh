#!/usr/bin/env bash
# The manual pages and gr.h say the same: each public function has a page that is found by its name and shows its
# prototype, and no page has what gr.h does not. The pages have all sections, their markup is clean (where groff is
# there), what they refer to exists, and their examples compile and run.
set -u
build=$(realpath "$1") source=$(realpath "$2")
pages=$source/models/gmp/man aliases=$build/install/man3
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
cc=$(cached CMAKE_C_COMPILER) sanitize=$(cached SWITCHYARD_SANITIZE)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0
fail() { # sentence [file]
	echo "FAILED: $1"
	failed=1
	[ -z "${2:-}" ] || head -n 30 "$2"
}

# The lines of a section, with the markup of code taken away.
section() { # page, name
	awk -v head=".SH $2" '$0 == head { on = 1; next } /^\.SH / { on = 0 } on' "$1" |
		sed -e 's/\\f[BIPR]//g' -e 's/\\-/-/g' -e 's/\\e/\\/g' -e 's/\\&//g'
}

# ---- functions --------------------------------------------------------------------------------------------------
awk -f "$source/tests/gmp/prototypes.awk" "$source/models/gmp/gr.h" >header
[ "$(wc -l <header)" -gt 50 ] || fail 'gr.h: these are not all of its functions' header
: >shown
for page in "$pages"/*.3; do
	name=$(basename "$page" .3)
	section "$page" SYNOPSIS | grep -v '^\.' | awk -f "$source/tests/gmp/prototypes.awk" >prototypes
	cat prototypes >>shown
	section "$page" NAME | tr '\n' ' ' | sed 's/ - .*//' | tr -d ' ' | tr ',' '\n' >names
	cut -f 1 prototypes | sort | diff - <(sort names) >out || fail "$name.3: NAME (>) and SYNOPSIS (<) differ" out
	grep -qx "$name" names || fail "$name.3 is not about the function that it is named for"
	while IFS= read -r alias; do
		[ "$alias" = "$name" ] || [ "$(cat "$aliases/$alias.3" 2>/dev/null)" = ".so man3/$name.3" ] ||
			fail "man $alias does not find $name.3: run cmake again"
	done <names
done
while IFS=$'\t' read -r name prototype; do
	grep -q "^$name	" shown || { fail "$name of gr.h has no manual page: models/gmp/man, HACKING.md says how"; continue; }
	grep -qxF "$name	$prototype" shown || fail "$name: its page shows another prototype than gr.h: $prototype"
done <header
cut -f 1 shown | sort | comm -23 - <(cut -f 1 header | sort) >out
[ -s out ] && fail 'pages about functions that gr.h does not have' out
cut -f 1 shown | sort | uniq -d >out
[ -s out ] && fail 'functions with two pages' out

# ---- pages ------------------------------------------------------------------------------------------------------
for page in "$pages"/*.[37]; do
	name=$(basename "$page")
	sections=(NAME SYNOPSIS DESCRIPTION 'RETURN VALUE' ERRORS EXAMPLES 'SEE ALSO')
	[[ $name = *.7 ]] && sections=(NAME SYNOPSIS DESCRIPTION ENVIRONMENT EXAMPLES 'SEE ALSO')
	for heading in "${sections[@]}"; do
		grep -qx ".SH $heading" "$page" || fail "$name has no section $heading"
	done
	grep -oE '\bgr_[a-z0-9_]+ \(3\)|\bgr \(7\)' "$page" | tr -d ' ' | sort -u | while IFS='()' read -r other number; do
		[ -e "$pages/$other.$number" ] || [ -e "$aliases/$other.$number" ] || echo "$other($number)"
	done >out
	[ -s out ] && fail "$name refers to pages that do not exist" out
done
for page in "$pages"/*.3; do
	grep -q "^\.BR $(basename "$page" .3) (3)" "$pages/gr.7" || fail "gr.7 does not name $(basename "$page")"
done
# Each setting of the table in knobs.c.
{ sed -nE 's/^\t(KNOB\("|SWITCH\()([a-z_]+)["],? ?.*/\2/p; s/^\tSWITCH\(([a-z_]+), .*/\1/p' "$source/models/gmp/src/knobs.c"; echo files; } |
	sort -u >knobs
grep -qx procs knobs && grep -qx steal knobs || fail 'knobs.c: its list of settings is not found' knobs
while IFS= read -r knob; do
	section "$pages/gr.7" ENVIRONMENT | grep -qE "^\.BR? .*\b$knob\b" || echo "$knob"
done <knobs >out
[ -s out ] && fail 'settings of GRDEBUG that gr.7 does not have' out
if command -v groff >/dev/null; then
	for page in "$pages"/*.[37]; do
		groff -man -Tutf8 -ww -z "$page" >out 2>&1 || fail "groff: $page" out
		[ -s out ] && fail "groff: $page" out
	done
else
	echo 'left out: the markup, there is no groff'
fi

# ---- examples ---------------------------------------------------------------------------------------------------
# What the static library needs itself, as gr.pc says.
modules=$(sed -n 's/^Requires.private: *//p' "$build/install/gr.pc")
needs=()
[ -z "$modules" ] || read -ra needs <<<"$(pkg-config --libs "$modules")"
for page in "$pages"/*.[37]; do
	name=$(basename "$page")
	section "$page" EXAMPLES | sed -n '/^\.EX/,/^\.EE/p' | grep -v '^\.' >example.c
	grep -q main example.c || { fail "$name has no example that can be run"; continue; }
	"$cc" -Wall -Wextra -Werror ${sanitize:+-fsanitize=$sanitize} -fstack-clash-protection -pthread example.c -o example \
		-I"$source/models/gmp" "$build/libgr.a" "${needs[@]}" >out 2>&1 || { fail "$name: its example does not compile" out; continue; }
	timeout 60 ./example >out 2>&1 || fail "$name: its example ends with $?" out
done
exit $failed
