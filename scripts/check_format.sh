#!/usr/bin/env bash
# Every C file is as clang-format (version 14, .clang-format) writes it. Exit 77 (skipped) without clang-format.
# Usage: check_format.sh [--fix] [source directory]
set -u
fix=
[ "${1:-}" = --fix ] && { fix=1; shift; }
cd "${1:-$(dirname "$0")/..}" || exit 2
tool=$(command -v clang-format-14 || command -v clang-format) || {
	echo 'format: skipped, clang-format is not installed'
	exit 77
}
mapfile -t files < <(find models harness workloads tests docs -name '*.[ch]' | sort)
[ ${#files[@]} -gt 0 ] || { echo 'format: no C file found'; exit 1; }
if [ -n "$fix" ]; then
	"$tool" -i "${files[@]}"
	exit
fi
"$tool" --dry-run -Werror --ferror-limit=1 "${files[@]}" && printf 'format: %d files ok\n' "${#files[@]}"
