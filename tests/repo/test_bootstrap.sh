#!/usr/bin/env bash
# scripts/bootstrap: with everything there it does nothing; with something missing and BOOTSTRAP=off, or as a user
# without sudo, it prints the one apt line and exits 2 without installing.
set -u
bootstrap=$2/scripts/bootstrap
out=$(mktemp) || exit 1
fake=$(mktemp -d) || exit 1
trap 'rm -rf "$out" "$fake"' EXIT
fail() { echo "$1"; cat "$out"; exit 1; }

bash "$bootstrap" >"$out" 2>&1 || fail 'fails although everything is installed'
[ -s "$out" ] && fail 'says something although everything is installed'

# A PATH with the basic tools only: cmake, ninja, gnuplot and pkg-config are missing there.
for tool in bash sed id env cat printf test grep; do
	path=$(command -v "$tool") && [ -x "$path" ] && ln -s "$path" "$fake/$tool"
done
ln -s /bin/false "$fake/apt-get"
PATH=$fake BOOTSTRAP=off bash "$bootstrap" >"$out" 2>&1
[ $? -eq 2 ] || fail 'BOOTSTRAP=off: exit code is not 2'
grep -q 'apt-get install .*cmake ninja-build pkg-config' "$out" || fail 'BOOTSTRAP=off: no apt line'
PATH=$fake bash "$bootstrap" --check >"$out" 2>&1
[ $? -eq 2 ] || fail '--check: exit code is not 2'

# Neither root nor sudo: id says 1000, there is no sudo in PATH.
rm "$fake/id"
printf '#!%s/bash\necho 1000\n' "$fake" >"$fake/id"
chmod +x "$fake/id"
PATH=$fake bash "$bootstrap" >"$out" 2>&1
[ $? -eq 2 ] || fail 'no root, no sudo: exit code is not 2'
grep -q 'neither root nor' "$out" || fail 'no root, no sudo: not said'
exit 0
