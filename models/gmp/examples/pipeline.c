/* pipeline.c - numbers, their squares, and the sum of those, by three goroutines that channels connect. */
#include <gr.h>
#include <stdio.h>

static gr_chan *numbers, *squares;

static void count(void *arg) /* the first stage */
{
	(void)arg;
	for (long n = 1; n <= 100; n++)
		gr_chan_send(numbers, &n); /* waits while the channel is full: a fast stage cannot run away */
	gr_chan_close(numbers);
}

static void square(void *arg) /* the second: from one channel to the next, as long as something comes */
{
	(void)arg;
	for (long n; gr_chan_recv(numbers, &n);) { /* false: closed, and all that was sent has been received */
		n *= n;
		gr_chan_send(squares, &n);
	}
	gr_chan_close(squares); /* the end is passed on */
}

static void run(void *arg) /* makes the channels, starts the others, and is the last stage */
{
	long sum = 0;

	(void)arg;
	if (gr_chan_new(sizeof(long), 8, &numbers) < 0 || gr_chan_new(sizeof(long), 8, &squares) < 0 ||
	    gr_go(count, NULL) < 0 || gr_go(square, NULL) < 0)
		return;
	for (long n; gr_chan_recv(squares, &n);)
		sum += n;
	printf("%ld\n", sum);
	gr_chan_free(numbers);
	gr_chan_free(squares);
}

int main(void)
{
	if (gr_start(NULL) < 0)
		return 1;
	gr_run(run, NULL);
	gr_stop();
	return 0;
}
