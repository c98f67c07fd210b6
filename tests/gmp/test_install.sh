#!/usr/bin/env bash
# What a stranger gets: the runtime is installed as a package would be (DESTDIR), moved elsewhere, and used from there by
# means of pkg-config alone: examples are compiled and run with the shared and with the static library, in C and in C++;
# with CMake's package; and through dlopen. Nothing of the source tree may be needed or named.
# For a foreign architecture: with TEST_CC, and with TEST_EMULATOR, which runs its programs; what has no cross tool is
# left out.
set -u
build=$(realpath "$1") source=$(realpath "$2")
emulator=${TEST_EMULATOR:-}
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
cc=${TEST_CC:-$(cached CMAKE_C_COMPILER)} sanitize=$(cached SWITCHYARD_SANITIZE)
flags=(-Wall -Wextra -Werror ${sanitize:+-fsanitize=$sanitize})
command -v pkg-config >/dev/null || { echo 'skipped: pkg-config is not installed'; exit 77; }

dir=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
failed=0
fail() { # sentence [file]
	echo "FAILED: $1"
	failed=1
	[ -z "${2:-}" ] || head -n 30 "$2"
}
quietly() { "$@" >out 2>&1 || { fail "$*" out; return 1; }; }
run() { timeout 60 $emulator "$@"; }

# ---- install, move, look ----------------------------------------------------------------------------------------
DESTDIR=$dir/root quietly cmake --install "$build" --component gr || exit 1
prefix=$dir/root$(cached CMAKE_INSTALL_PREFIX)
mv "$prefix" "$dir/stage" && rm -rf "$dir/root" || exit 1
stage=$dir/stage
pc=$(find "$stage" -name gr.pc)
lib=$(dirname "$(dirname "$pc")")
# Ours first; then the machine's, for what ours may require (liburing).
PKG_CONFIG_LIBDIR=$lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)
export PKG_CONFIG_LIBDIR
for file in "$lib"/{libgr.a,libgr.so,libgr.so.0,pkgconfig/gr.pc,cmake/gr/grConfig.cmake,cmake/gr/grConfigVersion.cmake} \
	"$stage"/include/gr.h "$stage"/share/man/{man7/gr.7,man3/gr_go.3,man3/gr_chan_recv.3} "$stage"/share/gr/gr.py \
	"$stage"/share/doc/gr/{LICENSE,examples/{echo.c,sum.c,pipeline.c,README.md}}; do
	[ -s "$file" ] || fail "not installed: ${file#"$stage"/}"
done
[ "$(find "$stage/include" -type f | sort | xargs -n 1 basename | xargs)" = 'gr.h gr_grow.h' ] || fail 'other headers than ours'
grep -rIlF -e "$source" -e "$build" "$stage" >out && fail 'files that name the source or the build' out
[ "$(pkg-config --modversion gr)" = "$(cached CMAKE_PROJECT_VERSION)" ] || fail 'the version of gr.pc'

# ---- the libraries ----------------------------------------------------------------------------------------------
awk -f "$source/tests/gmp/prototypes.awk" "$stage/include/gr.h" | cut -f 1 | sort >declared
[ "$(wc -l <declared)" -gt 50 ] || fail 'gr.h: these are not all of its functions' declared
grep -oE '^static inline .*' "$stage/include/gr.h" | grep -oE '\bgr_[a-z0-9_]+\(' | tr -d '(' | sort >inline
sort declared | comm -23 - inline >public
nm -D --defined-only "$lib/libgr.so" | awk '{ print $3 }' | sort >exported
[ -n "$sanitize" ] && { grep '^gr_' exported >only; mv only exported; } # it adds some of its own
comm -13 public exported | grep . >out && fail 'libgr.so shows what gr.h does not declare' out
comm -23 public exported | grep . >out && fail 'gr.h declares what libgr.so does not show' out
nm -g --defined-only "$lib/libgr.a" 2>/dev/null | awk 'NF == 3 && $3 !~ /^(gr_|__odr_asan)/ { print $3 }' |
	grep -vE '^__(morestack(_non_split|_allocate_stack_space)?|wrap_pthread_create)$' >out && # compilers' names: grow_amd64.S
	fail 'libgr.a defines names that are not ours' out
readelf -d "$lib/libgr.so" >dynamic
grep -q 'SONAME.*\[libgr.so.0\]' dynamic || fail 'the name of libgr.so' dynamic
grep -q 'TEXTREL' dynamic && fail 'libgr.so: code that is relocated' dynamic
grep -q 'FLAGS.*BIND_NOW' dynamic || fail 'libgr.so: functions would be looked up on goroutines'"'"' stacks' dynamic
grep -q 'NODELETE' dynamic || fail 'libgr.so: can be unloaded' dynamic
# The slot of the current M is at a fixed distance, and there is no call for it.
readelf -rW "$lib/libgr.so" | grep -qE 'DTPMOD|TLSDESC' && fail 'libgr.so: thread-local variables that are looked up'

# ---- the header -------------------------------------------------------------------------------------------------
printf '#include <gr.h>\n#include <gr.h>\n' | tee header.c >header.cc
for compiler in "$cc" gcc clang g++ clang++; do
	[ -n "$emulator" ] && [ "$compiler" != "$cc" ] && continue
	command -v "$compiler" >/dev/null || { echo "left out: the header with $compiler"; continue; }
	case ${compiler##*/} in *++*) std=c++11 file=header.cc ;; *) std=c11 file=header.c ;; esac
	quietly "$compiler" -std=$std -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$stage/include" $file
done
"$cc" -M "$stage/share/doc/gr/examples/sum.c" $(pkg-config --cflags gr) | tr -d '\\' | tr ' ' '\n' >out
grep -qx "$(realpath "$stage")/include/gr.h\|$stage/.*/include/gr.h" out || fail 'another gr.h is found than the one installed' out
grep -qF "$source/" out && fail 'a header of the source tree is found' out

# ---- the examples -----------------------------------------------------------------------------------------------
check() { # program, what it prints
	run "./$1" >out 2>&1
	[ $? -eq 0 ] && [ "$(cat out)" = "$2" ] || fail "$1: does not print $2" out
}
# Two connections at once, to a server that ends after them.
check_echo() {
	local port one two line
	: >log
	run "./$1" 0 2 >log 2>&1 &
	server=$!
	for _ in {1..300}; do
		port=$(sed -n 's/^listening on 127.0.0.1://p' log)
		[ -z "$port" ] && kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	[ -n "$port" ] || { fail "$1: does not listen" log; return; }
	exec {one}<>"/dev/tcp/127.0.0.1/$port" {two}<>"/dev/tcp/127.0.0.1/$port" || { fail "$1: no connection" log; return; }
	for line in 'in the beginning' 'again'; do
		echo "$line, one" >&"$one"
		echo "$line, two" >&"$two"
		IFS= read -r -t 30 -u "$two" && [ "$REPLY" = "$line, two" ] || fail "$1: answers '$REPLY'"
		IFS= read -r -t 30 -u "$one" && [ "$REPLY" = "$line, one" ] || fail "$1: answers '$REPLY'"
	done
	exec {one}>&- {two}>&-
	wait "$server" || fail "$1: does not end well" log
	server=
}
examples=$stage/share/doc/gr/examples
export LD_LIBRARY_PATH=$lib
for name in sum pipeline echo; do
	# The second command is what README.md says.
	quietly "$cc" "${flags[@]}" "$examples/$name.c" -o $name $(pkg-config --cflags --libs gr)
	readelf -d $name | grep -q 'NEEDED.*\[libgr.so.0\]' || fail "$name does not use the shared library"
	[ -n "$sanitize" ] && { echo "left out: $name, linked statically: sanitizers cannot"; continue; }
	quietly "$cc" -static "${flags[@]}" "$examples/$name.c" -o $name-static $(pkg-config --static --cflags --libs gr)
	readelf -d $name-static | grep -q NEEDED && fail "$name-static is not static"
done
kinds=(sum pipeline echo)
[ -n "$sanitize" ] || kinds+=(sum-static pipeline-static echo-static)
for program in "${kinds[@]}"; do
	case $program in
	sum*) check "$program" 499999500000 ;;
	pipeline*) check "$program" 338350 ;;
	echo*) check_echo "$program" ;;
	esac
done
# What keeps frames from stepping over the guard, if the compiler has it.
if "$cc" -Werror -fstack-clash-protection -fsyntax-only -I"$stage/include" header.c 2>/dev/null; then
	[[ " $(pkg-config --cflags gr) " = *' -fstack-clash-protection '* ]] || fail 'gr.pc: frames step over the guards of stacks'
fi

# ---- stacks that grow -------------------------------------------------------------------------------------------
if [ -e "$lib/pkgconfig/gr-grow.pc" ]; then
	cat >growing.c <<'END'
#include <gr.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int dive(int n)
{
	volatile char room[500];
	room[0] = 1;
	return n ? dive(n - 1) + room[0] : 0;
}
static gr_wg wg;
static void work(void *arg)
{
	char text[100];
	snprintf(text, sizeof(text), "%.1f", 2.5);
	*(int *)arg += dive(1000) + (strcmp(text, "2.5") == 0);
	gr_foreign(free, malloc(10));
	gr_wg_done(&wg);
}
static void root(void *arg)
{
	gr_wg_add(&wg, 1);
	gr_go(work, arg);
	gr_wg_wait(&wg);
}
static void *thread(void *arg)
{
	*(int *)arg += dive(10);
	return NULL;
}
int main(void)
{
	const char *names[40];
	char values[40][32];
	int sum = 0;
	pthread_t t;
	if (gr_start(NULL) < 0)
		return 1;
	gr_run(root, &sum);
	for (size_t n = gr_knobs(names, values, 40), i = 0; i < n; i++)
		if (!strcmp(names[i], "grow"))
			printf("grow=%s ", values[i]);
	gr_stop();
	if (pthread_create(&t, NULL, thread, &sum) || pthread_join(t, NULL))
		return 1;
	printf("%d\n", sum);
	return 0;
}
END
	# In one step, and without what it needs: then page stacks, and it says so.
	read -ra grow_flags <<<"$(pkg-config --cflags gr-grow)"
	read -ra grow_libs <<<"$(pkg-config --libs gr-grow)"
	if "$cc" "${grow_flags[@]}" growing.c "${grow_libs[@]}" -o growing >out 2>&1; then
		[[ "$(./growing 2>&1)" =~ ^grow=(1|0\ \(runtime\ built\ by\ clang\))\ 1011$ ]] || fail "gr-grow.pc: $(./growing 2>&1 | head -n 3)"
		# A page stack does not take dive(1000): what counts is the reason.
		[[ "$(sed 's/1000/10/' growing.c >few.c && "$cc" "${grow_flags[@]}" few.c "${grow_libs[@]}" -Wl,-z,lazy -o lazy 2>&1 &&
			./lazy)" = 'grow=0 '* ]] || fail 'lazy binding is not noticed'
		# The checks of another compiler, which has its own forms of them, on the same runtime.
		if ! command -v clang >/dev/null; then
			echo 'left out: checks as clang makes them, there is no clang'
		elif quietly clang "${grow_flags[@]}" growing.c "${grow_libs[@]}" -o growing-clang; then
			[ "$(./growing-clang 2>&1)" = "$(./growing 2>&1)" ] || fail "compiled by clang: $(./growing-clang 2>&1 | head -n 3)"
		fi
		# Exceptions pass through seams: frames are undone, and what grows after that does so from where it is.
		cat >thrown.cc <<'END'
#include <gr.h>
#include <cstdio>
static int undone, built, caught;
struct guard {
	int n;
	explicit guard(int i) : n(i) { built++; }
	~guard() { undone++; }
};
static int dive(int n, int park_at)
{
	volatile char room[500];
	guard g(n);
	room[n % 500] = 1;
	if (n == park_at)
		gr_yield();
	if (n == 0)
		throw 7;
	try {
		return dive(n - 1, park_at) + room[n % 500];
	} catch (long) {
		return -1;
	}
}
static int grow(int n)
{
	volatile char room[500];
	room[n % 500] = 1;
	return n ? grow(n - 1) + room[n % 500] : 0;
}
static int again(int n)
{
	try {
		return dive(n, n / 2);
	} catch (int x) {
		caught += x == 7;
		if (grow(300) != 300) caught -= 100;
		if (n % 3 == 0) throw;
		return 0;
	}
}
static gr_wg wg;
static void work(void *arg)
{
	int *sum = static_cast<int *>(arg);
	for (int i = 1; i < 600; i++) {
		try {
			*sum += again(i);
		} catch (int) {
			*sum += 1;
		}
	}
	gr_wg_done(&wg);
}
static void root(void *arg)
{
	gr_wg_add(&wg, 1);
	gr_go(work, arg);
	gr_wg_wait(&wg);
}
int main()
{
	int sum = 0;
	if (gr_start(nullptr) < 0)
		return 1;
	gr_run(root, &sum);
	gr_stop();
	std::printf("%d %d %d\n", sum, caught, built - undone);
	return 0;
}
END
		for compiler in g++ clang++; do
			if ! command -v $compiler >/dev/null; then
				echo "left out: exceptions, there is no $compiler"
			elif [[ "$(./growing)" = grow=1* ]] && quietly $compiler "${grow_flags[@]}" -O1 thrown.cc "${grow_libs[@]}" -o thrown; then
				[ "$(./thrown 2>&1)" = '199 599 0' ] || fail "exceptions, $compiler: $(./thrown 2>&1 | head -n 3)"
			fi
		done
	else
		fail "gr-grow.pc does not link: $(head -n 5 out)"
	fi
else
	echo 'left out: stacks do not grow in this build'
fi

# ---- without being linked ---------------------------------------------------------------------------------------
cat >late.c <<'END'
#include <dlfcn.h>
#include <gr.h>
#include <stdio.h>
static void say(void *arg)
{
	puts(arg);
}
int main(void)
{
	for (int i = 0; i < 2; i++) {
		void *lib = dlopen("libgr.so.0", RTLD_NOW);
		int (*start)(const struct gr_config *) = lib ? dlsym(lib, "gr_start") : NULL;
		void (*run)(void (*)(void *), void *) = lib ? dlsym(lib, "gr_run") : NULL;
		void (*stop)(void) = lib ? dlsym(lib, "gr_stop") : NULL;
		if (!start || start(NULL))
			return 1;
		run(say, "late");
		stop();
		dlclose(lib);
	}
	return 0;
}
END
quietly "$cc" "${flags[@]}" late.c -o late $(pkg-config --cflags gr) -ldl && check late $'late\nlate'

# ---- C++ --------------------------------------------------------------------------------------------------------
# The same source as C and as C++: it sees the same sizes and places, and waits on all the words that gr.h lays open.
{
	printf '#include <gr.h>\n#include <stdio.h>\nstatic void layout(void)\n{\n'
	sed -nE 's/^\} (gr_[a-z]+);.*/\1/p; s/^(struct gr_[a-z]+) \{.*/\1/p' "$stage/include/gr.h" |
		sed 's/.*/	printf("%s %zu\\n", "&", sizeof(&));/'
	sed -nE 's/^\} (gr_[a-z]+);.*/\1/p' "$stage/include/gr.h" |
		sed 's/.*/	struct after_& { char c; & x; };\n	printf("%zu\\n", sizeof(struct after_&));/'
	cat <<'END'
}
struct all {
	gr_mutex m;
	gr_cond c;
	gr_wg wg;
	gr_once once;
	gr_atomic32 permits;
	gr_chan *chan;
	int seen;
};
static void once(void *arg)
{
	((struct all *)arg)->seen++;
}
static void other(void *arg)
{
	struct all *a = (struct all *)arg;
	int n = 7;
	gr_once_do(&a->once, once, a);
	gr_mutex_lock(&a->m);
	a->seen += 10;
	gr_cond_signal(&a->c);
	gr_mutex_unlock(&a->m);
	gr_sema_acquire(&a->permits);
	gr_chan_send(a->chan, &n);
	gr_wg_done(&a->wg);
}
static void first(void *arg)
{
	struct all *a = (struct all *)arg;
	gr_case c[1];
	int n = 0;
	if (gr_chan_new(sizeof(n), 0, &a->chan))
		return;
	gr_wg_add(&a->wg, 1);
	gr_mutex_lock(&a->m);
	if (gr_go(other, a))
		return;
	while (a->seen < 10)
		gr_cond_wait(&a->c, &a->m);
	gr_mutex_unlock(&a->m);
	gr_once_do(&a->once, once, a);
	gr_sema_release(&a->permits);
	gr_case_recv(&c[0], a->chan, &n);
	gr_select(c, 1);
	gr_wg_wait(&a->wg);
	gr_chan_free(a->chan);
	printf("%d\n", a->seen + n);
}
static struct all all;
int main(void)
{
	layout();
	if (gr_start(NULL))
		return 1;
	gr_run(first, &all);
	gr_stop();
	return 0;
}
END
} | tee words.c >words.cc
cxx=${cc##*/} cxx=${cxx/%gcc/g++} cxx=${cxx/%clang/clang++} cxx=${cxx/#cc/c++}
if quietly "$cc" "${flags[@]}" words.c -o words-c $(pkg-config --cflags --libs gr); then
	run ./words-c >words
	[ "$(tail -n 1 words)" = 18 ] && [ "$(wc -l <words)" -gt 10 ] || fail 'words.c' words
fi
if ! command -v "$cxx" >/dev/null; then
	echo "left out: C++, there is no $cxx"
elif quietly "$cxx" "${flags[@]}" words.cc -o words-cc $(pkg-config --cflags --libs gr); then
	run ./words-cc >out 2>&1
	diff words out >differ || fail 'C++ sees gr.h otherwise than C (atomic words: gr_atomic32, gr_atomic64)' differ
fi

# ---- CMake ------------------------------------------------------------------------------------------------------
if [ -z "$emulator" ]; then
	mkdir package
	cat >package/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
project(stranger LANGUAGES C)
find_package(gr 0.1 REQUIRED)
foreach(kind gr gr_static)
  add_executable(sum-${kind} ${EXAMPLES}/sum.c)
  target_link_libraries(sum-${kind} gr::${kind})
endforeach()
END
	quietly cmake -S package -B package/build -G "$(cached CMAKE_GENERATOR)" -DCMAKE_PREFIX_PATH="$stage" -DEXAMPLES="$examples" \
		-DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="${sanitize:+-fsanitize=$sanitize}" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
		quietly cmake --build package/build && for kind in gr gr_static; do check package/build/sum-$kind 499999500000; done
	for flag in $(pkg-config --cflags-only-other gr); do
		grep -qe "$flag" package/build/compile_commands.json || [ "$flag" = -pthread ] || fail "CMake's package does not say $flag"
	done
fi
exit $failed
