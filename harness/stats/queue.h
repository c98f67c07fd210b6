/*
 * queue.h - how long work waits for a CPU: the machine-repair queue (M/M/c//N).
 *
 * N tasks compute in turns on c CPUs, for `service` on the mean, and wait in between for `think` on the mean, both exponentially
 * distributed; a piece of work that finds no CPU free waits in the order of arrival. A task that has waited finds the others as they are
 * in a system of N - 1 tasks (the arrival theorem of closed networks), and with j of them at the CPUs, j >= c, it waits for j - c + 1
 * completions, an Erlang time.
 */
#ifndef QUEUE_H
#define QUEUE_H

/*
 * Quantile q of the time for which a piece of work waits for a CPU, the piece itself not counted. `tasks` and `cpus` from 1 up, times
 * above 0, q in (0, 1); NaN otherwise.
 */
double queue_wait(double tasks, double cpus, double service, double think, double q);

#endif
