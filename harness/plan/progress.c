#include "harness/plan/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/plan/jsonx.h"

enum { DEFAULT_WIDTH = 80 };

void progress_init(struct progress *p, FILE *out, int64_t estimate_ns)
{
	struct winsize size;

	*p = (struct progress){.out = out, .estimate_ns = estimate_ns, .width = DEFAULT_WIDTH};
	p->is_tty = out && isatty(fileno(out));
	if (p->is_tty && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		p->width = size.ws_col;
}

void progress_sample(struct progress *p, int64_t estimate_ns, int64_t actual_ns)
{
	p->done_estimate_ns += estimate_ns;
	if (actual_ns == 0)
		return;
	p->measured_ns += actual_ns;
	p->measured_estimate_ns += estimate_ns;
}

double progress_left_s(const struct progress *p)
{
	double left_ns = (double)(p->estimate_ns - p->done_estimate_ns), ratio = 1;

	/* The first samples say little about the rest. */
	if (p->measured_estimate_ns > p->estimate_ns / 50)
		ratio = (double)p->measured_ns / (double)p->measured_estimate_ns;
	left_ns *= ratio;
	if (p->deadline_ns)
		left_ns = fmin(left_ns, (double)p->deadline_ns - (double)clock_now_ns());
	return left_ns > 0 ? left_ns / 1e9 : 0;
}

static void clock_text(double in_s, char *buf, size_t size)
{
	time_t when = time(NULL) + (time_t)(in_s + 0.5);
	struct tm tm;

	if (!localtime_r(&when, &tm) || strftime(buf, size, "%H:%M:%S", &tm) == 0)
		snprintf(buf, size, "?");
}

void progress_show(struct progress *p, bool is_round, const char *fmt, ...)
{
	char *text = NULL, when[32];
	va_list ap;

	if (!p->out || (!p->is_tty && !is_round))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text)
		return;
	clock_text(progress_left_s(p), when, sizeof when);
	if (p->is_tty) {
		int room = (int)p->width - 1 - (int)sizeof " done 00:00:00";

		fprintf(p->out, "\r\033[K%.*s, done %s", room > 0 ? room : 0, text, when);
		p->has_line = true;
	} else {
		fprintf(p->out, "%s, done %s\n", text, when);
	}
	fflush(p->out);
	free(text);
}

void progress_end(struct progress *p)
{
	if (p->has_line)
		fputs("\r\033[K", p->out);
	p->has_line = false;
	if (p->out)
		fflush(p->out);
}

void progress_note(struct progress *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->out)
		return;
	progress_end(p);
	va_start(ap, fmt);
	vfprintf(p->out, fmt, ap);
	va_end(ap);
	fputc('\n', p->out);
	fflush(p->out);
}
