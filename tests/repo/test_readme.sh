#!/usr/bin/env bash
# The answers in both READMEs are what the committed runs say, and a number that was typed there is found.
set -u
source_dir=$2
python3 -c '' 2>/dev/null || { echo 'readme: skipped, python3 is not installed'; exit 77; }
"$source_dir/scripts/readme_answers" --check || exit 1

plant=$(mktemp -d) || exit 1
trap 'rm -rf "$plant"' EXIT
mkdir -p "$plant/scripts" "$plant/results/reference"
cp "$source_dir/scripts/readme_answers" "$plant/scripts/"
for run in "$source_dir"/results/reference/*/; do
	mkdir "$plant/results/reference/$(basename "$run")"
	cp "$run"/report.json "$run"/report*.md "$plant/results/reference/$(basename "$run")/" 2>/dev/null
done
for readme in README.md README.zh-CN.md; do
	cp "$source_dir"/README.md "$source_dir"/README.zh-CN.md "$plant/"
	"$plant/scripts/readme_answers" --check || exit 1
	sed -i '/^| Q08 /s/[0-9]x/&9/' "$plant/$readme"
	"$plant/scripts/readme_answers" --check >"$plant/out" && { echo "$readme: a number typed into it was not found"; exit 1; }
	grep -q "^$readme:" "$plant/out" || { echo "$readme is not named"; exit 1; }
	"$plant/scripts/readme_answers" && cmp "$source_dir/$readme" "$plant/$readme" || exit 1
done
rm "$plant/README.md"
"$plant/scripts/readme_answers" --check 2>/dev/null
[ $? -eq 2 ] || { echo 'a README that is not there was not found'; exit 1; }
