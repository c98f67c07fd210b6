/*
 * cells.h - what test_workloads.c runs beside the smoke cells, and what may be unsupported: tables alone. A new workload adds
 * its rows here.
 */
#ifndef CONFORMANCE_CELLS_H
#define CONFORMANCE_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#define TOKIO_RENDEZVOUS "a channel of tokio has room for a message at least"
#define BOOST_FIBER_IO "Boost.Fiber has no I/O: its manual joins it to Asio by code that is no part of it"

/* The null workload is the null subject's and nobody else's; beside that. A name that ends in / is all of the family. */
static const struct refusal {
	const char *model, *workload, *why;
} refusals[] = {
	{"eventloop", "sync/mutex", "single-threaded: a lock cannot contend"},
	{"serial", "memory/parked", "memory/parked has no body in the serial style"},
	{"eventloop", "sync/stream", "the loop has no channels: a posted callback has no capacity"},
	{"serial", "memory/afterexit", "memory/afterexit has no body in the serial style"},
	{"serial", "sync/stream", "sync/stream has no body in the serial style"},
	{"eventloop", "sync/queue", "the loop has no channels: a posted callback has no capacity"},
	{"eventloop", "sync/select", "the loop has no channels: a posted callback has no capacity"},
	{"serial", "sync/select", "sync/select has no body in the serial style"},
	{"eventloop", "sync/rwlock", "single-threaded: a lock cannot contend"},
	{"serial", "sync/queue", "sync/queue has no body in the serial style"},
	{"serial", "sync/pingpong", "sync/pingpong has no body in the serial style"},
	{"serial", "switch/yield", "switch/yield has no body in the serial style"},
	{"eventloop", "block/handoff", "a call that blocks stops the whole loop"},
	{"eventloop", "block/call", "a call that blocks stops the whole loop"},
	{"eventloop", "switch/ladder", "a loop switches nothing: a callback keeps no stack"},
	{"serial", "block/handoff", "block/handoff has no body in the serial style"},
	{"serial", "timer/churn", "timer/churn has no body in the serial style"},
	{"serial", "timer/sleepers", "timer/sleepers has no body in the serial style"},
	{"serial", "abuse/ready", "abuse/ready has no body in the serial style"},
	{"serial", "abuse/hog", "abuse/hog has no body in the serial style"},
	{"serial", "abuse/blocker", "abuse/blocker has no body in the serial style"},
	{"serial", "abuse/hoarder", "abuse/hoarder has no body in the serial style"},
	{"eventloop", "abuse/hoarder", "single-threaded: a lock cannot contend"},
	{"state-threads", "switch/ladder", "the library's parts cannot be used by themselves"},
	{"state-threads", "timer/churn", "the library has no timers that can be called off"},
	{"state-threads", "block/handoff",
	 "a call that blocks stops all threads of the library, also the one that would end it"},
	{"boost-fiber", "net/", BOOST_FIBER_IO},
	{"boost-fiber", "mix/", BOOST_FIBER_IO},
	{"boost-fiber", "abuse/ready", BOOST_FIBER_IO},
	{"boost-fiber", "block/overlap", BOOST_FIBER_IO},
	{"boost-fiber", "block/bystander", BOOST_FIBER_IO},
	{"boost-fiber", "switch/ladder", "Boost.Fiber's parts cannot be used by themselves"},
	{"boost-fiber", "timer/churn", "Boost.Fiber has no timers that can be called off"},
	{"boost-fiber", "sync/select", "Boost.Fiber has nothing that waits for one of several channels"},
	{"boost-fiber", "block/handoff",
	 "a call that blocks stops all fibers of its thread, also the one that would end it"},
};

/*
 * Subjects of runtimes that are not ours, which are linked with our workloads and built where the runtime is found. Each can do,
 * and refuses, what one of ours does.
 */
static const struct foreign {
	const char *model, *like;
} foreigns[] = {
	{"libuv", "eventloop"},
};

/* Other people's runtimes that are linked with our definitions of the workloads; cells of those that they offer are run. */
static const struct reference {
	const char *model;
	bool uses_workers;
} references[] = {
	{"state-threads", false},
	{"boost-fiber", true},
	{"tbb", true},
	{"tokio", true},
};

enum { N_REFERENCES = sizeof references / sizeof references[0] };

/* Cells that a subject cannot do though it has a body for the workload. params NULL: the smoke cell. */
static const struct lack {
	const char *model, *workload, *params, *why;
} lacks[] = {
	{"go", "block/bystander", "\"kind\":\"join\"", "subject-go has no body for block/bystander with kind=join"},
	{"go", "disk/read", "\"mode\":\"cold\"", "subject-go has no body for disk/read with mode=cold"},
	{"go", "disk/smallfiles", "\"mode\":\"cold\"", "subject-go has no body for disk/smallfiles with mode=cold"},
	{"go", "switch/ladder", "\"rung\":\"swap\"", "subject-go has no body for switch/ladder with rung=swap"},
	{"go", "switch/ladder", "\"rung\":\"queue\"", "subject-go has no body for switch/ladder with rung=queue"},
	{"go", "switch/ladder", "\"rung\":\"runnext\"", "subject-go has no body for switch/ladder with rung=runnext"},
	{"go", "switch/ladder", "\"rung\":\"futex\"", "subject-go has no body for switch/ladder with rung=futex"},
	{"go", "switch/ladder", "\"rung\":\"cross\"", "subject-go has no body for switch/ladder with rung=cross"},
	{"tokio", "sync/pingpong", NULL, TOKIO_RENDEZVOUS},
	{"tokio", "sync/select", NULL, TOKIO_RENDEZVOUS},
	{"tokio", "sync/stream", "\"capacity\":0}", TOKIO_RENDEZVOUS},
	{"tokio", "sync/queue", "\"capacity\":0}", TOKIO_RENDEZVOUS},
	{"tokio", "sync/pipeline", "\"capacity\":0}", TOKIO_RENDEZVOUS},
	{"tokio", "sync/select", "\"capacity\":0}", TOKIO_RENDEZVOUS},
};

/* Other settings of a model, with which every smoke cell is run too: these workloads it can do, the others it refuses. */
static const struct variant {
	const char *model, *knobs, *only, *why;
} variants[] = {
	{"pthread", "pool=2", "spawn/flat cpu/depth cpu/mandelbrot cpu/matmul net/churn",
	 "a pool of 2 threads: the tasks of this work wait for each other, and hold a thread meanwhile"},
	{"eventloop", "loops=2", "net/echo net/http net/churn net/idle net/udp mix/server",
	 "2 loops: this work cannot be split among them"},
	{"libuv", "loops=2", "net/echo net/http net/churn net/idle net/udp mix/server",
	 "2 loops: this work cannot be split among them"},
};

/* Settings that only some workloads are there for: those are run with them too. */
static const struct variant settings[] = {
	{"boost-fiber", "launch=dispatch", "spawn/skynet", NULL},
};

#define GO_WITHOUT "null/empty"

static const struct extra {
	const char *workload, *params;
	uint64_t ops;
	const char *
		only; /* these models can do it, those that are like them, and Go if gmp can; NULL: all that can do the workload */
} extras[] = {
	{"cpu/fib", "{\"n\":1,\"cutoff\":2}", 0, NULL},
	{"cpu/fib", "{\"n\":9,\"cutoff\":2}", 0, NULL},
	{"cpu/nqueens", "{\"n\":6,\"depth\":1}", 0, NULL},
	{"cpu/nqueens", "{\"n\":6,\"depth\":5}", 0, NULL}, /* many end before the cut-off */
	{"cpu/mandelbrot", "{\"size\":1,\"limit\":1}", 0, NULL},
	{"cpu/mandelbrot", "{\"size\":67,\"limit\":3000}", 0, NULL}, /* orbits that repeat late */
	{"cpu/matmul", "{\"n\":1,\"tile\":4,\"method\":\"naive\"}", 0, NULL},
	{"cpu/matmul", "{\"n\":70,\"tile\":16,\"method\":\"naive\"}", 0, NULL}, /* tiles that are cut off */
	{"cpu/matmul", "{\"n\":37,\"tile\":4,\"method\":\"blocked\"}", 0, NULL},
	{"cpu/uts", "{\"root\":1,\"alive\":0,\"rounds\":2,\"cutoff\":256}", 0, NULL},
	{"cpu/uts", "{\"root\":30,\"alive\":900,\"rounds\":2,\"cutoff\":256}", 0, NULL},
	{"cpu/uts", "{\"root\":200,\"alive\":990,\"rounds\":2,\"cutoff\":1}", 0, NULL}, /* walks that are deep */
	{"cpu/depth", "{\"depth\":0}", 1, NULL},
	{"cpu/depth", "{\"depth\":64}", 300, NULL},
	{"spawn/chain", "{\"chains\":1}", 300, NULL},
	{"spawn/chain", "{\"chains\":50}", 50, NULL},
	{"spawn/flat", "{\"batch\":1}", 50, NULL},
	{"spawn/flat", "{\"batch\":300}", 1000, NULL}, /* 900 of them: whole batches */
	{"spawn/skynet", "{\"leaves\":\"10\"}", 0, NULL},
	{"spawn/skynet", "{\"leaves\":\"1000\"}", 0, NULL},
	{"sync/pingpong", "{\"capacity\":1}", 50, "gmp,pthread"},
	{"sync/pingpong", "{\"capacity\":10}", 500, "gmp,pthread"},
	{"sync/stream", "{\"capacity\":0}", 100, NULL},
	{"sync/stream", "{\"capacity\":1}", 1, NULL},
	{"sync/stream", "{\"capacity\":300}", 1000, NULL},
	{"sync/queue", "{\"producers\":1,\"consumers\":1,\"capacity\":1}", 100, NULL},
	{"sync/queue", "{\"producers\":17,\"consumers\":1,\"capacity\":0}", 1000, NULL},
	{"sync/queue", "{\"producers\":1,\"consumers\":9,\"capacity\":64}", 5000, NULL},
	{"sync/queue", "{\"producers\":20,\"consumers\":20,\"capacity\":0}", 7, NULL}, /* fewer than producers */
	{"sync/pipeline", "{\"stages\":1,\"capacity\":0}", 1, NULL},
	{"sync/pipeline", "{\"stages\":40,\"capacity\":0}", 100, NULL},
	{"sync/pipeline", "{\"stages\":2,\"capacity\":300}", 1000, NULL},
	{"sync/select", "{\"channels\":1,\"senders\":\"one\",\"capacity\":0}", 50, NULL},
	{"sync/select", "{\"channels\":20,\"senders\":\"one\",\"capacity\":0}", 1010, NULL},
	{"sync/select", "{\"channels\":70,\"senders\":\"each\",\"capacity\":0}", 1010, NULL},
	{"sync/select", "{\"channels\":5,\"senders\":\"each\",\"capacity\":8}", 3, NULL}, /* fewer than channels */
	{"sync/rwlock", "{\"tasks\":3,\"read_percent\":0,\"hold\":2,\"think\":1}", 10, NULL},
	{"sync/rwlock", "{\"tasks\":1,\"read_percent\":100,\"hold\":1,\"think\":0}", 7, NULL},
	{"sync/rwlock", "{\"tasks\":5,\"read_percent\":50,\"hold\":100,\"think\":0}", 50000,
	 NULL}, /* long enough to overlap without a lock */
	{"sync/barrier", "{\"tasks\":1,\"work\":0}", 3, NULL},
	{"sync/barrier", "{\"tasks\":40,\"work\":1}", 50, NULL},
	{"sync/semaphore", "{\"tasks\":1,\"permits\":1,\"hold\":1,\"think\":0}", 7, NULL},
	{"sync/semaphore", "{\"tasks\":3,\"permits\":10,\"hold\":1,\"think\":1}", 2,
	 NULL}, /* more permits than tasks */
	{"sync/semaphore", "{\"tasks\":50,\"permits\":7,\"hold\":3,\"think\":0}", 5003, NULL},
	{"sync/semaphore", "{\"tasks\":4,\"permits\":1,\"hold\":100,\"think\":0,\"inside\":\"work\"}", 50000,
	 "gmp,pthread,serial"}, /* long enough to overlap without permits */
	{"sync/mutex", "{\"tasks\":1,\"hold\":1,\"think\":0}", 7, NULL},
	{"sync/mutex", "{\"tasks\":3,\"hold\":2,\"think\":1}", 10, NULL},
	{"sync/mutex", "{\"tasks\":4,\"hold\":100,\"think\":0}", 100000,
	 NULL}, /* long enough to overlap without a lock */
	{"switch/ring", "{\"tasks\":2,\"ws_kib\":0}", 1, NULL},
	{"switch/ring", "{\"tasks\":5,\"ws_kib\":1}", 13, NULL},
	{"switch/ring", "{\"tasks\":100,\"ws_kib\":0}", 150, NULL},
	{"switch/grain", "{\"steps\":1,\"tasks\":2}", 1, NULL},
	{"switch/grain", "{\"steps\":7,\"tasks\":5}", 1000, NULL},
	{"switch/ladder", "{\"rung\":\"swap\"}", 7, "gmp"},
	{"switch/ladder", "{\"rung\":\"queue\"}", 1001, "gmp"},
	{"switch/ladder", "{\"rung\":\"runnext\"}", 1001, "gmp"},
	{"switch/ladder", "{\"rung\":\"channel\"}", 7, "gmp,pthread"},
	{"switch/ladder", "{\"rung\":\"syscall\"}", 7, NULL},
	{"switch/ladder", "{\"rung\":\"sched_yield\"}", 7, NULL},
	{"switch/ladder", "{\"rung\":\"futex\"}", 301, "gmp,pthread"},
	{"disk/read", "{\"mode\":\"warm\",\"in_flight\":1,\"file_mib\":1}", 50, NULL},
	{"disk/read", "{\"mode\":\"direct\",\"in_flight\":1,\"file_mib\":1}", 10, NULL},
	{"disk/read", "{\"mode\":\"direct\",\"in_flight\":3,\"file_mib\":1}", 10, "gmp,pthread,eventloop"},
	{"disk/read", "{\"mode\":\"cold\",\"in_flight\":1,\"file_mib\":1}", 256, NULL},
	{"disk/read", "{\"mode\":\"cold\",\"in_flight\":3,\"file_mib\":1}", 1000,
	 "gmp,pthread,eventloop"}, /* cut down to 255 */
	{"disk/read", "{\"order\":\"sequential\",\"in_flight\":1,\"file_mib\":1}", 300, NULL}, /* more than once */
	{"disk/read", "{\"order\":\"sequential\",\"mode\":\"cold\",\"in_flight\":7,\"file_mib\":1}", 20,
	 "gmp,pthread,eventloop"},
	{"disk/smallfiles", "{\"in_flight\":1,\"files\":1,\"file_bytes\":1}", 5, NULL},
	{"disk/smallfiles", "{\"in_flight\":1,\"mode\":\"cold\",\"files\":7,\"file_bytes\":30000}", 100, NULL},
	{"disk/smallfiles", "{\"in_flight\":5,\"files\":3,\"file_bytes\":200000}", 50, "gmp,pthread,eventloop"},
	{"disk/log", "{\"writers\":1,\"record_bytes\":65536,\"per_sync\":1}", 3, NULL},
	{"disk/log", "{\"writers\":7,\"record_bytes\":64,\"per_sync\":3}", 50, "gmp,pthread,eventloop"},
	{"disk/mixed", "{\"mode\":\"buffered\",\"read_percent\":50,\"in_flight\":1,\"file_mib\":1}", 2000, NULL},
	{"disk/mixed", "{\"mode\":\"direct\",\"read_percent\":30,\"in_flight\":1,\"file_mib\":1}", 20, NULL},
	{"disk/mixed", "{\"mode\":\"direct\",\"read_percent\":50,\"in_flight\":7,\"file_mib\":1}", 50,
	 "gmp,pthread,eventloop"},
	{"disk/mixed", "{\"read_percent\":0,\"in_flight\":64,\"file_mib\":1}", 1000, "gmp,pthread,eventloop"},
	{"disk/mixed", "{\"read_percent\":100,\"in_flight\":5,\"file_mib\":1}", 7, "gmp,pthread,eventloop"},
	{"memory/parked", "{\"tasks\":1,\"touch_kib\":8}", 0, NULL},
	{"memory/parked", "{\"tasks\":300,\"touch_kib\":8,\"libc\":\"yes\"}", 0, NULL},
	{"memory/parked", "{\"tasks\":5,\"touch_kib\":64,\"libc\":\"yes\"}", 0, NULL},
	{"memory/parked", "{\"tasks\":300,\"touch_kib\":8,\"libc\":\"below\"}", 0, NULL},
	{"memory/afterexit", "{\"tasks\":1,\"touch_kib\":8,\"settle_ms\":1}", 0, NULL},
	{"block/handoff", "{\"told\":\"no\"}", 50, NULL},
	{"block/call", "{\"in_flight\":1,\"call_us\":1,\"work\":0,\"settle_ms\":5}", 50, NULL},
	{"block/call", "{\"in_flight\":50,\"call_us\":5000,\"work\":1000}", 100, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"sleep\",\"waiters\":20,\"wait_us\":100}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"channel\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"mutex\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"mutex\",\"waiters\":1,\"wait_us\":1}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"call\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"file\",\"waiters\":3,\"wait_us\":50}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"socket\",\"waiters\":20,\"wait_us\":100}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"socket\",\"waiters\":1,\"wait_us\":20000}", 1, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"semaphore\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"semaphore\",\"waiters\":40,\"wait_us\":1}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"rwlock\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"rwlock\",\"waiters\":20,\"wait_us\":1}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"barrier\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"barrier\",\"waiters\":300,\"wait_us\":1}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"condition\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"condition\",\"waiters\":20,\"wait_us\":1}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"join\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"group\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"select\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"select\",\"waiters\":10,\"wait_us\":1}", 300, "gmp,pthread"},
	{"block/bystander", "{\"kind\":\"accept\",\"waiters\":5,\"wait_us\":200}", 300, "gmp,pthread,eventloop"},
	{"block/bystander", "{\"kind\":\"accept\",\"waiters\":10,\"wait_us\":1}", 300, "gmp,pthread,eventloop"},
	{"block/overlap", "{\"part\":\"disk\",\"in_flight\":1,\"delay_us\":1}", 20, NULL},
	{"block/overlap", "{\"part\":\"net\",\"in_flight\":1,\"delay_us\":300}", 20, NULL},
	{"block/overlap", "{\"part\":\"net\",\"in_flight\":100,\"delay_us\":1}", 500, "gmp,pthread,eventloop"},
	{"block/overlap", "{\"part\":\"both\",\"in_flight\":20,\"delay_us\":1000}", 60, "gmp,pthread,eventloop"},
	{"memory/afterexit", "{\"tasks\":50,\"touch_kib\":9,\"settle_ms\":0}", 0, NULL},
	{"memory/afterexit", "{\"tasks\":5,\"touch_kib\":64,\"settle_ms\":0}", 0, NULL},
	{"memory/alloc", "{\"block_kib\":64,\"reuse\":\"yes\",\"tasks\":3,\"work\":0}", 30, NULL},
	{"memory/alloc", "{\"block_kib\":0,\"reuse\":\"yes\",\"tasks\":1,\"work\":1}", 300, NULL},
	{"memory/alloc", "{\"block_kib\":0,\"reuse\":\"no\",\"tasks\":1,\"work\":0}", 5, NULL},
	{"memory/alloc", "{\"block_kib\":5,\"reuse\":\"no\",\"tasks\":200,\"work\":3}", 1000, NULL},
	{"timer/sleepers", "{\"tasks\":1,\"rounds\":1,\"sleep_ms\":1}", 0, NULL},
	{"timer/sleepers", "{\"tasks\":300,\"rounds\":2,\"sleep_ms\":1}", 0, NULL},
	{"timer/accuracy", "{\"sleep_us\":1}", 30, NULL},
	{"timer/accuracy", "{\"sleep_us\":2000}", 1, NULL},
	{"timer/churn", "{\"pending\":1,\"tasks\":1,\"op\":\"reset\",\"distances\":\"same\",\"distance_ms\":1}", 300,
	 NULL},
	{"timer/churn", "{\"pending\":5000,\"tasks\":7,\"op\":\"reset\",\"distances\":\"spread\",\"distance_ms\":1}",
	 30000, NULL}, /* many fire */
	{"timer/churn", "{\"pending\":3,\"tasks\":40,\"op\":\"stop\",\"distances\":\"same\",\"distance_ms\":1000}",
	 1000, NULL}, /* one timer per task */
	{"abuse/ready", "{\"events\":1,\"period_us\":500}", 0, NULL},
	{"abuse/ready", "{\"events\":200,\"period_us\":50}", 0, NULL}, /* late, and so several at once */
	{"abuse/hog", "{\"polite\":1,\"events\":1,\"period_us\":500,\"hogs\":1,\"stretch_us\":1}", 0, NULL},
	{"abuse/hog", "{\"polite\":20,\"events\":3,\"period_us\":50,\"hogs\":9,\"stretch_us\":500}", 0, NULL},
	{"abuse/hog", "{\"polite\":5,\"events\":10,\"period_us\":500,\"hogs\":3,\"stretch_us\":0}", 0, "gmp,pthread"},
	{"abuse/blocker", "{\"polite\":1,\"events\":1,\"period_us\":500,\"blockers\":1,\"block_us\":1}", 0, NULL},
	{"abuse/blocker", "{\"polite\":20,\"events\":3,\"period_us\":50,\"blockers\":9,\"block_us\":2000}", 0, NULL},
	{"abuse/hoarder", "{\"polite\":1,\"events\":1,\"period_us\":500,\"hoard_us\":1}", 0, NULL},
	{"abuse/hoarder", "{\"polite\":20,\"events\":30,\"period_us\":50,\"hoard_us\":20,\"hoarding\":\"sleep\"}", 0,
	 NULL},
	{"abuse/hoarder", "{\"polite\":4,\"events\":300,\"period_us\":50,\"hoard_us\":20}", 0, NULL},
	{"mix/pipe", "{\"io\":\"own\"}", 1, NULL},
	{"mix/pipe", "{\"io\":\"blocking\"}", 300, "gmp,pthread,serial"},
	{"mix/hackbench", "{\"groups\":1,\"tasks\":1,\"loops\":1}", 0, NULL},
	{"mix/hackbench", "{\"groups\":7,\"tasks\":2,\"loops\":5}", 0, NULL},
	{"mix/hackbench", "{\"groups\":1,\"tasks\":10,\"loops\":200}", 0, NULL}, /* sockets that are full */
	{"mix/server",
	 "{\"connections\":1,\"cpu_us\":10,\"wait_us\":0,\"block_share\":500,\"block_us\":50,\"load_percent\":0}", 0,
	 NULL},
	{"mix/server", "{\"connections\":5,\"cpu_us\":500,\"wait_us\":100,\"block_share\":0,\"rate\":400}", 0,
	 "gmp,pthread,eventloop"},
	{"mix/server",
	 "{\"connections\":20,\"cpu_us\":1,\"wait_us\":1,\"block_share\":1000,\"block_us\":1,\"load_percent\":0}", 0,
	 "gmp,pthread,eventloop"}, /* all block: more than the pool has threads */
	{"net/echo", "{\"connections\":1,\"message_bytes\":70,\"rate\":0}", 0, NULL},
	{"net/echo", "{\"connections\":20,\"message_bytes\":65536,\"rate\":0}", 0, "gmp,pthread,eventloop"},
	{"net/echo", "{\"connections\":10,\"message_bytes\":64,\"rate\":5000}", 0, "gmp,pthread,eventloop"},
	{"net/echo", "{\"connections\":1,\"message_bytes\":64,\"rate\":2000}", 0, NULL},
	{"net/http", "{\"connections\":1,\"request_bytes\":64,\"body_bytes\":0,\"rate\":0}", 0, NULL},
	{"net/http", "{\"connections\":5,\"request_bytes\":8192,\"body_bytes\":1048576,\"rate\":0}", 0,
	 "gmp,pthread,eventloop"},
	{"net/churn", "{\"clients\":1,\"message_bytes\":1,\"rate\":0}", 0, NULL},
	{"net/churn", "{\"clients\":20,\"message_bytes\":10000,\"rate\":0}", 0, NULL},
	{"net/churn", "{\"clients\":8,\"message_bytes\":64,\"rate\":1000}", 0, NULL},
	{"net/udp", "{\"clients\":1,\"message_bytes\":1,\"tasks\":1,\"rate\":0}", 0, NULL},
	{"net/udp", "{\"clients\":10,\"message_bytes\":8192,\"tasks\":2,\"rate\":0}", 0, NULL},
	{"net/udp", "{\"clients\":30,\"message_bytes\":100,\"tasks\":50,\"rate\":3000}", 0, NULL},
	{"net/fanout", "{\"in_flight\":1,\"gets\":1,\"delay_ms\":0,\"body_bytes\":1}", 50, NULL},
	{"net/fanout", "{\"in_flight\":1,\"gets\":20,\"delay_ms\":1,\"body_bytes\":1000}", 3, NULL},
	{"net/fanout", "{\"in_flight\":30,\"gets\":2,\"delay_ms\":2,\"body_bytes\":65536}", 100,
	 "gmp,pthread,eventloop"},
	{"net/fanout", "{\"in_flight\":9,\"gets\":3,\"delay_ms\":1,\"body_bytes\":8}", 4,
	 "gmp,pthread,eventloop"}, /* fewer than operations in flight */
	{"net/idle", "{\"connections\":1,\"active\":5,\"message_bytes\":1,\"rate\":0}", 0, NULL},
	{"net/idle", "{\"connections\":1500,\"active\":3,\"message_bytes\":64,\"rate\":0}", 0, "gmp,pthread,eventloop"},
	{"net/idle", "{\"connections\":50,\"active\":10,\"message_bytes\":4096,\"rate\":2000}", 0,
	 "gmp,pthread,eventloop"},
	{"net/http", "{\"connections\":5,\"request_bytes\":500,\"body_bytes\":1000,\"rate\":3000}", 0,
	 "gmp,pthread,eventloop"},
};

/* The serial subject does one thing at a time; these parameters of the smoke cells must be 1 for it. */
static const char *const concurrency[] = {"in_flight", "connections", "writers"};

#endif
