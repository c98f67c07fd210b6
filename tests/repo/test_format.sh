#!/usr/bin/env bash
# All C files are formatted; skipped (77) where clang-format is not installed.
bash "$2/scripts/check_format.sh" "$2"
