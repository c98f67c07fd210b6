/*
 * epochs.h - a warm-up as its parts: the same work several times, each with its operations and its time. A subject and the load
 * generator tell them in their samples (docs/subject-protocol.md); what they mean the harness says (harness/stats/steady.h).
 */
#ifndef BASE_EPOCHS_H
#define BASE_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { EPOCHS_MOST = 30 };

struct epochs {
	size_t n;
	uint64_t ops[EPOCHS_MOST], wall_ns[EPOCHS_MOST];
};

/* One more; there is room. */
static inline void epochs_add(struct epochs *e, uint64_t ops, uint64_t wall_ns)
{
	e->ops[e->n] = ops;
	e->wall_ns[e->n++] = wall_ns;
}

/* As samples tell them; NULL where there are none. */
static inline json_t *epochs_json(const struct epochs *e)
{
	json_t *list = e->n ? json_array() : NULL;

	for (size_t i = 0; i < e->n; i++)
		json_array_append_new(list, json_pack("{s:I,s:I}", "ops", (json_int_t)e->ops[i], "wall_ns",
						      (json_int_t)e->wall_ns[i]));
	return list;
}

#endif
