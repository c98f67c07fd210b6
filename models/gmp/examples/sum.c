/* sum.c - add up an array in parts, a goroutine for each. Shows gr_go, and gr_wg for waiting until all are done. */
#include <gr.h>
#include <stdio.h>

enum { N = 1000000, PARTS = 16 };
static int numbers[N];
static long sums[PARTS]; /* each goroutine writes its own, so nothing needs a lock */
static gr_wg wg; /* how many are not done yet */

static void add_up(void *arg)
{
	long *sum = arg, part = sum - sums;

	for (long i = N / PARTS * part; i < N / PARTS * (part + 1); i++)
		*sum += numbers[i];
	gr_wg_done(&wg);
}

static void run(void *arg)
{
	long *total = arg;

	gr_wg_add(&wg, PARTS); /* before the goroutines that count it down */
	for (int i = 0; i < PARTS; i++)
		if (gr_go(add_up, &sums[i]) < 0) /* no memory for it: do its work here */
			add_up(&sums[i]);
	gr_wg_wait(&wg); /* other goroutines run meanwhile; only then look at what they have made */
	for (int i = 0; i < PARTS; i++)
		*total += sums[i];
}

int main(void)
{
	long total = 0;

	for (int i = 0; i < N; i++)
		numbers[i] = i;
	if (gr_start(NULL) < 0) /* with no settings: as many goroutines run at once as there are CPUs */
		return 1;
	gr_run(run, &total); /* the first goroutine; returns when it has */
	gr_stop();
	printf("%ld\n", total);
	return 0;
}
