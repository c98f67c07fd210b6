/*
 * figure.c - see figure.h.
 */
#include "harness/report/figure.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/gnuplot.h"
#include "harness/report/parts.h"
#include "harness/report/say.h"

/* An entry of the legend: its mark and the blank around it; a letter, about; the letters that there is always room for. */
enum { LEGEND_MARK_W = 42, LEGEND_CHAR_W = 9, LEGEND_CHARS = 12 };

struct look {
	const char *subject, *color;
	int point; /* gnuplot's number */
};

static const struct look looks[] = {
	{"gmp", "#0072B2", 7},     {"pthread", "#D55E00", 5}, {"eventloop", "#009E73", 9},
	{"serial", "#999999", 13}, {"null", "#000000", 2},    {"go", "#56B4E9", 11},
};
/* For the others, by their order of appearance: each colour comes again with another point, so that twenty-four differ. */
static const char *const spare_colors[] = {"#CC79A7", "#E69F00", "#A6761D", "#7A5195"};
static const int spare_points[] = {6, 4, 8, 10, 12, 14};
enum {
	N_SPARE_COLORS = sizeof(spare_colors) / sizeof(*spare_colors),
	N_SPARE_POINTS = sizeof(spare_points) / sizeof(*spare_points)
};

static struct look look_of(const char *subject, const char **subjects, size_t n)
{
	size_t other = 0;

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (strcmp(looks[i].subject, subject) == 0)
			return looks[i];
	for (size_t i = 0; i < n && strcmp(subjects[i], subject) != 0; i++) {
		bool known = false;

		for (size_t j = 0; j < sizeof(looks) / sizeof(looks[0]); j++)
			known |= strcmp(looks[j].subject, subjects[i]) == 0;
		other += !known;
	}
	return (struct look){NULL, spare_colors[other % N_SPARE_COLORS],
			     spare_points[(other + other / N_SPARE_COLORS) % N_SPARE_POINTS]};
}

static void name_files(struct plot *p, const char *workload, const char *what)
{
	snprintf(p->id, sizeof(p->id), "%s-%s", workload, what);
	for (char *c = p->id; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_'; /* the SVG's name, which gnuplot allows letters, digits and this in */
	snprintf(p->dat, sizeof(p->dat), "plots/%s.dat", p->id); /* numbers: one for all languages */
	snprintf(p->id + strlen(p->id), sizeof(p->id) - strlen(p->id), "%s", say_suffix());
	snprintf(p->svg, sizeof(p->svg), "plots/%s.svg", p->id);
	snprintf(p->png, sizeof(p->png), "plots/%s.png", p->id);
	snprintf(p->gp, sizeof(p->gp), "plots/%s.gp", p->id);
}

int figure_open(struct figure *f, struct report *r, const char *workload, const char *what)
{
	*f = (struct figure){.plot = GROW(r->plots, r->n_plots)};
	if (!f->plot)
		return -ENOMEM;
	f->plot->workload = workload;
	name_files(f->plot, workload, what);
	if (r->without_png)
		f->plot->png[0] = 0;
	f->n_subjects = report_subjects(r, &f->subjects);
	f->gp = open_memstream(&f->gp_text, &f->gp_size);
	f->dat = open_memstream(&f->dat_text, &f->dat_size);
	if (f->gp && f->dat)
		return 0;
	if (f->gp)
		fclose(f->gp);
	if (f->dat)
		fclose(f->dat);
	free(f->gp_text);
	free(f->dat_text);
	free(f->subjects);
	return -ENOMEM;
}

int figure_add(struct figure *f, const char *subject)
{
	const char **slot = GROW(f->drawn, f->n_drawn);

	if (!slot)
		return -ENOMEM;
	*slot = subject;
	return 0;
}

void figure_setting(FILE *gp, const char *name, const char *value)
{
	fprintf(gp, "%s = ", name);
	gnuplot_string(gp, value);
	fputc('\n', gp);
}

void figure_series(struct figure *f)
{
	size_t longest = LEGEND_CHARS;

	fprintf(f->gp, "# %s\n# Draw again with: gnuplot %s.gp\n", f->plot->title, f->plot->id);
	if (say_language() != SAY_ENGLISH)
		fputs("set encoding utf8\n", f->gp);
	if (!f->plot->png[0])
		fputs("targets = \"svg\"\n", f->gp);
	figure_setting(f->gp, "id", f->plot->id);
	fprintf(f->gp, "dat = \"%s\"\n", strrchr(f->plot->dat, '/') + 1);
	figure_setting(f->gp, "caption", f->plot->title);
	fprintf(f->gp, "series = %zu\n", f->n_drawn);
	for (size_t i = 0; i < f->n_drawn; i++)
		longest = strlen(f->drawn[i]) > longest ? strlen(f->drawn[i]) : longest;
	fprintf(f->gp, "legend_most = %zu\n", longest * LEGEND_CHAR_W + LEGEND_MARK_W);
	for (size_t i = 0; i < f->n_drawn; i++) {
		char name[120], setting[32];

		snprintf(setting, sizeof(setting), "title_%zu", i + 1);
		snprintf(name, sizeof(name), "%s%s", f->drawn[i],
			 strcmp(f->drawn[i], "serial") == 0 ? say(" (bare)") : "");
		figure_setting(f->gp, setting, name);
	}
	fputs("colors = \"", f->gp);
	for (size_t i = 0; i < f->n_drawn; i++)
		fprintf(f->gp, "%s%s", i ? " " : "", look_of(f->drawn[i], f->subjects, f->n_subjects).color);
	fputs("\"\npoints = \"", f->gp);
	for (size_t i = 0; i < f->n_drawn; i++)
		fprintf(f->gp, "%s%d", i ? " " : "", look_of(f->drawn[i], f->subjects, f->n_subjects).point);
	fputs("\"\n", f->gp);
}

void figure_list(const struct figure *f, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < f->n_drawn && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? say(", ") : "", f->drawn[i]);
}

int figure_close(struct figure *f, struct report *r, const char *dir, const char *body, struct err *err)
{
	struct plot *p = f->plot;
	char script[176], folder[4096];
	struct err why = {""};
	int rc;

	if (body)
		fputs(body, f->gp);
	rc = fclose(f->gp) | fclose(f->dat) ? err_set(err, -ENOMEM, "out of memory") : 0;
	if (rc == 0)
		rc = report_file_write(dir, p->dat, f->dat_text, f->dat_size, err);
	if (rc == 0 && body)
		rc = report_file_write(dir, p->gp, f->gp_text, f->gp_size, err);
	if (rc == 0 && body && !r->plots_why[0]) {
		snprintf(folder, sizeof(folder), "%s/plots", dir);
		snprintf(script, sizeof(script), "%s.gp", p->id);
		p->drawn = gnuplot_run(folder, script, &why) == 0;
		if (!p->drawn)
			snprintf(r->plots_why, sizeof(r->plots_why), "%.*s", (int)sizeof(r->plots_why) - 1, why.why);
		else
			rc = stamp_plot(dir, r, p, err);
	}
	free(f->gp_text);
	free(f->dat_text);
	free(f->subjects);
	free(f->drawn);
	return rc;
}
