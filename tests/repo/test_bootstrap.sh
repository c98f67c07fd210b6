#!/usr/bin/env bash
# scripts/bootstrap: with everything there it does nothing; with something missing and BOOTSTRAP=off, or as a user
# without sudo, it prints the one apt line and exits 2 without installing. What only tests want is no condition.
set -u
bootstrap=$2/scripts/bootstrap
out=$(mktemp) || exit 1
fake=$(mktemp -d) || exit 1
trap 'rm -rf "$out" "$fake"' EXIT
fail() { echo "$1"; cat "$out"; exit 1; }

bash "$bootstrap" >"$out" 2>&1 || fail 'fails although everything is installed'
[ -s "$out" ] && ! grep -q 'some tests will be skipped' "$out" && fail 'says something although everything is installed'

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

# What the build needs, and nothing of what only tests want.
for tool in cmake ninja pkg-config gnuplot; do
	path=$(command -v "$tool") && ln -s "$path" "$fake/$tool"
done
PATH=$fake BOOTSTRAP=off bash "$bootstrap" >"$out" 2>&1 || fail 'only tests want something: exit code is not 0'
grep -q 'some tests will be skipped' "$out" || fail 'only tests want something: not said'
grep -q 'apt-get install .*gdb' "$out" || fail 'only tests want something: no apt line'

# References are never needed: what is missing is told, with what it is for, and the exit code is 0.
rm -f "$fake/go"
PATH=$fake bash "$bootstrap" --references --check >"$out" 2>&1 || fail '--references --check: exit code is not 0'
grep -q 'apt-get install .*golang-go .*cargo' "$out" || fail '--references: no apt line'
grep -q 'cargo is missing: subject tokio$' "$out" || fail '--references: does not say what for'
PATH=$fake bash "$bootstrap" --refs >"$out" 2>&1
[ $? -eq 2 ] && grep -q 'no option --refs' "$out" || fail 'any option is taken'

# As root, where one package of several does not exist: the others are installed one by one.
printf '#!%s/bash\necho 0\n' "$fake" >"$fake/id"
rm "$fake/apt-get"
cat >"$fake/apt-get" <<END
#!$fake/bash
[[ " \$* " = *' valgrind '* ]] && exit 100
echo "\$*" >>"$fake/log"
END
chmod +x "$fake/apt-get"
PATH=$fake bash "$bootstrap" >"$out" 2>&1 || fail 'one package does not exist: exit code is not 0'
grep -qx 'update' "$fake/log" || fail 'one package does not exist: the lists are not fetched anew'
grep -q 'install .* gdb$' "$fake/log" || fail 'one package does not exist: the others are not installed'

# The same of the references: the others are installed, and the one is told.
sed -i 's/valgrind/cargo/' "$fake/apt-get"
: >"$fake/log"
PATH=$fake bash "$bootstrap" --references >"$out" 2>&1 || fail '--references: one package does not exist: exit code is not 0'
grep -q 'install .* fio$' "$fake/log" || fail '--references: the others are not installed'
grep -q 'cargo is missing: subject tokio' "$out" || fail '--references: does not say what is not to be had'
exit 0
