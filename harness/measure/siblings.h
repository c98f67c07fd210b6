/*
 * siblings.h - whether two "cores" are hardware threads of one (siblings.c says how it is told).
 */
#ifndef SIBLINGS_H
#define SIBLINGS_H

enum siblings { SIBLINGS_NO, SIBLINGS_YES, SIBLINGS_UNKNOWN };

/* Between the two nothing is claimed. From two sides: real cores came out at 0.97-1.1, hardware threads at 1.4-2. */
#define SURELY_CORES 1.15
#define SURELY_SIBLINGS 1.3

/*
 * CPU time of the same arithmetic on `cpu` with `neighbour` busy, over that with it idle; about 20 ms. Negative errno
 * when a CPU may not be used. Leaves the calling thread's affinity alone.
 */
double siblings_ratio(int cpu, int neighbour);

enum siblings siblings_judge(double ratio);

#endif
