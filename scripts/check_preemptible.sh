#!/usr/bin/env bash
# What code that is marked GR_PREEMPTIBLE (models/gmp/gr.h) may not do, looked for in what the compiler has made of it.
#
# A G may be stopped at any instruction of marked code and go on in another thread. So there must be nothing in it that is
# a thread's: no thread-local variable, no address of errno. And it must not be left in the middle by a call that comes
# back from elsewhere. Allowed are calls of marked code, of the runtime (gr_*), of memcpy, memmove, memset and memcmp (the
# compiler makes such calls by itself, and they keep nothing), of the compiler's own helpers, and of what does not return.
# Everything else is reported: the libc because of errno and its locks, other functions because nobody looks at them, calls
# through pointers because nobody can. What is known to be harmless is named.
#
# Usage: check_preemptible.sh [--allow NAME]... [--allow-indirect] FILE...
# Files are executables, shared objects or object files; OBJDUMP names another objdump. Prints each violation as
# "file: function: instruction: why"; exit 1 if there is one, 2 if a file cannot be read. Without marked code: nothing.
set -u
allowed=' ' indirect=0 bad=0
while [ $# -gt 0 ]; do
	case $1 in
	--allow) allowed+="$2 "; shift 2 ;;
	--allow-indirect) indirect=1; shift ;;
	--) shift; break ;;
	-*) echo "usage: check_preemptible.sh [--allow NAME]... [--allow-indirect] FILE..." >&2; exit 2 ;;
	*) break ;;
	esac
done

# Twice over the same text: first which addresses are in the section, then who leaves it.
check() { # file, disassembly
	awk -v file="$1" -v allowed="$allowed" -v indirect="$indirect" '
	function report(why) {
		sub(/^[[:space:]]*[0-9a-f]+:[[:space:]]*/, "", insn)
		gsub(/[[:space:]]+/, " ", insn)
		printf "%s: %s: %s: %s\n", file, fn, insn, why
		bad = 1
	}
	function judge_name(name) {
		sub(/@.*/, "", name)
		if (name in marked || index(allowed, " " name " ") || name ~ /^gr_[a-z]/ || name ~ /^(memcpy|memmove|memset|memcmp|abort|__morestack)$/)
			return
		if (name ~ /^__(stack_chk_fail|assert_fail|(asan|ubsan|tsan|sanitizer|aarch64)_.*)$/)
			return
		if (name ~ /^__(u?div|u?mod|mul|ash|lsh|popcount|clz|ctz|fix|float|extend|trunc|add|sub|cmp|neg|unord|[engl][qet])[a-z]*(si|di|ti|sf|df|tf|xf)[a-z0-9]*$/)
			return
		if (name == "__tls_get_addr")
			report("a thread-local variable")
		else if (name == "__errno_location")
			report("errno")
		else
			report("calls " name)
	}
	/^[0-9a-f]+ <.*>:$/ { fn = $2; gsub(/[<>:]/, "", fn); marked[fn] = 1; next }
	NR == FNR { if ($1 ~ /^[0-9a-f]+:$/) { at = $1; sub(/:/, "", at); inside[at] = 1 } next }
	# A relocation belongs to the instruction above it.
	$2 ~ /^R_/ {
		if ($2 ~ /TLS|TPOFF|TP32|DTPMOD/) { report("a thread-local variable"); next }
		name = $3
		sub(/[-+]0x[0-9a-f]+$/, "", name)
		if (is_branch == 2 && $2 !~ /GOT/) { if (!indirect) report("a call through a pointer") }
		else if (is_branch && name != "gr_preemptible") judge_name(name)
		is_branch = 0
		next
	}
	$1 !~ /^[0-9a-f]+:$/ { next }
	{
		insn = $0
		is_branch = 0
		text = $0
		sub(/^[[:space:]]*[0-9a-f]+:[[:space:]]*/, "", text)
		# The check of stacks that grow compares with the limit of the G that runs, which goes with it to whichever thread: the
		# comparison is one instruction, and what it found stays true of the same G. __morestack is not marked, so it is not stopped.
		if (text ~ /%[fg]s:/ && text !~ /%fs:0x28/ && text !~ /^cmp[[:space:]]+%fs:0x70,%r(sp|11)$/) report("a thread-local variable")
		if (text ~ /tpidr_el0/) report("a thread-local variable")
		if (text !~ /^((notrack|bnd|data16|rex\.?[A-Z]*) +)*(call|j[a-z]+|b|bl|blr|b\.[a-z]+|cbn?z|tbn?z)[[:space:]]/) next
		if (text ~ /(call|blr)q?[[:space:]]+(\*|x[0-9])/ || text ~ /jmpq?[[:space:]]+\*[-0-9a-fx]*\(%rip\)/) {
			# A pointer of the linker to a function has the version of its name; other pointers may be to anything.
			is_branch = is_object && text ~ /\(%rip\)/ ? 2 : 0
			if (is_branch) next
			if (match(text, /# [0-9a-f]+ <[^>]*@[^>]*>/)) {
				name = substr(text, RSTART, RLENGTH)
				sub(/.*</, "", name); sub(/>/, "", name); sub(/[-+]0x[0-9a-f]+$/, "", name)
				judge_name(name)
			} else if (!indirect) {
				report("a call through a pointer")
			}
			next
		}
		if (text ~ /jmp[[:space:]]+\*/) next # a table of the compiler
		is_branch = is_object
		if (is_object) next
		if (match(text, /[0-9a-f]+ <[^>]*>/)) {
			target = substr(text, RSTART, RLENGTH)
			name = target
			sub(/ .*/, "", target); sub(/.*</, "", name); sub(/>.*/, "", name); sub(/[-+]0x[0-9a-f]+$/, "", name)
			if (!(target in inside)) judge_name(name)
		}
	}
	END { exit bad }' is_object=0 "$2" is_object="$3" "$2"
}

text=$(mktemp) || exit 2
trap 'rm -f "$text"' EXIT
for file in "$@"; do
	headers=$("${OBJDUMP:-objdump}" -hf "$file" 2>/dev/null) || { echo "$file: cannot be read" >&2; exit 2; }
	grep -q '[[:space:]]gr_preemptible[[:space:]]' <<<"$headers" || continue
	object=0
	grep -qE 'EXEC_P|DYNAMIC' <<<"$headers" || object=1
	"${OBJDUMP:-objdump}" -dr --no-show-raw-insn -j gr_preemptible "$file" >"$text" 2>/dev/null || exit 2
	check "$file" "$text" "$object" || bad=1
done
exit $bad
