#!/usr/bin/env bash
# The dependency direction, checked: the ruler shares no code with what it measures.
#
#   libc <- models/base <- models/<m>/src <- models/<m>/<public>.h <- models/<m>/bind.h
#        <- (only through) harness/subject/{direct,evented}.h
#   models/reference/<x>: a program of its own. Its bind.h, and what that includes, are as a model's; its bodies are as a workload's
#   harness/subject/bench.h <- workloads/<family>/<w>/<w>.h <- its bodies
#   harness/<rest>: libc, libraries, harness/*; never a model, never a workload
#
# Usage: check_includes.sh [source directory]. Prints each violation as file:line: what; exit 1 if there is one.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2
bad=0
report() {
	printf '%s: %s\n' "$1" "$2"
	bad=1
}

# every quoted include as "file:line:path"
includes() {
	grep -rHnoE --include='*.[chS]' --include='*.[ch]pp' '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+"' "$@" 2>/dev/null |
		sed -E 's/#[[:space:]]*include[[:space:]]+"([^"]+)"/\1/; s/:[[:space:]]*([^:]*)$/:\1/'
}

# rule DIR "pattern of forbidden include paths" "sentence"
forbid() {
	local dir=$1 pattern=$2 why=$3 entry path
	[ -e "$dir" ] || return 0
	while IFS= read -r entry; do
		path=${entry##*:}
		[[ $path =~ $pattern ]] && report "${entry%:*}" "includes \"$path\": $why"
	done < <(includes "$dir")
}

for model in base gmp pthread eventloop null serial; do
	forbid models/$model '^(harness|workloads|tests)/' 'a model knows neither harness nor workloads'
done
forbid models/reference '^models/(base|gmp|pthread|eventloop)/|^(gr|pt|ev)\.h$' 'a foreign runtime owes nothing to a model of ours'
forbid models/reference '^harness/(cli|plan|measure|stats|results|report|loadgen)/|^tests/' 'a subject is not part of the orchestrator'
for part in libuv/bind.h state-threads boost-fiber; do
	forbid models/reference/$part '^(harness|workloads)/' 'a model knows neither harness nor workloads'
done
for model in gmp pthread eventloop null serial; do
	others=$(printf '%s\n' gmp pthread eventloop null serial reference | grep -v "^$model\$" | paste -sd'|')
	forbid models/$model "^(models/|\.\./)($others)/" 'a model knows no other model'
done
forbid models/base '^models/(gmp|pthread|eventloop)|^\.\./' 'models/base knows no model'
for dir in base cli plan measure stats results report loadgen; do
	forbid harness/$dir '^(models|workloads)/|^(gr|pt|ev)\.h$|bind\.h$' 'the harness asks subjects what they offer'
	[ $dir = base ] || forbid harness/$dir '^harness/subject/' 'the harness talks to subjects over the protocol only'
done
for dir in plan measure stats results report cli loadgen subject selftest; do
	forbid harness/base "^harness/$dir/" 'harness/base is below the rest of the harness'
done
forbid harness/subject '^harness/(cli|plan|measure|stats|results|report|loadgen)/' 'a subject is not part of the orchestrator'
forbid harness/selftest '^(models|workloads)/|^harness/(cli|plan|measure|stats|results|report|loadgen)/' 'it is a subject, and of no model'
forbid workloads '^models/|^(gr|pt|ev)\.h$|bind\.h$' 'a body reaches the model through direct.h or evented.h only'
forbid workloads '^harness/(cli|plan|measure|stats|results|report|loadgen)/' 'a workload knows bench.h, direct.h, evented.h and harness/base only'

# harness/subject reaches a model only in direct.h and evented.h, through SWITCHYARD_BIND, which names no model.
while IFS= read -r entry; do
	path=${entry##*:}
	[[ $path =~ ^models/ ]] &&
		report "${entry%:*}" "includes \"$path\": only direct.h and evented.h bind a model"
done < <(includes harness/subject)

# GNU MP owns these names: a wrong include path would compile silently against it.
while IFS= read -r file; do
	report "$file" 'named gmp.h: GNU MP owns that name'
done < <(find models harness workloads -name 'gmp.h')
while IFS= read -r hit; do
	report "${hit%%:*}" "uses a gmp_ symbol, which GNU MP owns: ${hit#*:*:}"
done < <(grep -rnE --include='*.[chS]' '\b(__)?gmp_[a-z]+ *\(' models harness workloads 2>/dev/null)

[ $bad = 0 ] && printf 'include directions: ok\n'
exit $bad
