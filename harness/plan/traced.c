#include "harness/plan/traced.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/plan/jsonx.h"
#include "harness/plan/sample_talk.h"
#include "harness/plan/sha256.h"

enum {
	LAPS = 4, /* of a quantum; arbitrary: the first is often unlike the others */
	CELL_CHARS = 120,
	SUBJECT_CHARS = 60,
};

const char *traced_refused(const struct workload_def *w)
{
	if (w->scaling == SCALING_SERVER)
		return "not traced: a server has no region of its own";
	if (w->scaling == SCALING_STATE)
		return "not traced: a state that is built and measured has no region";
	return NULL;
}

uint64_t traced_ops(const struct cell *cell)
{
	const struct workload_def *w = cell->workload;
	uint64_t laps = workload_round_ops(w, cell->params, 1) * LAPS;

	return workload_round_ops(w, cell->params, w->smoke_ops > laps ? w->smoke_ops : laps);
}

/* At most `most` characters of the text; those that a file's name, or a link, would rather not have, as one '-'. */
static size_t put_slug(char *out, const char *text, size_t most)
{
	size_t n = 0;

	for (; *text && n < most; text++) {
		bool is_plain = isalnum((unsigned char)*text) || strchr("._=+-", *text);

		if (is_plain || (n && out[n - 1] != '-'))
			out[n++] = is_plain ? *text : '-';
	}
	out[n] = '\0';
	return n;
}

void traced_name(const struct sample_request *r, char out[TRACED_NAME_SIZE])
{
	char cell[CELL_CHARS + 1], subject[SUBJECT_CHARS + 1], key[17];

	put_slug(cell, r->cell->id, CELL_CHARS);
	put_slug(subject, r->subject->id, SUBJECT_CHARS);
	sample_key(r, key);
	snprintf(out, TRACED_NAME_SIZE, "trace-%s-%s-%s.%s", cell, subject, key,
		 r->subject->native_trace ? "native" : "json");
}

static char *file_path(const struct take *t, char name[TRACED_NAME_SIZE])
{
	traced_name(t->r, name);
	return xformat("%s/%s", t->env->trace_dir, name);
}

void traced_ask(const struct take *t, json_t *message)
{
	char name[TRACED_NAME_SIZE], *path = file_path(t, name);

	json_object_set_new(message, "trace_file", json_string(path));
	free(path);
}

void traced_finish(struct take *t)
{
	char name[TRACED_NAME_SIZE], digest[65], *path = file_path(t, name);
	struct stat st;

	if (t->status || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || sha256_file(path, digest) < 0)
		take_fail(t, "failed", "it left no trace");
	else if (st.st_size > TRACED_MOST_BYTES)
		take_fail(t, "failed", "its trace has %lld bytes, more than %d", (long long)st.st_size,
			  TRACED_MOST_BYTES);
	else
		t->trace = json_pack("{s:s, s:s, s:I, s:s*}", "file", name, "sha256", digest, "bytes",
				     (json_int_t)st.st_size, "opens_with", t->r->subject->native_trace);
	if (!t->trace)
		(void)unlink(path);
	free(path);
}
