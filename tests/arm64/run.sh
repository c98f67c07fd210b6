#!/usr/bin/env bash
# run.sh BUILD SOURCE        configure and build the runtime and tests/gmp for arm64, in BUILD/arm64
# run.sh BUILD SOURCE NAME   run one of these programs in the emulator
# run.sh BUILD SOURCE .sh    run tests/gmp/test_install.sh on that build
#
# Skipped (77), with the reason, without the cross compiler or the emulator; so are single cases that an emulator cannot
# run: tests/arm64/skip.
#
# What this can find: a switch, an entry or an unwinding that breaks the architecture's rules, code that takes amd64 for
# granted, what the compiler for arm64 makes of the rest. What it cannot: on an amd64 host the emulator gives the memory
# order of amd64, which is stronger than arm64's, so a missing barrier goes unnoticed; times mean nothing either. So what
# is repeated in the hope of a rare order of events is repeated less often (TEST_SLOW).
set -u
build=$1 source=$2 name=${3:-}
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (scripts/bootstrap)"; exit 77; }
done
[[ $(aarch64-linux-gnu-gcc -print-file-name=libc.a) == */* ]] || {
	echo 'skipped: there is no static libc for arm64 (scripts/bootstrap)'
	exit 77
}

if [ -z "$name" ]; then
	rm -f "$build/arm64/built" # what is there from before must not be taken for this one
	cmake -S "$source" -B "$build/arm64" -G Ninja --toolchain "$source/scripts/arm64.cmake" -DCMAKE_BUILD_TYPE=Release \
		-DSWITCHYARD_RUNTIME_ONLY=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >"$build/arm64.log" 2>&1 &&
		cmake --build "$build/arm64" >>"$build/arm64.log" 2>&1 || { cat "$build/arm64.log"; exit 1; }
	: >"$build/arm64/built"
	exit 0
fi

[ -e "$build/arm64/built" ] || { echo 'arm64/build has not built it'; exit 1; }
if [ "$name" = .sh ]; then
	# The shared libraries for arm64 lie where the cross compiler has them: ROOT/lib.
	libc=$(realpath "$(aarch64-linux-gnu-gcc -print-file-name=libc.so.6)")
	TEST_CC=aarch64-linux-gnu-gcc TEST_EMULATOR="qemu-aarch64 -L $(dirname "$(dirname "$libc")")" \
		exec bash "$source/tests/gmp/test_install.sh" "$build/arm64" "$source"
fi
# Lines of the list are "program case: reason".
skips=()
while IFS=: read -r what reason; do
	read -r program case <<<"$what"
	[ "$program" = "$name" ] || continue
	echo "left out: $case:$reason"
	skips+=("$case")
done < <(grep -v '^#' "$source/tests/arm64/skip")
TEST_SLOW=1 TEST_SKIP="${skips[*]-}" TEST_EMULATOR=qemu-aarch64 exec qemu-aarch64 "$build/arm64/tests/test-gmp-$name"
