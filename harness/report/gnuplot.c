/*
 * gnuplot.c - the driver of the figures (contracts: gnuplot.h).
 *
 * gnuplot runs as a child with a time limit and without anybody's start-up file (-d): a report must neither hang on
 * it nor look different because of it. Tics are made here and not by gnuplot, because its unit prefixes stop at tics
 * that are no whole number of the unit, and because 1024 is the base of bytes.
 */
#include "harness/report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/report/parts.h"

enum { EXIT_NO_FOLDER = 126, EXIT_NO_PROGRAM = 127 };

static void child(const char *dir, const char *script, int output)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 || chdir(dir))
		_exit(EXIT_NO_FOLDER);
	setenv("LC_ALL", "C", 1);
	execlp("gnuplot", "gnuplot", "-d", script, (char *)NULL);
	_exit(errno == ENOENT ? EXIT_NO_PROGRAM : EXIT_NO_FOLDER);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Read what the child says until it closes its end or the time is up; the last `size` - 1 bytes are kept in tail. */
static int drain(int fd, char *tail, size_t size)
{
	int64_t deadline = now_ms() + GNUPLOT_SECONDS * 1000;
	size_t used = 0;

	for (;;) {
		int64_t left = deadline - now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char chunk[512];
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (used + (size_t)n >= size)
			used = 0; /* the beginning is dropped: errors come last */
		memcpy(tail + used, chunk, (size_t)n);
		used += (size_t)n;
		tail[used] = 0;
	}
}

/* The last line that is not blank and not the caret under the script's line. */
static const char *last_words(char *tail)
{
	char *end = tail + strlen(tail);

	while (end > tail && strchr(" \n\t^", end[-1]))
		*--end = 0;
	while (end > tail && end[-1] != '\n')
		end--;
	return *end ? end : "no message";
}

int gnuplot_run(const char *dir, const char *script, struct err *err)
{
	char tail[1024] = "";
	int pipes[2], status, rc;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return err_set(err, -errno, "cannot make a pipe for gnuplot: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		child(dir, script, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		rc = -errno;
		close(pipes[0]);
		return err_set(err, rc, "cannot start gnuplot: %s", strerror(-rc));
	}
	rc = drain(pipes[0], tail, sizeof(tail));
	close(pipes[0]);
	if (rc)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc)
		return err_set(err, rc, "gnuplot took more than %d s for %s", GNUPLOT_SECONDS, script);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_PROGRAM)
		return err_set(err, -ENOENT, "gnuplot is not installed");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, -EIO, "gnuplot failed on %s: %s", script, last_words(tail));
	return 0;
}

bool gnuplot_has_chinese(void)
{
	FILE *list = popen("fc-list :lang=zh-cn family 2>/dev/null", "re");
	int first = list ? fgetc(list) : EOF;

	while (list && fgetc(list) != EOF) /* to its end, so that it does not die of a closed pipe */
		;
	if (list)
		pclose(list);
	return first != EOF;
}

int gnuplot_template(const char *name, char **out, struct err *err)
{
	const char *other = getenv("SWITCHYARD_SCRIPTS");
	size_t size;

	return report_file_read(other && *other ? other : SWITCHYARD_SOURCE_DIR "/scripts", name, out, &size, err);
}

void gnuplot_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
	fputc('"', out);
}

/* ---- axes ------------------------------------------------------------------------------------------------- */

struct gnuplot_axis gnuplot_axis_make(double min, double max, enum unit unit)
{
	struct gnuplot_axis a = {.min = min, .max = max, .unit = unit};
	double margin = (max - min) * 0.06;

	a.log = min > 0 && max / min > 10;
	if (a.log) {
		a.min = min / 1.25;
		a.max = max * 1.25;
	} else if (min >= 0 && min < 0.7 * max) {
		a.min = 0;
		a.max = max * 1.06;
	} else {
		margin = margin > 0 ? margin : fabs(max) * 0.05 + 1e-9;
		a.min = min - margin;
		a.max = max + margin;
	}
	return a;
}

static double unit_base(double value, enum unit unit, const char **name)
{
	static const char *const times[] = {"ns", "us", "ms", "s"};
	static const char *const bytes[] = {"B", "KiB", "MiB", "GiB"};
	double step = unit == UNIT_BYTES ? 1024 : 1000, base = 1;
	int i = 0;

	*name = "";
	if (unit != UNIT_NS && unit != UNIT_BYTES)
		return 1;
	while (i < 3 && fabs(value) >= base * step * (1 - 1e-12)) {
		base *= step;
		i++;
	}
	*name = unit == UNIT_NS ? times[i] : bytes[i];
	return base;
}

static void put_tic(FILE *out, double value, double base, const char *name, bool *first)
{
	if (value == 0)
		name = "";
	fprintf(out, "%s\"%.6g%s%s\" %.9g", *first ? "" : ", ", value / base, *name ? " " : "", name, value);
	*first = false;
}

/* Powers of ten with 2 and 5 between them where there is room; for bytes powers of two, of four, of sixteen... */
static void log_tics(FILE *out, const struct gnuplot_axis *a, bool *first)
{
	double decades = log10(a->max / a->min), growth = a->unit == UNIT_BYTES ? 2 : 10;
	const char *name;
	double base;

	while (a->unit == UNIT_BYTES && log(a->max / a->min) / log(growth) > 9)
		growth *= 2;
	for (double v = pow(growth, floor(log(a->min) / log(growth))); v <= a->max; v *= growth)
		for (int i = 0; i < 3; i++) {
			static const double between[] = {1, 2, 5};
			double at = v * between[i];

			if ((i > 0 && (a->unit == UNIT_BYTES || decades > 3)) || at < a->min || at > a->max)
				continue;
			base = unit_base(at, a->unit, &name);
			put_tic(out, at, base, name, first);
		}
}

static void linear_tics(FILE *out, const struct gnuplot_axis *a, bool *first)
{
	const char *name;
	double base = unit_base(fmax(fabs(a->min), fabs(a->max)), a->unit, &name);
	double raw = (a->max - a->min) / base / 6, power = pow(10, floor(log10(raw)));
	double step = raw / power > 5 ? 10 * power : raw / power > 2 ? 5 * power : raw / power > 1 ? 2 * power : power;

	for (double i = ceil(a->min / base / step - 1e-9); i * step * base <= a->max; i++)
		put_tic(out, i * step * base + 0.0, base, name, first); /* + 0.0: a negative zero would show its sign */
}

void gnuplot_axis_tics(FILE *out, char axis, const struct gnuplot_axis *a)
{
	bool first = true;

	fprintf(out, "set %ctics (", axis);
	if (a->log)
		log_tics(out, a, &first);
	else
		linear_tics(out, a, &first);
	fputs(")\n", out);
}
