/*
 * test_report_pages.c - the pages and figures made from the run of report_fixture.h: complete, safe, regular, the same
 * bytes for the same samples. `test-harness-report_pages DIR` writes that run and its report to DIR, to look at.
 */
#include "tests/harness/report_fixture.h"

/* ---- questions to report.json -------------------------------------------------------------------- */

static json_t *report(void)
{
	static json_t *cached;

	if (!cached) {
		char *text = get_file(run_dir, "report.json");

		cached = json_loads(text, 0, NULL);
		assert_non_null(cached);
		free(text);
	}
	return cached;
}

static bool has_text(const char *where, const char *what)
{
	return strstr(where, what) != NULL;
}

/* ---- tests: the pages ---------------------------------------------------------------------------- */

/* Every element that is opened is closed, in order. */
static void assert_balanced(const char *html)
{
	static const char *const empty[] = {"meta",   "path", "use",     "br",   "rect",
					    "circle", "line", "polygon", "stop", "!DOCTYPE"};
	char stack[64][24];
	size_t depth = 0;

	for (const char *p = strchr(html, '<'); p; p = strchr(p + 1, '<')) {
		bool closes = p[1] == '/', single_tag = false;
		const char *name = p + 1 + closes, *end = strchr(p, '>');
		size_t n = 0;

		assert_non_null(end);
		while (isalnum((unsigned char)name[n]) || name[n] == '!')
			n++;
		for (size_t i = 0; i < COUNT(empty); i++)
			single_tag |= strlen(empty[i]) == n && strncmp(name, empty[i], n) == 0 &&
				      (end[-1] == '/' || i == 0 || i == 9);
		if (single_tag || end[-1] == '/' || strncmp(p, "<!--", 4) == 0 || n == 0)
			continue;
		if (!closes) {
			assert_true(depth < COUNT(stack) && n < sizeof(stack[0]));
			snprintf(stack[depth++], sizeof(stack[0]), "%.*s", (int)n, name);
		} else if (depth == 0 || strlen(stack[depth - 1]) != n || strncmp(stack[depth - 1], name, n) != 0) {
			fail_msg("</%.*s> closes <%s>", (int)n, name, depth ? stack[depth - 1] : "nothing");
		} else {
			depth--;
		}
	}
	assert_int_equal(depth, 0);
}

static size_t occurrences(const char *text, const char *what)
{
	size_t n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static void html_is_whole_safe_and_self_contained(void **state)
{
	char *html = get_file(run_dir, "report.html");

	(void)state;
	assert_balanced(html);
	assert_false(has_text(html, "<script"));
	assert_false(has_text(html, "<link"));
	assert_false(has_text(html, "<img"));
	assert_false(has_text(html, "@import"));
	assert_false(has_text(html, "url(http"));
	assert_true(has_text(html, "&lt;script&gt;alert('x')&lt;/script&gt; | *a* `b` &quot;c&quot; &amp; d_e"));
	assert_true(has_text(html, "other&lt;&amp;&gt;"));
	assert_true(has_text(html, "name=\"viewport\""));
	assert_true(has_text(html, "prefers-color-scheme:dark"));
	assert_int_equal(occurrences(html, "<table>"), occurrences(html, "<caption><span>"));
	assert_int_equal(occurrences(html, "<th>"), 0); /* all have a scope */
	assert_int_equal(occurrences(html, "<svg "), occurrences(html, "<svg role=\"img\" aria-label=\""));
	free(html);
}

static void pages_say_what_was_found(void **state)
{
	static const char *const phrases[] = {
		"`gmp` needs at least 3",
		"x less time than `pthread` for one hop of the token (median ",
		"99.6 % interval ",
		", 9 paired rounds)",
		"need the same time within 5 % for",
		"x less memory than `pthread` for one parked task",
		"`gmp` has an at least 95.0x longer p99 delay than `pthread` for one operation (median 95.2x",
		"| cell, model | delay (what is ranked) | p50 | p99 | p99.9 |",
		"| 900 us [866, 934] | – (of 2200) |", /* of these two beyond it */
		"| 95.00 us [95.00, 95.01] | 180.0 us [180.0, 180.0] |",
		"pthread | `jain` | 0.540 [0.510, 0.570] | 0.500 | 0.580 | 9 |",
		"is not judged (median",
		"disturbed by other programs",
		"1 server CPU",
		"unsupported: single-threaded: a lock cannot contend",
		"too slow here: estimated 40 s",
		"switchyard run -f 'workload:ring subject:gmp' --seed 0x00000000000000ff",
		"switchyard run -f 'workload:ring subject:gmp' -f workload:switch/ring --seed 0x",
		"**with uncommitted changes**",
		"Seed `00000000000000ff`",
		"no cpufreq here",
		"no hardware counters",
		"**Simulated, not measured** (valgrind-3.19.0, cachegrind)",
		"(usual: this machine does not tell its own)",
		"which cachegrind cannot take",
		"| 402 | 402 | 201 | ≈ 0 | 70.0 | 6.00 | ≈ 0 | 3 |",
		"| 102 (100 to 104) | – | 51.0 (50.0 to 52.0) | ≈ 0 | 64.0 | – | ≈ 0 | 3 |",
		"kernel share of instructions",
		"per kernel switch",
		"The smallest difference that these rounds could have shown",
		"**FASTER**",
		"**SLOWER**",
		"**EQUIVALENT**",
		"**INCONCLUSIVE**",
		"**UNTRUSTED**",
		"**LESS**",
		"**MORE**",
		"**Bound by the load generator:** `connections=128` gmp: the generator was 99 % [99, 99] busy",
		"| 1.02 [1.02, 1.02] |",
		"9 (4 disturbed)",
		"41.2 ns [40.0, 42.4]",
		"Virtualised (kvm)",
		"`cycles` not counted",
		("Lines of code, without comments: `gmp`, `pthread` 56 and 48 shared with other workloads "
		 "(`dx_send`); `serial` 24."),
		"line"};
	char *md = get_file(run_dir, "report.md");

	(void)state;
	for (size_t i = 0; i < COUNT(phrases); i++)
		if (!has_text(md, phrases[i]))
			fail_msg("report.md does not say \"%s\"", phrases[i]);
	assert_false(has_text(md, "nan"));
	assert_false(has_text(md, "inf ")); /* a number that is none */
	free(md);
}

/* Every row of a Markdown table has as many cells as its head. */
static void markdown_tables_are_regular(void **state)
{
	char *md = get_file(run_dir, "report.md"), *save = NULL;
	size_t columns = 0, tables = 0;

	(void)state;
	for (char *line = strtok_r(md, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t bars = 0;

		if (line[0] != '|') {
			columns = 0;
			continue;
		}
		for (char *p = line; *p; p++)
			bars += *p == '|' && (p == line || p[-1] != '\\');
		tables += columns == 0;
		columns = columns ? columns : bars;
		if (bars != columns)
			fail_msg("%zu bars, the head has %zu: %s", bars, columns, line);
	}
	assert_true(tables >= 10);
	free(md);
}

static void benchstat_lines_are_well_formed(void **state)
{
	char *text = get_file(run_dir, "benchstat.txt"), *save = NULL;
	size_t lines = 0;

	(void)state;
	assert_true(has_text(text, "goarch: amd64\n"));
	assert_true(has_text(text, "BenchmarkSwitchRing/tasks=64/ws_kib=0/placement=same/subject=gmp-1\t"));
	assert_true(has_text(text, "/subject=other") == false); /* it has no ok sample */
	assert_true(has_text(text, "/subject=gmp_twin-1\t"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[200], unit[40];
		double value;
		long ops;

		if (strncmp(line, "Benchmark", 9) != 0)
			continue;
		lines++;
		assert_int_equal(sscanf(line, "%199s %ld %lf %39s", name, &ops, &value, unit), 4);
		assert_true(ops > 0 && value > 0);
		assert_true(isdigit((unsigned char)name[strlen(name) - 1]));
		assert_true(strcmp(unit, "ns/op") == 0 || strcmp(unit, "bytes/task") == 0);
	}
	/* 56 pairs of a subject and a cell that have numbers, and three twins, nine rounds each. */
	assert_int_equal(lines, (56 + 3) * ROUNDS);
	free(text);
}

static void summary_fits_the_width(void **state)
{
	static const unsigned widths[] = {60, 80, 120};

	(void)state;
	for (size_t i = 0; i < COUNT(widths); i++) {
		char *text = NULL, *save = NULL;
		size_t size;
		struct err err = {""};
		FILE *f = open_memstream(&text, &size);

		assert_int_equal(report_summary(run_dir, f, widths[i], &err), 0);
		fclose(f);
		assert_true(has_text(text, "41.2 ns"));
		assert_true(has_text(text, "unsupp."));
		assert_true(has_text(text, "report.html"));
		assert_true(has_text(text, " UNTRUSTED"));
		assert_true(has_text(text, " LESS"));
		assert_true(has_text(text, "  ws_kib=512 same w1 ")); /* not cut */
		for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			if (line[0] == ' ' && strlen(line) > widths[i])
				fail_msg("%zu columns, %u allowed: %s", strlen(line), widths[i], line);
		free(text);
	}
}

/* ---- tests: figures ------------------------------------------------------------------------------ */

/* Below each section's figures, and in the files that draw them: seed, commit, changes, binaries. */
static void figures_say_where_they_come_from(void **state)
{
	char *md = get_file(run_dir, "report.md"), *gp = get_file(run_dir, "plots/switch_ring_cells.gp");
	char *dat = get_file(run_dir, "plots/switch_ring_cells.dat");
	const char *note = strstr(md, "SHA-256 of the binaries: gmp `00ff`");
	size_t notes = 0, sections = 0;

	(void)state;
	assert_non_null(note);
	for (const char *p = md; (p = strstr(p, "SHA-256 of the binaries")) != NULL; p++)
		notes++;
	for (const char *p = md; (p = strstr(p, "To repeat this section:")) != NULL; p++)
		sections++;
	assert_int_equal(notes, sections);
	assert_true(notes > 5);
	assert_non_null(strstr(md, "seed `00000000000000ff`, commit `"));
	assert_non_null(strstr(md, "switchyard replay RUN --cell 'switch/ring tasks=64 ws_kib=0 same w1'"));
	assert_non_null(strstr(gp, "# Seed 00000000000000ff, commit "));
	assert_non_null(strstr(gp, "# gmp: SHA-256 00ff\n"));
	assert_non_null(strstr(dat, "# Run 20261123T161500Z-example, switchyard run -f 'workload:ring subject:gmp'"));
	free(md);
	free(gp);
	free(dat);
}

static bool have_gnuplot(void)
{
	return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

/* What stands behind id= in either quotes, twice in no page. */
static void names_are_unique(const char *html)
{
	for (const char *p = strstr(html, " id="); p; p = strstr(p + 1, " id=")) {
		char name[200];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p + 5, "'\"") + 5, p);
		for (const char *q = strstr(p + 1, name); q; q = strstr(q + 1, name))
			if (q[strlen(name)] == '\'' || q[strlen(name)] == '"')
				fail_msg("the page has %s twice", name);
	}
}

/* A picture that was copied out of the report says so itself, and is still a picture. */
static void pictures_say_where_they_come_from(void **state)
{
	static const unsigned char end[] = "IEND";
	struct err err;
	char *svg, *png, *chunk;
	size_t size, n;

	(void)state;
	assert_int_equal(stamp_crc(end, 4), 0xae426082); /* as it stands at the end of every PNG */
	if (!have_gnuplot())
		skip();
	svg = get_file(run_dir, "plots/switch_ring_cells.svg");
	assert_non_null(strstr(svg, "<desc># Run 20261123T161500Z-example, switchyard run -f"));
	assert_non_null(strstr(svg, "# Seed 00000000000000ff, commit 0123456789ab with uncommitted changes."));
	assert_non_null(strstr(svg, "# gmp: SHA-256 00ff"));
	free(svg);
	assert_int_equal(report_file_read(run_dir, "plots/switch_ring_cells.png", &png, &size, &err), 0);
	chunk = png + 33; /* behind the head */
	n = (size_t)(unsigned char)chunk[2] << 8 | (unsigned char)chunk[3];
	assert_memory_equal(chunk + 4, "tEXtComment", 12);
	assert_memory_equal(chunk + 16, "# Run 20261123T161500Z-example, switchyard run", 46);
	assert_non_null(memmem(chunk, n, "# Seed 00000000000000ff, commit 0123456789ab", 44));
	assert_non_null(memmem(chunk, n, "# gmp: SHA-256 00ff", 19));
	for (int i = 0; i < 4; i++)
		assert_int_equal((unsigned char)chunk[8 + n + i],
				 stamp_crc((unsigned char *)chunk + 4, n + 4) >> (24 - 8 * i) & 0xff);
	assert_memory_equal(png + size - 8, "IEND\xae\x42\x60\x82", 8);
	free(png);
}

static void figures_are_drawn(void **state)
{
	json_t *plot, *plots = json_object_get(report(), "plots");
	size_t i, ring = 0;
	char *html;

	(void)state;
	if (!have_gnuplot())
		skip();
	html = get_file(run_dir, "report.html");
	json_array_foreach (plots, i, plot) {
		char *svg = get_file(run_dir, field_text(plot, "svg", "none")), path[600];
		struct stat png;

		assert_true(has_text(svg, "</svg>"));
		free(svg);
		snprintf(path, sizeof(path), "%s/%s", run_dir, field_text(plot, "png", "none"));
		assert_int_equal(stat(path, &png), 0);
		assert_true(png.st_size > 2000);
		ring += has_text(field_text(plot, "id", ""), "switch_ring");
	}
	assert_int_equal(ring, 2); /* dots, and against ws_kib; there is one number of tasks */
	/* Eight charts of dots (null/empty has a single dot); ring by working set, echo by connections, memory twice;
	 * of an answered question the one of its own for which the run has values. */
	assert_int_equal(json_array_size(plots), 8 + 4 + 1);
	/* Each once in its workload's section; answered questions show theirs once more. */
	assert_true(occurrences(html, "<figure ") > json_array_size(plots));
	names_are_unique(html);
	/* Marker names must not meet each other in one page. */
	assert_false(has_text(html, "id='gpPt"));
	assert_false(has_text(html, "href='#gpPt"));
	free(html);
}

static void a_missing_gnuplot_is_said(void **state)
{
	char dir[320], *path = strdup(getenv("PATH")), *md;
	struct err err = {""};

	(void)state;
	snprintf(dir, sizeof(dir), "%s/bare", base_dir);
	write_run(dir, 1, false);
	setenv("PATH", base_dir, 1);
	assert_int_equal(report_write(dir, &err), 0);
	setenv("PATH", path, 1);
	free(path);
	md = get_file(dir, "report.md");
	assert_true(has_text(md, "Figures are missing: gnuplot is not installed."));
	assert_false(has_text(md, "!["));
	assert_true(has_text(md, "41.2 ns [40.0, 42.4]"));
	free(md);
}

/* The Chinese pages are whole, have Chinese figures, and leave all that stood there as it was. */
static void chinese_pages_stand_beside_the_english(void **state)
{
	static const char *const kept[] = {"report.json", "report.md", "report.html", "benchstat.txt",
					   "plots/switch_ring_cells.gp"};
	char *before[COUNT(kept)], *html, *svg;
	struct err err = {""};

	(void)state;
	for (size_t i = 0; i < COUNT(kept); i++)
		before[i] = get_file(run_dir, kept[i]);
	assert_int_equal(report_write_chinese(run_dir, &err), 0);
	for (size_t i = 0; i < COUNT(kept); i++) {
		char *after = get_file(run_dir, kept[i]);

		assert_string_equal(after, before[i]);
		free(after);
		free(before[i]);
	}
	html = get_file(run_dir, "report.zh-CN.html");
	assert_balanced(html);
	names_are_unique(html);
	assert_true(has_text(html, "<html lang=\"zh-CN\">"));
	assert_true(has_text(html, "每次操作的时间"));
	assert_false(has_text(html, "time per operation"));
	assert_true(has_text(html, "41.2 ns"));
	free(html);
	svg = get_file(run_dir, "plots/switch_ring_cells_zh.svg");
	assert_true(has_text(svg, "越小越好"));
	free(svg);
	/* Whoever writes the next page, writes it in English. */
	assert_string_equal(words_kind(VERDICT_FASTER, "wall_per_op"), "FASTER");
	html = get_file(run_dir, "report.zh-CN.md");
	assert_true(has_text(html, "plots/switch_ring_cells_zh.svg"));
	free(html);
}

static void the_same_samples_give_the_same_bytes(void **state)
{
	static const char *const files[] = {"report.json",
					    "report.md",
					    "report.html",
					    "benchstat.txt",
					    "plots/switch_ring_cells.gp",
					    "plots/switch_ring_cells.dat"};
	char again[320], shuffled[320];
	struct err err = {""};

	(void)state;
	snprintf(again, sizeof(again), "%s/again", base_dir);
	snprintf(shuffled, sizeof(shuffled), "%s/shuffled", base_dir);
	write_run(again, 1, false);
	write_run(shuffled, 101, false);
	assert_int_equal(report_write(again, &err), 0);
	assert_int_equal(report_write(shuffled, &err), 0);
	for (size_t i = 0; i < COUNT(files); i++) {
		char *a = get_file(again, files[i]), *b = get_file(shuffled, files[i]);

		if (strcmp(a, b) != 0)
			fail_msg("%s depends on the order of the samples", files[i]);
		free(a);
		free(b);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_is_whole_safe_and_self_contained),
		cmocka_unit_test(pages_say_what_was_found),
		cmocka_unit_test(markdown_tables_are_regular),
		cmocka_unit_test(benchstat_lines_are_well_formed),
		cmocka_unit_test(summary_fits_the_width),
		cmocka_unit_test(figures_say_where_they_come_from),
		cmocka_unit_test(pictures_say_where_they_come_from),
		cmocka_unit_test(figures_are_drawn),
		cmocka_unit_test(a_missing_gnuplot_is_said),
		cmocka_unit_test(chinese_pages_stand_beside_the_english),
		cmocka_unit_test(the_same_samples_give_the_same_bytes),
	};
	struct err err = {""};

	if (argc > 1) {
		write_run(argv[1], 1, true);
		if (report_write(argv[1], &err) == 0 && report_summary(argv[1], stdout, 100, &err) == 0)
			return 0;
		fprintf(stderr, "%s\n", err.why);
		return 1;
	}
	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
