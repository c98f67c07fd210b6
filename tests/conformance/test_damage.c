/*
 * test_damage.c - a bit that changes in a file is found, by each body that reads files.
 *
 * The subject is stopped where it waits for an answer of the harness: when its files are there and nothing has been read,
 * or, of a log, when it has been written and not read back. There a bit of each block is turned over; afterwards it is
 * turned back. Found is an error, or a certificate that is not the right one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>

#include "tests/conformance/cells.h"
#include "tests/conformance/peer.h"

enum { BLOCK = 4096 };

static char data_dir[] = TEST_BINARY_DIR "/damage-XXXXXX";

static const struct damage {
	const char *workload, *params;
	json_int_t ops;
	const char *at; /* the message with which the subject waits */
	const char *file; /* part of the name */
	off_t place; /* of the bit's byte, in each block */
	const char *only; /* these models */
} damages[] = {
	{"disk/read", "{\"mode\":\"warm\",\"order\":\"sequential\",\"in_flight\":1,\"file_mib\":1}", 256, "ready",
	 "-1MiB.dat", 2000, "gmp pthread eventloop serial go libuv"},
	{"disk/read", "{\"mode\":\"direct\",\"order\":\"random\",\"in_flight\":1,\"file_mib\":1}", 16, "ready",
	 "-1MiB.dat", BLOCK - 1, "gmp pthread eventloop serial go libuv"},
	{"disk/mixed", "{\"read_percent\":100,\"in_flight\":1,\"file_mib\":1}", 16, "ready", "switchyard-mixed-", 2000,
	 "gmp pthread eventloop serial go libuv"},
	{"disk/smallfiles", "{\"in_flight\":1,\"files\":5,\"file_bytes\":5000}", 10, "ready", "00000", 1000,
	 "gmp pthread eventloop serial go libuv"},
	{"disk/log", "{\"writers\":1,\"record_bytes\":100,\"per_sync\":1}", 5, "end", "switchyard-log-", 77,
	 "gmp pthread eventloop serial go libuv"},
	{"block/overlap", "{\"part\":\"disk\",\"in_flight\":1,\"delay_us\":1}", 3, "ready", "-64MiB.dat", 2000,
	 "gmp pthread eventloop serial go libuv"},
	{"block/bystander", "{\"kind\":\"file\",\"waiters\":2,\"wait_us\":50}", 50, "ready", "-64MiB.dat", 3000,
	 "gmp pthread eventloop go libuv"},
};

/* Turn a bit over at `place` of each block of the file. */
static void flip(const char *path, off_t place)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = place; at < st.st_size; at += BLOCK) {
		unsigned char byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

/* All files in a folder, and in those in it, that have this in their names: how many. */
static int flip_in(const char *dir, const char *part, off_t place)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[4096];
	int n = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR) {
			n += flip_in(path, part, place);
		} else if (strstr(entry->d_name, part)) {
			flip(path, place);
			n++;
		}
	}
	closedir(d);
	return n;
}

/* A file that has no name any more is found by the descriptor that the subject has of it. */
static int flip_nameless(pid_t pid, const char *part, off_t place)
{
	char dir[64], link[4096], path[sizeof dir + 256 + 1];
	struct dirent *entry;
	DIR *d;
	int n = 0;

	snprintf(dir, sizeof dir, "/proc/%ld/fd", (long)pid);
	d = opendir(dir);
	assert_non_null(d);
	while ((entry = readdir(d)) && n == 0) {
		ssize_t bytes;

		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		bytes = readlink(path, link, sizeof link - 1);
		link[bytes > 0 ? bytes : 0] = '\0';
		if (strstr(link, part)) {
			flip(path, place);
			n++;
		}
	}
	closedir(d);
	return n;
}

static void damage_files(const struct peer *p, const struct damage *d)
{
	int n = flip_in(data_dir, d->file, d->place);

	if (n == 0)
		n = flip_nameless(p->pid, d->file, d->place);
	assert_true(n > 0);
}

/* Answer what the subject says until it has failed, or has given a sample; is that what the oracle wants? */
static bool passes(struct peer *p, const struct damage *d, json_t *cell)
{
	bool passes = false, is_error = false;
	json_t *msg, *wanted;

	for (const char *said = "ready"; strcmp(said, "sample") != 0 && !is_error;) {
		msg = peer_hear(p);
		said = strcmp(msg_of(msg), "ready") == 0   ? "ready"
		       : strcmp(msg_of(msg), "begin") == 0 ? "begin"
		       : strcmp(msg_of(msg), "end") == 0   ? "end"
							   : "sample";
		is_error = strcmp(msg_of(msg), "error") == 0;
		if (!is_error && strcmp(said, "sample") == 0) {
			assert_string_equal(msg_of(msg), "sample");
			wanted = ask_oracle(cell);
			passes = json_equal(wanted, json_object_get(msg, "cert"));
			json_decref(wanted);
		} else if (!is_error) {
			if (d && strcmp(said, d->at) == 0)
				damage_files(p, d);
			peer_command(p, strcmp(said, "ready") == 0 ? "go" : "ack");
		}
		json_decref(msg);
	}
	peer_end(p, is_error);
	return passes;
}

static bool run(const char *model, const struct damage *d, bool is_damaged)
{
	json_t *description = describe("serial"), *cell;
	struct peer p;
	bool right;

	cell = json_pack("{s:s,s:O,s:o,s:i,s:I,s:s,s:s,s:s}", "workload", d->workload, "version",
			 json_object_get(find_workload(description, d->workload), "version"), "params",
			 json_loads(d->params, 0, NULL), "workers", 1, "ops", d->ops, "seed", "00000000000000ff",
			 "data_dir", data_dir, "knobs", "");
	start_subject(&p, model, "--run", 0);
	run_command(&p, "smoke", cell);
	right = passes(&p, is_damaged ? d : NULL, cell);
	json_decref(cell);
	json_decref(description);
	return right;
}

static void test_damage(void **state)
{
	static const char *const models[] = {"gmp", "pthread", "eventloop", "serial", "go", "libuv"};
	const struct damage *d = *state;

	for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
		if (!strstr(d->only, models[m]) || !is_built(models[m]))
			continue;
		if (run(models[m], d, true))
			fail_msg("%s does not notice what has changed in a file of %s", models[m], d->workload);
		flip_in(data_dir, d->file, d->place); /* as it was: the data file is there for the next one */
		if (!run(models[m], d, false))
			fail_msg("%s does not do %s at all", models[m], d->workload);
	}
}

static int start_oracle(void **state)
{
	(void)state;
	start_subject(&oracle, "serial", "--certify", 0);
	return 0;
}

static int clean_up(void **state)
{
	char command[sizeof data_dir + 16];

	(void)state;
	peer_end(&oracle, 0);
	snprintf(command, sizeof command, "rm -rf %s", data_dir);
	return system(command);
}

int main(void)
{
	struct CMUnitTest tests[sizeof damages / sizeof damages[0]];

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(data_dir)) {
		fprintf(stderr, "cannot make %s: %s\n", data_dir, strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
		tests[i] = (struct CMUnitTest){
			.name = damages[i].workload, .test_func = test_damage, .initial_state = (void *)&damages[i]};
	return _cmocka_run_group_tests("damage", tests, sizeof tests / sizeof tests[0], start_oracle, clean_up);
}
