/*
 * threads.c - a subject to start from: one file, nothing but libc and pthreads. docs/subject-protocol.md has the rules.
 *
 *      cc -O2 -pthread threads.c -o subject-threads && switchyard subject check ./subject-threads
 *      mkdir mine && mv subject-threads mine && SWITCHYARD_SUBJECTS=$PWD/mine switchyard run --subjects gmp,threads -f workload:spawn/flat
 *
 * What is yours to change is marked 1 to 3: who you are, what you offer, and the bodies. A workload's name, version and
 * parameters are those of `switchyard list`: equal work is proven by the certificate, which the harness computes itself.
 * Between begin() and end() is the region that is timed. Nothing is written there.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct cell {
	uint64_t ops; /* how many operations; 0 where the parameters say it all */
	int64_t param[4]; /* as the workload lists them */
};

struct cert {
	uint64_t ops, units, max_live, messages, checksum;
};

static void begin(void);
static void end(void);
static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- 1: the bodies, as a good programmer of your runtime would write them ------------------------------------------ */

struct record {
	uint64_t number, result;
	pthread_t thread;
} __attribute__((aligned(64)));

static void *flat_task(void *arg)
{
	struct record *r = arg;

	r->result = 2 * r->number + 1;
	return NULL;
}

/* spawn/flat: create a batch of tasks, await them, until there have been `ops`. */
static void flat(const struct cell *cell, struct cert *cert)
{
	size_t batch = (size_t)cell->param[0];
	struct record *records = aligned_alloc(64, batch * sizeof *records);

	if (!records)
		fail("out of memory");
	begin();
	for (uint64_t done = 0; done < cell->ops; done += batch) {
		for (size_t i = 0; i < batch; i++) {
			records[i].number = done + i;
			if (pthread_create(&records[i].thread, NULL, flat_task, &records[i]) != 0)
				fail("cannot have %zu threads: the one after %zu was refused", batch, i);
		}
		for (size_t i = 0; i < batch; i++) {
			pthread_join(records[i].thread, NULL);
			cert->checksum += records[i].result;
			cert->ops++;
		}
	}
	end();
	free(records);
	cert->units = cert->ops;
	cert->max_live = batch;
}

/* A place for one value, for sync/pingpong with capacity 0: who sends waits until it has been taken. */
struct place {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_full;
	uint64_t value;
};

static void send_value(struct place *p, uint64_t value)
{
	pthread_mutex_lock(&p->lock);
	p->value = value;
	p->is_full = true;
	pthread_cond_signal(&p->changed);
	while (p->is_full)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static uint64_t receive_value(struct place *p)
{
	uint64_t value;

	pthread_mutex_lock(&p->lock);
	while (!p->is_full)
		pthread_cond_wait(&p->changed, &p->lock);
	value = p->value;
	p->is_full = false;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return value;
}

struct pair {
	struct place there, back;
	uint64_t ops;
};

static void *pong(void *arg)
{
	struct pair *p = arg;

	for (uint64_t i = 0; i < p->ops; i++)
		send_value(&p->back, 2 * receive_value(&p->there) + 1);
	return NULL;
}

static void pingpong(const struct cell *cell, struct cert *cert)
{
	struct pair p = {.there = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0},
			 .back = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0},
			 .ops = cell->ops};
	pthread_t other;

	if (pthread_create(&other, NULL, pong, &p) != 0)
		fail("cannot create a thread");
	begin();
	for (uint64_t i = 0; i < p.ops; i++) {
		send_value(&p.there, i);
		cert->checksum += receive_value(&p.back);
		cert->ops++;
	}
	end();
	pthread_join(other, NULL);
	cert->max_live = 2;
	cert->messages = 2 * cert->ops;
}

static const char *pingpong_unsupported(const struct cell *cell)
{
	return cell->param[0] ? "this subject has no channels with a buffer" : NULL;
}

/* ---- 2: what is offered ------------------------------------------------------------------------------------------ */

struct param {
	const char *name;
	int64_t otherwise, min, max, smoke;
};

static const struct workload {
	const char *name;
	int version;
	uint64_t smoke_ops;
	const char *quantum_param; /* ops are a multiple of its value; NULL: of 1 */
	struct param params[4];
	size_t n_params;
	void (*body)(const struct cell *cell, struct cert *cert);
	const char *(*unsupported)(const struct cell *cell); /* NULL: it can do all */
} workloads[] = {
	{"spawn/flat", 1, 1000, "batch", {{"batch", 1000, 1, 1000000, 8}}, 1, flat, NULL},
	{"sync/pingpong", 1, 1000, NULL, {{"capacity", 0, 0, 1024, 0}}, 1, pingpong, pingpong_unsupported},
};
enum { N_WORKLOADS = sizeof workloads / sizeof workloads[0] };

/* ---- 3: who this is ----------------------------------------------------------------------------------------------- */

/* A runtime that others have made: "version" is its own, as it tells it when it runs, and "year" that of the release. */
static void describe(void)
{
	printf("{\"protocol\":1,\"id\":\"threads\",\"model\":\"threads\",\"language\":\"C\",\"version\":\"1\",\"year\":"
	       "null,"
	       "\"build\":{\"cc\":\"%s\",\"cflags\":\"-O2\",\"type\":\"release\"},"
	       "\"capabilities\":{\"calibrate\":true,\"certify\":false,\"workers\":true,\"stats\":false},"
	       "\"knobs\":[],\"lacks\":{\"net/*\":\"a template has no servers\"},\"workloads\":[",
	       __VERSION__);
	for (size_t i = 0; i < N_WORKLOADS; i++) {
		const struct workload *w = &workloads[i];

		printf("%s{\"name\":\"%s\",\"version\":%d,\"scaling\":\"linear\",\"metric\":\"wall_per_op\",\"smoke_"
		       "ops\":%" PRIu64 ",\"params\":[",
		       i ? "," : "", w->name, w->version, w->smoke_ops);
		for (size_t k = 0; k < w->n_params; k++) {
			const struct param *p = &w->params[k];

			printf("%s{\"name\":\"%s\",\"kind\":\"int\",\"default\":%" PRId64 ",\"min\":%" PRId64
			       ",\"max\":%" PRId64 ",\"smoke\":%" PRId64 "}",
			       k ? "," : "", p->name, p->otherwise, p->min, p->max, p->smoke);
		}
		if (w->quantum_param)
			printf("],\"ops_quantum\":1,\"quantum_param\":\"%s\"}", w->quantum_param);
		else
			printf("]}");
	}
	printf("]}\n");
}

/* The stack that a task begins with. */
static size_t stack_bytes(void)
{
	pthread_attr_t attr;
	size_t bytes = 0;

	if (pthread_attr_init(&attr) == 0) {
		pthread_attr_getstacksize(&attr, &bytes);
		pthread_attr_destroy(&attr);
	}
	return bytes;
}

/* ---- the rest need not be changed: the talk ----------------------------------------------------------------------- */

static void fail(const char *format, ...)
{
	va_list ap;

	printf("{\"msg\":\"error\",\"why\":\""); /* the sentences of this file have nothing that JSON would have escaped */
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\"}\n");
	fflush(stdout);
	exit(1);
}

static char *hear(void)
{
	static char *line;
	static size_t size;

	fflush(stdout);
	if (getline(&line, &size, stdin) <= 0)
		exit(1); /* the harness is gone */
	return line;
}

/* JSON as far as it is needed: where a value ends, and where a member's value begins. NULL: the text is no JSON. */
static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : NULL;
}

static const char *skip_value(const char *p)
{
	int depth = 0;

	do {
		p = skip_space(p);
		if (*p == '"')
			p = skip_string(p);
		else if (*p == '{' || *p == '[')
			depth++, p++;
		else if (*p == '}' || *p == ']')
			depth--, p++;
		else if (*p == ',' || *p == ':')
			p++;
		else
			p += strcspn(p, " \t\r\n,:{}[]\"");
	} while (p && *p && depth > 0);
	return depth == 0 ? p : NULL;
}

/* The next member of an object: *key is where its name's text is. Begin with p at the brace. NULL: there is none. */
static const char *next_member(const char *p, const char **key, const char **value)
{
	p = p ? skip_space(p) : NULL;
	if (!p || (*p != '{' && *p != ','))
		return NULL;
	*key = skip_space(p + 1);
	if (**key != '"' || !(p = skip_string(*key)) || *(p = skip_space(p)) != ':')
		return NULL;
	*value = skip_space(p + 1);
	p = skip_value(*value);
	return p && p != *value ? p : NULL;
}

static bool is_text(const char *json, const char *text) /* of names without escapes */
{
	size_t n = strlen(text);

	return json && json[0] == '"' && strncmp(json + 1, text, n) == 0 && json[n + 1] == '"';
}

static const char *member(const char *object, const char *name)
{
	const char *key, *value;

	for (const char *p = object; (p = next_member(p, &key, &value)) != NULL;)
		if (is_text(key, name))
			return value;
	return NULL;
}

static bool whole_number(const char *json, int64_t *out)
{
	char *stop;

	*out = json ? strtoll(json, &stop, 10) : 0;
	return json && stop != json && strchr(" ,}]\r\n", *stop);
}

static void expect(const char *cmd)
{
	const char *line = hear();

	if (!is_text(member(line, "cmd"), cmd))
		fail("%s was expected", cmd);
}

/* ---- the region ----------------------------------------------------------------------------------------------------- */

static bool is_silent; /* warm-up and calibration: no word of it */
static uint64_t begun_ns, region_ns;
static struct rusage begun_usage;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void begin(void)
{
	if (!is_silent) {
		printf("{\"msg\":\"begin\"}\n");
		expect("ack");
	}
	getrusage(RUSAGE_SELF, &begun_usage);
	begun_ns = now_ns();
}

static int64_t since_ns(const struct timeval *a, const struct timeval *b)
{
	return ((int64_t)a->tv_sec - b->tv_sec) * 1000000000 + ((int64_t)a->tv_usec - b->tv_usec) * 1000;
}

static void end(void)
{
	struct rusage u, *b = &begun_usage;

	region_ns = now_ns() - begun_ns;
	getrusage(RUSAGE_SELF, &u);
	if (is_silent)
		return;
	printf("{\"msg\":\"end\",\"wall_ns\":%" PRIu64 ",\"rusage\":{\"user_ns\":%" PRId64 ",\"sys_ns\":%" PRId64
	       ",\"vcsw\":%ld,\"ivcsw\":%ld,\"minflt\":%ld,\"majflt\":%ld}}\n",
	       region_ns, since_ns(&u.ru_utime, &b->ru_utime), since_ns(&u.ru_stime, &b->ru_stime),
	       u.ru_nvcsw - b->ru_nvcsw, u.ru_nivcsw - b->ru_nivcsw, u.ru_minflt - b->ru_minflt,
	       u.ru_majflt - b->ru_majflt);
	expect("ack");
}

/* ---- a cell --------------------------------------------------------------------------------------------------------- */

static const struct workload *find_workload(const char *cell)
{
	int64_t version;

	for (size_t i = 0; i < N_WORKLOADS; i++)
		if (is_text(member(cell, "workload"), workloads[i].name)) {
			if (!whole_number(member(cell, "version"), &version) || version != workloads[i].version)
				fail("%s is offered in version %d only", workloads[i].name, workloads[i].version);
			return &workloads[i];
		}
	fail("there is no such workload");
}

static void read_params(const struct workload *w, const char *params, struct cell *cell)
{
	const char *key, *value;

	for (size_t i = 0; i < w->n_params; i++)
		cell->param[i] = w->params[i].otherwise;
	for (const char *p = params; (p = next_member(p, &key, &value)) != NULL;) {
		size_t i = 0;

		while (i < w->n_params && !is_text(key, w->params[i].name))
			i++;
		if (i == w->n_params)
			fail("%s has no such parameter", w->name);
		if (!whole_number(value, &cell->param[i]) || cell->param[i] < w->params[i].min ||
		    cell->param[i] > w->params[i].max)
			fail("parameter %s of %s is a whole number between %" PRId64 " and %" PRId64, w->params[i].name,
			     w->name, w->params[i].min, w->params[i].max);
	}
}

static uint64_t round_ops(const struct workload *w, const struct cell *cell, uint64_t ops)
{
	uint64_t quantum = w->quantum_param ? (uint64_t)cell->param[0] : 1;

	return ops < quantum ? quantum : ops - ops % quantum;
}

static void calibrate(const struct workload *w, struct cell *cell, int64_t target_ns)
{
	struct cert cert;

	is_silent = true;
	for (cell->ops = round_ops(w, cell, 64);; cell->ops = round_ops(w, cell, cell->ops * 4)) {
		cert = (struct cert){0};
		w->body(cell, &cert);
		if (region_ns * 4 >= (uint64_t)target_ns)
			break;
	}
	printf("{\"msg\":\"sample\",\"calibration\":{\"ops\":%" PRIu64 ",\"region_ns\":%" PRIu64 "}}\n", cell->ops,
	       region_ns);
}

static void warm_up(const struct workload *w, const struct cell *cell)
{
	struct cell tenth = *cell;
	struct cert cert = {0};

	tenth.ops = round_ops(w, cell, cell->ops / 10);
	is_silent = true;
	w->body(&tenth, &cert);
	is_silent = false;
}

static void run_cell(void)
{
	const char *line = hear(), *text = member(line, "cell"), *why;
	struct cell cell = {0};
	struct cert cert = {0};
	const struct workload *w;
	int64_t number;

	if (!is_text(member(line, "cmd"), "run") || !text)
		fail("a run with a cell was expected");
	w = find_workload(text);
	read_params(w, member(text, "params"), &cell);
	if (w->unsupported && (why = w->unsupported(&cell)) != NULL) {
		printf("{\"msg\":\"unsupported\",\"why\":\"%s\"}\n", why);
		return;
	}
	if (is_text(member(line, "kind"), "calibrate")) {
		whole_number(member(line, "target_ns"), &number);
		calibrate(w, &cell, number);
		return;
	}
	if (!whole_number(member(text, "ops"), &number) || number < 1)
		fail("the cell says no ops");
	cell.ops = round_ops(w, &cell, (uint64_t)number);
	if (member(text, "warmup") && strncmp(member(text, "warmup"), "true", 4) == 0)
		warm_up(w, &cell);
	printf("{\"msg\":\"ready\",\"threads\":1}\n");
	expect("go");
	w->body(&cell, &cert);
	printf("{\"msg\":\"sample\",\"cert\":{\"ops\":%" PRIu64 ",\"units\":%" PRIu64 ",\"max_live\":%" PRIu64
	       ",\"messages\":%" PRIu64 ",\"bytes_read\":0,\"bytes_written\":0,\"locks\":0,\"checksum\":\"%016" PRIx64
	       "\"},\"setup_ns\":0,"
	       "\"knobs\":{},\"stack\":{\"bytes\":%zu,\"grows\":false},\"runtime\":{},\"notes\":{}}\n",
	       cert.ops, cert.units, cert.max_live, cert.messages, cert.checksum, stack_bytes());
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--describe") == 0) {
		describe();
	} else if (argc == 2 && strcmp(argv[1], "--run") == 0) {
		run_cell();
	} else {
		fprintf(stderr, "usage: %s --describe | --run\n", argv[0]);
		return 2;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
