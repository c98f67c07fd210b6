/*
 * connect.h - sockets of the load generator, each from a source address of its own.
 */
#ifndef LOADGEN_CONNECT_H
#define LOADGEN_CONNECT_H

#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/loadgen/load.h"

/* Let this process have as many descriptors as it needs, if the hard limit allows. */
int connect_allow(uint32_t connections, struct err *e);

/*
 * A non-blocking socket on its way to the server: its descriptor, or -errno with a sentence. The connect need not have
 * ended: what becomes of it is told by send(2), or by connect_await.
 */
int connect_begin(const struct load_config *c, struct rng *rng, struct err *e);

/* Wait until the connect has ended: 0, or -errno with a sentence and the descriptor closed. */
int connect_await(int fd, const struct load_config *c, struct err *e);

#endif
