#!/usr/bin/env bash
# What the runtime uses of a small stack fits into what is kept for it (GR__OWN_BYTES of arch/grow.h): of each public
# function in an object that says GR__FITS_SMALL_STACKS, by the compiler's own account of frames and calls. Skipped (77)
# where stacks do not grow or the compiler gives none.
set -u
build=$(realpath "$1") source=$(realpath "$2")
objects=$build/CMakeFiles/gr.dir/models/gmp/src
skip() { echo "skipped: $1"; exit 77; }
command -v python3 >/dev/null || skip 'there is no python3'
grep -q '^SWITCHYARD_SANITIZE:STRING=.' "$build/CMakeCache.txt" && skip 'stacks do not grow under sanitizers'
grep -q '^CMAKE_BUILD_TYPE:STRING=Release$' "$build/CMakeCache.txt" || skip 'stacks grow in optimized builds only'
[ "$(uname -m)" = x86_64 ] || skip 'stacks grow on amd64 only'
ls "$objects"/*.ci >/dev/null 2>&1 || skip 'this compiler does not tell what calls what'

number() { sed -nE "s/^#define $1 (\(256 \+ 8 \+ )?([0-9]+).*/\2/p" "$source/models/gmp/src/arch/grow.h"; }
limit=$(number GR__OWN_BYTES)
fits=$(grep -l '^GR__FITS_SMALL_STACKS;' "$source"/models/gmp/src/*.c | xargs -n 1 basename -s .c | paste -sd,)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
fail() { echo "FAILED: $1"; failed=1; }

# Public functions, what code with checks calls in their place, what runs first on a stack that is come back to, and what
# __morestack calls there (it has laid a hundred bytes on it itself). 152: what a switch lays on it, beside frames (arch/ctx.h).
{
	awk -f "$source/tests/gmp/prototypes.awk" "$source/models/gmp/gr.h" | cut -f 1
	echo gr_go_grow gr_go_named_grow gr__switched_to gr__on_g0 gr__grow_hot
} >"$dir/names"
bound() { python3 "$source/tests/gmp/grow_bound.py" "$1" 152 "$fits" "$objects" <"$dir/names"; }
bound "$limit" >"$dir/out" || { fail "more than $limit bytes of a small stack"; grep '^OVER' "$dir/out"; }
[ "$(wc -l <"$dir/out")" -ge 60 ] || fail 'these are not all functions'
# The test can fail, and the bound is not just large.
bound $((limit / 2)) >"$dir/half" && fail 'no function needs half of it'
sort -k 1.5n "$dir/out" | tail -n 1 | cut -c 1-200

# What each object says of itself is in the archive too, and nobody else says it.
for object in "$objects"/*.o; do
	stem=$(basename "$object" .c.o)
	if objdump -h "$object" | grep -q '\.note\.GNU-split-stack'; then says=1; else says=0; fi
	[ "$stem" = grow_probe ] && continue
	[[ ,$fits, == *,$stem,* ]] && wanted=1 || wanted=0
	[ "$says" = "$wanted" ] || fail "$stem: its note and its source differ"
done
exit $failed
