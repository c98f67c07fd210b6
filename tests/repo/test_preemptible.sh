#!/usr/bin/env bash
# The lint over marked code: it finds what is planted, in executables, shared objects and object files and with each compiler
# that is there, lets pass what is allowed, and finds nothing in what has been built.
set -u
build=$1 source_dir=$2
lint=$source_dir/scripts/check_preemptible.sh
for tool in objdump cc awk; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

head='#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define GR_PREEMPTIBLE __attribute__((section("gr_preemptible"), noinline))
extern int gr_id(void);
__thread int of_thread;
int (*pointer)(int);
__attribute__((noinline)) int unmarked(int x) { return x * 3 + 1; }
GR_PREEMPTIBLE int helper(int x) { for (int i = 0; i < x; i++) __asm__ volatile(""); return x; }
'
tail='
#ifndef NO_MAIN
int gr_id(void) { return 1; }
int main(int argc, char **argv) { (void)argv; return marked(argc) == 7; }
#endif
'
# All kinds of files from a body; false if it does not compile.
make_files() { # compiler, body
	printf '%s%s%s' "$head" "$2" "$tail" >"$dir/x.c"
	"$1" -O2 -o "$dir/x" "$dir/x.c" && "$1" -O0 -g -o "$dir/x0" "$dir/x.c" && "$1" -O2 -fno-pic -no-pie -o "$dir/xs" "$dir/x.c" &&
		"$1" -O2 -c -o "$dir/x.o" "$dir/x.c" && "$1" -O2 -DNO_MAIN -fPIC -shared -o "$dir/x.so" "$dir/x.c"
}
files=(x x0 xs x.o x.so)

expect() { # 0 or 1, what the report has, body, options
	local compiler rc want=$1 text=$2 body=$3 f
	shift 3
	for compiler in gcc clang; do
		command -v "$compiler" >/dev/null || continue
		make_files "$compiler" "$body" 2>"$dir/err" || { cat "$dir/err"; failed=1; return; }
		for f in "${files[@]}"; do
			bash "$lint" "$@" "$dir/$f" >"$dir/out" 2>&1
			rc=$?
			if [ $rc != "$want" ] || ! grep -q -- "$text" "$dir/out" && [ -n "$text" ]; then
				echo "FAILED: $compiler $f: exit $rc instead of $want, wanted '$text': $body"
				cat "$dir/out"
				failed=1
			fi
		done
	done
}

F='GR_PREEMPTIBLE int marked(int x)'
expect 0 '' "$F { for (int i = 0; i < x; i++) x = helper(x); return x; }"
expect 0 '' "$F { char a[4000], b[4000]; memset(a, x, sizeof a); memcpy(b, a, sizeof b); return b[x] + gr_id(); }"
expect 0 '' "$F { switch (x) { case 1: return gr_id(); case 2: return 9; case 3: return 4; case 4: return 77; case 5: return gr_id() + 3; case 6: return -4; } return 0; }"
expect 1 'marked: .*errno' "$F { errno = x; return helper(x); }"
expect 1 'marked: .*thread-local' "$F { of_thread += x; return helper(x); }"
expect 1 'calls malloc' "$F { char *p = malloc(x); p[x / 2] = 1; pointer = (int (*)(int))p; return helper(x); }"
expect 1 'calls puts' "$F { puts(\"x\"); return helper(x); }"
expect 1 'calls rand' "$F { return rand(); }" # in tail position: a jump
expect 1 'calls unmarked' "$F { return unmarked(x) + helper(x); }"
expect 0 '' "$F { return unmarked(x) + helper(x); }" --allow unmarked
expect 1 'through a pointer' "$F { return pointer(x) + helper(x); }"
expect 0 '' "$F { return pointer(x) + helper(x); }" --allow-indirect
expect 0 '' "int marked(int x) { errno = x; puts(\"x\"); return helper(x); }" # not marked
bash "$lint" "$dir/none" 2>/dev/null
[ $? = 2 ] || { echo 'FAILED: a file that is not there'; failed=1; }

# What has been built, but for another architecture's.
n=0
while IFS= read -r f; do
	objdump -h "$f" 2>/dev/null | grep -q ' gr_preemptible ' || continue
	n=$((n + 1))
	bash "$lint" "$f" || { echo "FAILED: $f"; failed=1; }
done < <(find "$build" -maxdepth 2 -not -path '*/arm64/*' \( -name 'gr-*' -o -name 'test-gmp-*' -o -name 'subject-*' \) -type f -perm -u+x)
[ "$n" -gt 0 ] || { echo 'FAILED: no marked code in the build'; failed=1; }
[ $failed = 0 ] && echo "$n programs with marked code"
exit $failed
