#!/usr/bin/env bash
# The report's Chinese is whole: every sentence has its own, none is left over, arguments agree; the reference run in
# Chinese has no English sentence left. And the checker finds a planted fault of each kind.
set -u
build=$1 source_dir=$2
python3 -c '' 2>/dev/null || { echo 'translations: skipped, python3 is not installed'; exit 77; }
check=$source_dir/scripts/check_translations
"$check" "$source_dir" || exit 1

plant=$(mktemp -d) || exit 1
trap 'rm -rf "$plant"' EXIT

# ---- the checker
mkdir -p "$plant/tree/harness/report/lang" "$plant/tree/workloads" "$plant/tree/models" "$plant/tree/tests/repo"
cp "$source_dir/tests/repo/zh_kept.txt" "$plant/tree/tests/repo/"
expect_fault() { # sentence in what it prints, source, catalogue
	printf '%s\n' "$2" >"$plant/tree/harness/report/a.c"
	printf '%s\n' "$3" >"$plant/tree/harness/report/lang/zh.def"
	"$check" "$plant/tree" >"$plant/out" && { echo "not found: $1"; exit 1; }
	grep -q "$1" "$plant/out" || { echo "not named: $1"; cat "$plant/out"; exit 1; }
}
expect_fault 'no Chinese' 'x = say("a word");' ''
expect_fault 'no Chinese' 'doc_say(d, is ? "one word" : "two " "words", n);' 'T("one word", "一")'
expect_fault 'no Chinese' 'static const char *const heads[] = {SAID("a word")};' ''
expect_fault 'no source has it' 'x = say("a word");' 'T("a word", "词") T("old word", "旧词")'
expect_fault 'there twice' 'x = say("a word");' 'T("a word", "词") T("a word", "词")'
expect_fault 'other arguments' 'x = say("%zu of %s");' 'T("%zu of %s", "%s 的 %zu")'
expect_fault 'other arguments' 'x = say("%zu of %s");' 'T("%zu of %s", "%1$zu 个")'
expect_fault 'other arguments' 'x = say("%s word");' 'T("%s word", "%ld 词")'
printf 'x = say("%%zu of %%s"); /* say("no code") */\n' >"$plant/tree/harness/report/a.c"
printf 'T("%%zu of %%s", "%%2$s 的 %%1$zu")\n' >"$plant/tree/harness/report/lang/zh.def"
"$check" "$plant/tree" || exit 1

printf '# a\n\n```\nmake a # one\nmake b\n```\n[x](docs/x.md)\n' >"$plant/tree/README.md"
printf '# 甲\n\n```\nmake a # 一\nmake b\n```\n[x](docs/x.md)\n' >"$plant/tree/README.zh-CN.md"
"$check" "$plant/tree" || exit 1
for line in 'make b' '\[x\].*' '# 甲'; do
	sed "s,^$line\$,," "$plant/tree/README.zh-CN.md" >"$plant/less" && mv "$plant/less" "$plant/tree/README.zh-CN.md"
	"$check" "$plant/tree" >"$plant/out" && { echo "a README without '$line' was not found"; exit 1; }
	printf '# 甲\n\n```\nmake a # 一\nmake b\n```\n[x](docs/x.md)\n' >"$plant/tree/README.zh-CN.md"
done

# ---- a run in Chinese; figures by a stand-in that puts the texts of a script into an SVG
run=$plant/run
mkdir -p "$run" "$plant/bin"
cat >"$plant/bin/gnuplot" <<'FAKE'
#!/bin/sh
id=${2%.gp}
{
	echo '<svg viewBox="0 0 1 1">'
	sed -n 's/^\(caption\|axis_label\|value_label\|title_[0-9]*\) = "\(.*\)"$/<text>\2<\/text>/p' "$2"
	echo '</svg>'
} >"$id.svg"
grep -q '^targets = "svg"' "$2" || cp "$id.svg" "$id.png"
FAKE
chmod +x "$plant/bin/gnuplot"
cp "$source_dir/results/reference/xeon-2vcpu/run.json" "$run/" &&
	gunzip -c "$source_dir/results/reference/xeon-2vcpu/samples.jsonl.gz" >"$run/samples.jsonl" || exit 1
switchyard() { PATH=$plant/bin:$PATH "$build/switchyard" "$@"; }
switchyard report "$run" >"$plant/english" || exit 1
for f in report.html report.md report.json benchstat.txt; do cp "$run/$f" "$plant/$f" || exit 1; done
SWITCHYARD_LANG=zh switchyard report "$run" >"$plant/chinese" || exit 1
for f in report.html report.md report.json benchstat.txt; do
	cmp "$run/$f" "$plant/$f" || { echo "$f changes with the language"; exit 1; }
done
grep -q '比较：' "$plant/chinese" || { echo 'the summary is not Chinese'; exit 1; }
"$check" --page "$run/report.zh-CN.html" --page "$run/report.zh-CN.md" "$source_dir" || exit 1
grep -q '<html lang="zh-CN">' "$run/report.zh-CN.html" && grep -q "'Noto Sans CJK SC'" "$run/report.zh-CN.html" ||
	{ echo 'no language or no Chinese font in the page'; exit 1; }
grep -q '_zh.svg' "$run/report.zh-CN.md" || { echo 'the figures are not those of the language'; exit 1; }
grep -q '^caption = ".*每' "$run"/plots/*_zh.gp || { echo 'figures have English captions'; exit 1; }

# ---- PNGs are drawn where a font has Chinese; else the page says why there are none
printf '#!/bin/sh\n' >"$plant/bin/fc-list"
chmod +x "$plant/bin/fc-list"
"$build/tests/test-harness-report_pages" "$plant/small" >/dev/null || exit 1
switchyard report --lang zh "$plant/small" >/dev/null || exit 1
grep -q '没有安装含有中文字符的字体' "$plant/small/report.zh-CN.md" && ! ls "$plant"/small/plots/*_zh.png >/dev/null 2>&1 ||
	{ echo 'figures without a font are not as they should be'; exit 1; }
printf '#!/bin/sh\necho Some Font\n' >"$plant/bin/fc-list"
switchyard report --lang zh "$plant/small" >/dev/null || exit 1
! grep -q '没有安装含有中文字符的字体' "$plant/small/report.zh-CN.md" && ls "$plant"/small/plots/*_zh.png >/dev/null 2>&1 ||
	{ echo 'figures with a font are not as they should be'; exit 1; }

# English that is left is found: of a page, and of a figure.
sed 's/<p>[^<]*/<p>These medians are of nine processes each./' "$run/report.zh-CN.html" >"$plant/left.html"
"$check" --page "$plant/left.html" "$source_dir" >"$plant/out" && { echo 'an English paragraph was not found'; exit 1; }
grep -q 'These medians' "$plant/out" || exit 1

switchyard report --lang xx "$run" 2>"$plant/err"
[ $? = 2 ] && grep -q "there is no language 'xx'; known are en and zh" "$plant/err" || { cat "$plant/err"; exit 1; }
exit 0
