/*
 * test_say.c - sentences in the reader's language: words from the catalogue, and texts of records by the formats that made
 * them. That the catalogue is whole, scripts/check_translations sees (tests/repo/test_translations.sh).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/report/question.h"
#include "harness/report/say.h"
#include "harness/report/timeline.h"
#include "harness/stats/verdict.h"

static int in_english(void **state)
{
	(void)state;
	say_in(SAY_ENGLISH);
	return 0;
}

static int in_chinese(void **state)
{
	(void)state;
	say_in(SAY_CHINESE);
	return 0;
}

static void expect_record(const char *english, const char *expected)
{
	char *said = say_record(english);

	assert_string_equal(said, expected);
	free(said);
}

static bool is_translated(const char *english)
{
	return strcmp(say(english), english) != 0;
}

static void english_is_what_the_sources_say(void **state)
{
	(void)state;
	assert_string_equal(say("What was left out, and why"), "What was left out, and why");
	assert_string_equal(say_suffix(), "");
	expect_record("the run ended before it", "the run ended before it");
}

static void chinese_is_found_and_the_rest_stays(void **state)
{
	(void)state;
	assert_string_equal(say("What was left out, and why"), "哪些被略去，为什么");
	assert_string_equal(say("no sentence of ours"), "no sentence of ours");
	assert_string_equal(say_suffix(), "_zh");
}

/* Lists of which the compiler knows the end: a new verdict without its Chinese is seen here, whether or not a run has it. */
static void closed_lists_are_whole(void **state)
{
	(void)state;
	for (int kind = VERDICT_FASTER; kind <= VERDICT_UNTRUSTED; kind++)
		assert_true(is_translated(verdict_name((enum verdict_kind)kind)));
	for (unsigned bit = 1; bit < REASON_MAX; bit <<= 1)
		assert_true(is_translated(verdict_reason_text(bit)));
	for (int v = CLAIM_SUPPORTED; v < CLAIM_VERDICTS; v++)
		assert_true(is_translated(claim_verdict_name((enum claim_verdict)v)));
	for (int kind = 0; kind < SCENE_KINDS; kind++)
		assert_true(is_translated(scene_name((enum scene_kind)kind)));
}

static void records_are_matched_with_what_made_them(void **state)
{
	(void)state;
	/* as a whole */
	expect_record("the run ended before it", "运行在它之前结束");
	/* by a format, in another order */
	expect_record("the run has no gmp in net/echo", "这次运行在 net/echo 中没有 gmp");
	/* a number fits no word */
	expect_record("sample x of subject gmp is not in the plan of run.json",
		      "sample x of subject gmp is not in the plan of run.json");
	expect_record("sample 12 of subject gmp is not in the plan of run.json",
		      "受测程序 gmp 的第 12 个样本不在 run.json 的计划中");
	/* the s of a plural goes, and where there is none, too */
	expect_record("about 14 more rounds would decide", "大约再有 14 轮即可决定");
	expect_record("about 1 more round would decide", "大约再有 1 轮即可决定");
	/* what an argument says is translated, too */
	expect_record("the clocks disagree: the load generator says that its region took 210.090 ms, the harness saw "
		      "215.821 ms",
		      "两个时钟不一致：负载发生器称其计时区域用时 210.090 ms，测试框架看到的是 215.821 ms");
}

static void joined_records_keep_all_their_parts(void **state)
{
	(void)state;
	expect_record("the limit lies inside the interval; about 3 more rounds would decide",
		      "界限位于区间之内；大约再有 3 轮即可决定");
	expect_record("gmp: unsupported: single-threaded: a lock cannot contend",
		      "gmp：不支持：单线程：锁不会发生争用");
	expect_record("its round was contaminated and is repeated; the run ended before it",
		      "它所在的轮次受到污染，已重复测量；运行在它之前结束");
	/* what nobody has translated is not lost, nor what it stands beside */
	expect_record("the disk is on fire; the run ended before it", "the disk is on fire；运行在它之前结束");
	expect_record("its sides: one and two; no more", "its sides: one and two; no more");
	expect_record("", "");
	expect_record("%s %d %n", "%s %d %n");
	expect_record("100 %", "100 %");
}

/* A record may hold anything: a long text in which formats nearly fit comes back, and soon. */
static void hostile_records_come_back(void **state)
{
	enum { N = 20000 };
	char *text = malloc(N + 1), *said;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < N; i++)
		text[i] = "the run has no in ; : of samples "[i % 33];
	text[N] = 0;
	said = say_record(text);
	assert_non_null(said);
	free(said);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(english_is_what_the_sources_say, in_english),
		cmocka_unit_test_setup(chinese_is_found_and_the_rest_stays, in_chinese),
		cmocka_unit_test_setup(closed_lists_are_whole, in_chinese),
		cmocka_unit_test_setup(records_are_matched_with_what_made_them, in_chinese),
		cmocka_unit_test_setup(joined_records_keep_all_their_parts, in_chinese),
		cmocka_unit_test_setup(hostile_records_come_back, in_chinese),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
