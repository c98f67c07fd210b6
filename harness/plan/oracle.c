#include "harness/plan/oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/measure.h"
#include "harness/plan/jsonx.h"

static const int64_t ANSWER_TIMEOUT_NS = INT64_C(30000000000); /* it may have to compute the answer; as a region's */
static const int64_t EXIT_TIMEOUT_NS = INT64_C(2000000000);

struct oracle {
	char *path;
	cpu_set_t cpus;
	bool has_cpus;
	struct process *process; /* NULL: not running */
};

struct oracle *oracle_new(const char *path, const cpu_set_t *cpus)
{
	struct oracle *o = xcalloc(1, sizeof *o);

	o->path = xstrdup(path);
	o->has_cpus = cpus != NULL;
	if (cpus)
		o->cpus = *cpus;
	return o;
}

static void stop(struct oracle *o, int64_t timeout_ns)
{
	struct process_exit ended;

	if (!o->process)
		return;
	process_finish(o->process, timeout_ns, &ended);
	o->process = NULL;
}

void oracle_free(struct oracle *o)
{
	if (!o)
		return;
	stop(o, EXIT_TIMEOUT_NS);
	free(o->path);
	free(o);
}

/* One question to a running process. */
static int ask(struct oracle *o, const json_t *cell, json_t **answer, struct err *err)
{
	const char *argv[] = {o->path, "--certify", NULL};
	struct process_spec spec = {.path = o->path, .argv = argv, .cpus = o->has_cpus ? &o->cpus : NULL};
	int rc;

	if (!o->process) {
		rc = process_start(&spec, &o->process, err);
		if (rc) {
			o->process = NULL;
			return rc;
		}
	}
	rc = process_send(o->process, cell, err);
	if (!rc)
		rc = process_receive(o->process, ANSWER_TIMEOUT_NS, answer, err);
	if (rc)
		stop(o, 0);
	return rc;
}

int oracle_expect(struct oracle *o, const json_t *cell, json_t **out, struct err *err)
{
	struct err why = {{0}};
	json_t *answer = NULL, *cert;
	int rc;

	*out = NULL;
	rc = ask(o, cell, &answer, &why);
	if (rc)
		rc = ask(o, cell, &answer, &why);
	if (rc)
		return err_set(err, rc, "the certifying process gives no answer: %s", ERR_TEXT(why));
	cert = json_object_get(answer, "cert");
	if (json_is_object(cert))
		*out = json_incref(cert);
	else
		rc = err_set(err, -EBADMSG, "the certifying process says: %.300s",
			     jsonx_str(answer, "error") ? jsonx_str(answer, "error")
							: "something that is no certificate");
	json_decref(answer);
	return rc;
}

int oracle_compare(const json_t *expected, const json_t *cert, struct err *err)
{
	const char *key;
	json_t *want;

	json_object_foreach ((json_t *)expected, key, want) {
		json_t *have = json_object_get(cert, key);
		char have_text[40] = "missing", want_text[40];

		if (have && json_equal(want, have))
			continue;
		if (have)
			jsonx_scalar_text(have, have_text, sizeof have_text);
		jsonx_scalar_text(want, want_text, sizeof want_text);
		return err_set(err, -EBADMSG,
			       "the work done is not the work asked for: %.40s is %s where %s is expected", key,
			       have_text, want_text);
	}
	return 0;
}
