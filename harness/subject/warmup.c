/*
 * warmup.c - the runs of the body before the recorded one, as epochs; see subject.h.
 *
 * A process is not at once what it will be: pages are touched for the first time, caches fill, a runtime makes its threads.
 * What that took must not be in the region, and whether it was over when the region began should be known. So the warm-up is
 * made of runs of equal size, a sixtieth of the region each, of which the main thread takes the stamps that bench_begin and
 * bench_end leave anyway. It ends when the last five are at rest (harness/base/rest.h), and not before a tenth of the region's
 * operations is done. They are told in the sample; what they mean is for the harness to say.
 *
 * Between two runs nothing is said and nothing is written: this thread and the body meet in the mailbox, as between the
 * warm-up and the recorded run. Bodies know nothing of epochs. Rejected: stamps inside the region (each body would have to
 * give them, at a price that differs by model); a warm-up of a fixed length (nobody would know whether it was enough).
 *
 * Time is limited, since a run has a price of its own beside its operations (tasks are made and ended, files thrown out of the
 * cache): where six runs do not fit into WARMUP_MOST_NS, the tenth is done in one more and there are too few epochs to tell.
 * A finite problem has one size: it is repeated where it is that short, and run once where it is not.
 */
#include "harness/base/rest.h"
#include "harness/subject/subject.h"

#define WARMUP_MOST_NS (UINT64_C(100) * CLOCK_NS_PER_MSEC)
enum {
	WARMUP_SHARE = 10, /* of the recorded run's operations: what is done at least */
	LEAST_EPOCHS = REST_WINDOW + 1, /* so that there is one before those at rest, which can be told from them */
};

static int run_epoch(struct subject *s)
{
	const struct region *r = &s->box.region;
	int status = runner_run(s, false);

	if (status == 0)
		epochs_add(&s->epochs, s->b->cert.ops, r->end_ns - r->begin_ns);
	return status;
}

static bool is_at_rest(const struct subject *s)
{
	double window[REST_WINDOW];

	for (size_t i = 0; i < REST_WINDOW; i++) {
		size_t k = s->epochs.n - REST_WINDOW + i;

		if (s->epochs.ops[k] == 0 || s->epochs.wall_ns[k] == 0)
			return false;
		window[i] = (double)s->epochs.wall_ns[k] / (double)s->epochs.ops[k];
	}
	return rest_is_reached(window);
}

/* The latest run took last_ns, all of them spent_ns, with everything around them. */
static bool is_over(const struct subject *s, uint64_t spent_ns, uint64_t last_ns)
{
	if (s->epochs.n == EPOCHS_MOST)
		return true;
	if (s->epochs.n >= LEAST_EPOCHS)
		return is_at_rest(s) || spent_ns + last_ns > WARMUP_MOST_NS;
	/* The first run is often far slower than those that follow: what it takes is no measure of them. */
	if (s->epochs.n == 1)
		return spent_ns > WARMUP_MOST_NS / 2;
	return spent_ns + last_ns * (LEAST_EPOCHS - s->epochs.n) > WARMUP_MOST_NS;
}

static int run_epochs(struct subject *s)
{
	uint64_t start_ns = clock_now_ns(), before_ns, now_ns = start_ns;
	int status;

	do {
		before_ns = now_ns;
		status = run_epoch(s);
		now_ns = clock_now_ns();
	} while (status == 0 && !is_over(s, now_ns - start_ns, now_ns - before_ns));
	return status;
}

int warmup_run(struct subject *s)
{
	uint64_t ops = s->b->ops, least = protocol_round_ops(s->b, ops / WARMUP_SHARE), done;
	bool is_linear = s->w->scaling == BENCH_LINEAR;
	int status;

	s->epochs.n = 0;
	if (is_linear)
		s->b->ops = protocol_round_ops(s->b, ops / (WARMUP_SHARE * LEAST_EPOCHS));
	status = run_epochs(s);
	done = s->epochs.n * s->b->ops;
	if (status == 0 && is_linear && s->epochs.n < LEAST_EPOCHS && done < least) {
		s->b->ops = protocol_round_ops(s->b, least - done);
		status = run_epoch(s);
	}
	s->b->ops = ops;
	return status;
}
