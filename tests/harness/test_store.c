/* The store: appending, torn lines, resuming, locking, replacing run.json. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/results/store.h"
#include "tests/harness/fakes.h"

static char root[256], dir[300];

static int setup(void **state)
{
	(void)state;
	fakes_folder(root, sizeof root);
	snprintf(dir, sizeof dir, "%s/a/b/run", root);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	session_remove_tree(root);
	return 0;
}

static json_t *new_run(void)
{
	return json_pack("{s:s, s:s, s:b}", "schema", "switchyard.run/1", "run_id", "r", "complete", 0);
}

static json_t *new_sample(unsigned i)
{
	char key[17];

	snprintf(key, sizeof key, "%016x", i);
	return json_pack("{s:s, s:s, s:i}", "schema", "switchyard.sample/1", "key", key, "seq", (int)i);
}

static struct store *create(void)
{
	json_t *run = new_run();
	struct store *s;
	struct err err = {{0}};

	if (store_create(dir, run, &s, &err) != 0)
		fail_msg("%s", ERR_TEXT(err));
	json_decref(run);
	return s;
}

static void append(struct store *s, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		json_t *sample = new_sample(i);
		struct err err = {{0}};

		if (store_append(s, sample, &err) != 0)
			fail_msg("%s", ERR_TEXT(err));
		json_decref(sample);
	}
}

static void append_raw(const char *text)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof path, "%s/samples.jsonl", dir);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void assert_loads(size_t n_samples, size_t n_warnings, const char *warning)
{
	json_t *run, *samples, *warnings;

	assert_int_equal(store_load(dir, &run, &samples, &warnings, NULL), 0);
	assert_int_equal(json_array_size(samples), n_samples);
	assert_int_equal(json_array_size(warnings), n_warnings);
	if (warning)
		assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), warning));
	json_decref(run);
	json_decref(samples);
	json_decref(warnings);
}

static void test_thousand(void **state)
{
	struct store *s = create();

	(void)state;
	append(s, 0, 1000);
	assert_int_equal(store_count(s), 1000);
	assert_non_null(store_find(s, "00000000000003e7"));
	assert_null(store_find(s, "00000000000003e8"));
	store_close(s);
	assert_loads(1000, 0, NULL);
	assert_int_equal(store_resume(dir, &s, NULL), 0);
	assert_int_equal(store_count(s), 1000);
	store_close(s);
}

static void test_torn_line(void **state)
{
	struct store *s = create();

	(void)state;
	append(s, 0, 3);
	store_close(s);
	append_raw("{\"schema\":\"switchyard.sample/1\",\"key\":\"00000");
	assert_loads(3, 1, "line 4 is ignored");
	assert_int_equal(store_resume(dir, &s, NULL), 0);
	assert_int_equal(store_count(s), 3);
	append(s, 3, 1);
	store_close(s);
	assert_loads(4, 0, NULL);
}

/* A line that has its end was finished by somebody: it stays, and is told. */
static void test_last_line_is_nonsense(void **state)
{
	struct store *s = create();

	(void)state;
	append(s, 0, 2);
	store_close(s);
	append_raw("not JSON\n{\"schema\":\"switchyard.sample/2\"}\n{\"to");
	assert_loads(2, 3, "line 3 is ignored");
	assert_int_equal(store_resume(dir, &s, NULL), 0);
	assert_int_equal(json_array_size(store_warnings(s)), 3);
	append(s, 2, 1);
	store_close(s);
	assert_loads(3, 2, "line 3 is ignored");
}

/* Looking changes nothing, not even a torn line, and needs no lock. */
static void test_peek(void **state)
{
	struct store *s = create(), *peeked;
	json_t *sample = new_sample(9);
	struct err err = {{0}};

	(void)state;
	append(s, 0, 2);
	append_raw("{\"torn");
	assert_int_equal(store_peek(dir, &peeked, NULL), 0);
	assert_int_equal(store_count(peeked), 2);
	assert_int_equal(store_append(peeked, sample, &err), -EBADF);
	store_close(peeked);
	store_close(s);
	assert_loads(2, 1, "line 3 is ignored: it is torn");
	json_decref(sample);
}

/* Somebody's measurements are never emptied, whatever became of their run.json. */
static void test_samples_without_run(void **state)
{
	struct store *s = create();
	json_t *run = new_run();
	struct err err = {{0}};
	char path[400];

	(void)state;
	append(s, 0, 2);
	store_close(s);
	snprintf(path, sizeof path, "%s/run.json", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_create(dir, run, &s, &err), -EEXIST);
	assert_non_null(strstr(ERR_TEXT(err), "has samples but no run.json"));
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(json_dump_file(run, path, 0), 0);
	json_decref(run);
	assert_loads(2, 0, NULL);
}

/* Damage in the middle is not ours to cut: what follows it is kept. */
static void test_nonsense_in_the_middle(void **state)
{
	struct store *s = create();

	(void)state;
	append(s, 0, 1);
	append_raw("{}\n");
	append(s, 1, 1);
	store_close(s);
	assert_loads(2, 1, "line 2 is ignored");
	assert_int_equal(store_resume(dir, &s, NULL), 0);
	assert_int_equal(store_count(s), 2);
	store_close(s);
	assert_loads(2, 1, "line 2 is ignored");
}

static void test_empty_file_and_no_file(void **state)
{
	struct store *s = create();
	char path[400];

	(void)state;
	store_close(s);
	assert_loads(0, 0, NULL);
	snprintf(path, sizeof path, "%s/samples.jsonl", dir);
	unlink(path);
	assert_int_equal(store_resume(dir, &s, NULL), 0); /* killed before the first sample */
	assert_int_equal(store_count(s), 0);
	store_close(s);
}

static void test_key_twice_is_refused(void **state)
{
	struct store *s = create();
	json_t *sample = new_sample(1);
	struct err err = {{0}};

	(void)state;
	append(s, 1, 1);
	assert_int_equal(store_append(s, sample, &err), -EINVAL);
	assert_non_null(strstr(ERR_TEXT(err), "stored already"));
	json_decref(sample);
	store_close(s);
	assert_loads(1, 0, NULL);
}

static void test_second_run_and_second_writer(void **state)
{
	struct store *s = create(), *t;
	json_t *run = new_run();
	struct err err = {{0}};

	(void)state;
	assert_int_equal(store_resume(dir, &t, &err), -EBUSY);
	assert_non_null(strstr(ERR_TEXT(err), "another process"));
	store_close(s);
	assert_int_equal(store_create(dir, run, &t, &err), -EEXIST);
	assert_non_null(strstr(ERR_TEXT(err), "--resume"));
	json_decref(run);
}

static void test_run_is_replaced(void **state)
{
	struct store *s = create();
	json_t *run = json_deep_copy(store_run(s));
	struct stat st;
	char path[400];

	(void)state;
	json_object_set_new(run, "complete", json_true());
	assert_int_equal(store_update_run(s, run, NULL), 0);
	json_decref(run);
	assert_true(json_is_true(json_object_get(store_run(s), "complete")));
	store_close(s);
	assert_int_equal(store_resume(dir, &s, NULL), 0);
	assert_true(json_is_true(json_object_get(store_run(s), "complete")));
	store_close(s);
	snprintf(path, sizeof path, "%s/run.json.new", dir);
	assert_int_not_equal(stat(path, &st), 0);
}

static void test_what_is_no_run(void **state)
{
	struct store *s;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(store_resume(dir, &s, &err), -ENOENT);
	assert_non_null(strstr(ERR_TEXT(err), "is not a run"));
	store_close(create());
	{
		char path[400];
		FILE *f;

		snprintf(path, sizeof path, "%s/run.json", dir);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs("{\"schema\":\"other/1\"}", f);
		fclose(f);
	}
	assert_int_equal(store_resume(dir, &s, &err), -EINVAL);
	assert_non_null(strstr(ERR_TEXT(err), "switchyard.run/1"));
}

/* /dev/full stands for a disk without space: nothing may be half there. */
static void test_disk_full(void **state)
{
	struct store *s;
	json_t *run = new_run(), *sample = new_sample(1);
	struct err err = {{0}};
	char path[400];

	(void)state;
	store_close(create());
	snprintf(path, sizeof path, "%s/samples.jsonl", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/full", path), 0);
	if (store_resume(dir, &s, &err) != 0)
		skip(); /* a kernel that does not lock devices */
	assert_int_equal(store_append(s, sample, &err), -ENOSPC);
	assert_non_null(strstr(ERR_TEXT(err), "No space left"));
	assert_null(store_find(s, "0000000000000001"));
	store_close(s);
	json_decref(run);
	json_decref(sample);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_thousand),
		TEST(test_torn_line),
		TEST(test_last_line_is_nonsense),
		TEST(test_nonsense_in_the_middle),
		TEST(test_peek),
		TEST(test_samples_without_run),
		TEST(test_empty_file_and_no_file),
		TEST(test_key_twice_is_refused),
		TEST(test_second_run_and_second_writer),
		TEST(test_run_is_replaced),
		TEST(test_what_is_no_run),
		TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
