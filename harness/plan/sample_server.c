/*
 * sample_server.c - a server under load: three processes, one of which (this one) passes begin and end on.
 *
 * The load generator owns the region. The two edges, as the steps of the three:
 *
 *      load generator            harness                                   server
 *      --------------            -------                                   ------
 *      begin (all idle)   --->   reads the machine, sends begin     --->   takes rusage and clock, says begin
 *      starts its clock   <---   stamps, acknowledges               <---
 *      ... load ...              sleeps in one read                        ... serves ...
 *      end (all idle)     --->   stamps, sends end                  --->   takes clock and rusage, says end
 *      closes, sample     <---   reads the machine, acknowledges    <---
 *      exits                     sends stop                         --->   ends its connections, says sample
 *
 * So the server's interval encloses the generator's by two messages, on a server that is idle at both ends. On a loaded
 * machine these messages take milliseconds, which is no fault of the clocks: the server has taken its clock somewhere
 * between when it was sent a word and when it answered. So its interval is held against these four times. The generator's
 * lies inside of this process's; how far, is known of a closed loop only, which lasts as long as it was told to at least.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/plan/jsonx.h"
#include "harness/plan/sample_talk.h"

static const int64_t SMOKE_NS = 50000000; /* of load in a smoke sample; arbitrary */

static bool start_loadgen(struct take *t)
{
	const char *argv[] = {t->env->loadgen_path, NULL};
	const struct placed *placed = &t->r->cell->placed;
	struct process_spec spec = {
		.path = t->env->loadgen_path,
		.argv = argv,
		.cpus = CPU_COUNT(&placed->load) ? &placed->load : NULL,
	};

	return take_start(t, &spec, true) == 0;
}

bool take_hdr_name(const struct take *t, char out[32])
{
	char key[17];

	if (!t->env->hdr_dir || t->r->kind != SAMPLE_TIMED)
		return false;
	sample_key(t->r, key);
	snprintf(out, 32, "%s.hgrm", key);
	return true;
}

/* The load as the subject says it, but for the rate: that is a part of a knee, or the closed loop of a knee's search. */
static json_t *load_wanted(struct take *t, const json_t *listen)
{
	json_t *wanted = json_copy((json_t *)listen);
	uint64_t rate;

	json_object_del(wanted, "hdr_file"); /* no subject chooses what is written */
	if (t->r->kind == SAMPLE_CALIBRATE)
		json_object_del(wanted, "rate");
	if (!t->r->load)
		return wanted;
	rate = knee_rate(t->r->load);
	if (rate == 0)
		take_fail(t, "failed", "its load is %lld %% of a knee that is not known: %s could be loaded",
			  (long long)t->r->load->percent, t->r->load->is_own ? "it never" : "no subject of the cell");
	json_object_set_new(wanted, "rate", json_integer((json_int_t)rate));
	return wanted;
}

static bool send_load(struct take *t, const json_t *listen)
{
	bool is_smoke = t->r->kind == SAMPLE_SMOKE;
	int64_t duration_ns = is_smoke ? SMOKE_NS : t->r->region_ns;

	/* What the subject says of its load goes to the generator as it is, which checks it. */
	json_t *line = json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "cmd", "load", "mode",
				 json_object_get(listen, "rate") ? "open" : "closed", "host", "127.0.0.1", "warmup_ns",
				 (json_int_t)(is_smoke ? 0 : duration_ns / 2), "duration_ns", (json_int_t)duration_ns,
				 "seed", jsonx_hex(order_mix(t->env->seed, t->r->round)));
	char name[32], *path;

	json_object_update_missing(line, (json_t *)listen);
	if (take_hdr_name(t, name)) {
		path = xformat("%s/%s", t->env->hdr_dir, name);
		json_object_set_new(line, "hdr_file", json_string(path));
		free(path);
	}
	return take_send(t, t->loadgen, line);
}

/* When the server was told something, and when it had answered. */
struct asked {
	int64_t sent_ns, answered_ns;
};

static bool relay_begin(struct take *t, struct asked *begin)
{
	json_t *m = take_expect(t, t->loadgen, "begin", t->env->setup_timeout_ns);

	if (!m)
		return false;
	json_decref(m);
	take_edge_begin(t);
	begin->sent_ns = t->begin.stamp_ns;
	if (!take_command(t, t->subject, "begin"))
		return false;
	m = take_expect(t, t->subject, "begin", t->env->region_timeout_ns);
	if (!m)
		return false;
	json_decref(m);
	t->begin.stamp_ns = begin->answered_ns = (int64_t)clock_now_ns();
	return take_command(t, t->loadgen, "ack");
}

/* What a generator says that it took: no less, beside what its messages took. */
static int64_t least_load_ns(const struct take *t, const json_t *listen, int64_t seen_ns)
{
	bool is_open = json_object_get(listen, "rate") != NULL;

	return is_open || seen_ns < t->r->region_ns ? seen_ns : t->r->region_ns;
}

static bool relay_end(struct take *t, const json_t *listen, const struct asked *begin)
{
	json_t *load_end = take_expect(t, t->loadgen, "end", t->env->region_timeout_ns + t->r->region_ns), *m;
	struct asked end = {.sent_ns = (int64_t)clock_now_ns()};
	int64_t seen_ns = end.sent_ns - begin->answered_ns;

	if (!load_end)
		return false;
	t->wall_ns = jsonx_int(load_end, "wall_ns", -1);
	json_decref(load_end);
	if (!take_command(t, t->subject, "end"))
		return false;
	m = take_expect(t, t->subject, "end", t->env->region_timeout_ns);
	if (!m)
		return false;
	take_edge_end(t);
	end.answered_ns = t->end.stamp_ns;
	t->end.stamp_ns = end.sent_ns; /* when the load ended, not when the server had said so */
	t->rusage = json_incref(json_object_get(m, "rusage"));
	take_clocks_agree(t, "the load generator", t->wall_ns, least_load_ns(t, listen, seen_ns), seen_ns);
	take_clocks_agree(t, "the server", jsonx_int(m, "wall_ns", -1), seen_ns, end.answered_ns - begin->sent_ns);
	json_decref(m);
	return take_command(t, t->loadgen, "ack");
}

/* Receive a message even after a void region, whose status stays. */
static json_t *receive_sample(struct take *t, struct process *p)
{
	const char *void_status = t->status;
	json_t *m;

	t->status = NULL;
	m = take_expect(t, p, "sample", t->env->region_timeout_ns);
	if (m && void_status)
		t->status = void_status;
	return m;
}

/*
 * The generator says when it was late with too many requests: their times are not the server's. And when datagrams were
 * lost: then it cannot be known what the server has done.
 */
static void judge_load(struct take *t)
{
	const json_t *generator = json_object_get(t->load, "generator");
	int64_t lost = jsonx_int(generator, "lost", 0);

	if (t->status || !json_is_true(json_object_get(generator, "void")))
		return;
	if (lost > 0)
		take_fail(t, "void", "%lld datagrams were lost, of %llu", (long long)lost,
			  (unsigned long long)t->load_ops);
	else
		take_fail(
			t, "void",
			"the load generator itself was late with %lld of %llu requests (by up to %lld us): the machine "
			"did not let it run",
			(long long)jsonx_int(generator, "late", 0), (unsigned long long)t->load_ops,
			(long long)jsonx_int(generator, "latest_ns", 0) / 1000);
}

void take_server(struct take *t, const json_t *listen)
{
	json_t *wanted = load_wanted(t, listen);
	struct asked begin;
	bool is_done = !t->status && start_loadgen(t) && send_load(t, wanted) && relay_begin(t, &begin) &&
		       relay_end(t, wanted, &begin);

	json_decref(wanted);
	if (!is_done)
		return;
	t->load = receive_sample(t, t->loadgen);
	if (!t->load)
		return;
	t->load_ops = (uint64_t)jsonx_int(t->load, "requests", 0);
	t->load_cpu_ns = jsonx_int(json_object_get(t->load, "generator"), "cpu_ns", 0);
	judge_load(t);
	if (take_command(t, t->subject, "stop"))
		t->result = receive_sample(t, t->subject);
}
