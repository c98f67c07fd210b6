/*
 * select.h - sync/select: what its bodies share.
 */
#ifndef SYNC_SELECT_H
#define SYNC_SELECT_H

#include <stdint.h>

#include "harness/subject/bench.h"
#include "workloads/sync/tally.h"

extern const struct bench_workload sync_select_workload;
extern const struct bench_body sync_select_direct, sync_select_evented;

enum { SELECT_EACH, SELECT_ONE }; /* the parameter `senders` */

#endif
