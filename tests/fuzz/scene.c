/* scene.c - see fuzz.h. */
#include "fuzz.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/jsonline.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/session.h"

const struct fuzz_target *fuzz_target(const char *name)
{
	size_t n;
	const struct fuzz_target *all = fuzz_targets(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

void fuzz_fault(const char *fmt, ...)
{
	va_list ap;

	fputs("a promise is broken: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void fuzz_check(int rc, const struct err *e)
{
	if (rc < 0 && e->why[0] == '\0')
		fuzz_fault("error %d has no sentence", rc);
	if (rc < 0 && strchr(e->why, '\n'))
		fuzz_fault("error %d has more than one line: %s", rc, e->why);
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = xcalloc(size + 1, 1);

	memcpy(text, data, size);
	return text;
}

json_t *fuzz_object(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	json_t *object = NULL;
	struct err e = {{0}};

	if (jsonline_parse(text, &object, &e) != 1) {
		fuzz_check(-EBADMSG, &e);
		object = NULL;
	}
	free(text);
	return object;
}

FILE *fuzz_sink(void)
{
	static FILE *sink;

	if (!sink)
		sink = fopen("/dev/null", "w");
	if (!sink)
		fuzz_fault("/dev/null cannot be opened");
	return sink;
}

static char dir[200];
static pid_t dir_of;

static void remove_dir(void)
{
	if (dir_of == getpid()) /* not a child's that was forked from here */
		session_remove_tree(dir);
}

const char *fuzz_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (dir_of == getpid())
		return dir;
	/* In memory where that is to be had: a target writes a file for each input. */
	if (!tmp || !*tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/var/tmp";
	snprintf(dir, sizeof dir, "%s/switchyard-fuzz-XXXXXX", tmp);
	if (!mkdtemp(dir))
		fuzz_fault("%s cannot be made: %s", dir, strerror(errno));
	dir_of = getpid();
	atexit(remove_dir);
	return dir;
}

char *fuzz_path(const char *name)
{
	return xformat("%s/%s", fuzz_dir(), name);
}

void fuzz_put(const char *name, const void *data, size_t size)
{
	char *path = fuzz_path(name);
	FILE *f = fopen(path, "w");

	for (char *slash = strchr(path + strlen(fuzz_dir()) + 1, '/'); !f && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0777);
		*slash = '/';
	}
	if (!f)
		f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		fuzz_fault("%s cannot be written: %s", path, strerror(errno));
	free(path);
}

char *fuzz_seed(const char *name, size_t *size)
{
	char *path = xformat("%s/%s", FUZZ_CORPUS, name), *text;
	FILE *f = fopen(path, "r");
	struct stat st;

	if (!f || fstat(fileno(f), &st) != 0)
		fuzz_fault("%s cannot be read: %s", path, strerror(errno));
	text = xcalloc((size_t)st.st_size + 1, 1);
	*size = fread(text, 1, (size_t)st.st_size, f);
	fclose(f);
	free(path);
	return text;
}

/* The list lives as long as the process, and keeps what it holds reachable. */
json_t *fuzz_seed_json(const char *name)
{
	static json_t *known;
	json_t *value;
	json_error_t je;
	char *text;
	size_t size;

	if (!known)
		known = json_object();
	value = json_object_get(known, name);
	if (value)
		return value;
	text = fuzz_seed(name, &size);
	value = json_loadb(text, size, 0, &je);
	if (!value)
		fuzz_fault("%s: %s", name, je.text);
	free(text);
	json_object_set_new(known, name, value);
	return value;
}
