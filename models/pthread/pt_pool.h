/* pt_pool.h - the fixed pool of threads behind pt_spawn and pt_go, where the knob `pool` asks for one. For pt.c only. */
#ifndef PT_POOL_H
#define PT_POOL_H

#include "models/pthread/pt.h"

struct pt_pool;

/* Make a pool of n threads. 0 or a negative errno. */
int pt_pool_open(unsigned n, const pthread_attr_t *attr, struct pt_pool **out);

/* Run what is in the queue, end the threads and free the pool. */
void pt_pool_close(struct pt_pool *p);

/* Put a job (fn, arg and is_awaited are set) at the end of the queue. Never blocks for long. */
void pt_pool_submit(struct pt_pool *p, struct pt_job *job);

/* Wait until an awaited job has ended; once per job. */
void pt_pool_await(struct pt_pool *p, struct pt_job *job);

#endif
