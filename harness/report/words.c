/*
 * words.c - how numbers, verdicts and absences read (contracts: words.h).
 */
#include "harness/report/words.h"
#include "harness/report/say.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scale {
	double factor;
	const char *name;
};

static const struct scale time_scales[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}, {0, NULL}};
static const struct scale byte_scales[] = {{1, "B"}, {0x1p10, "KiB"}, {0x1p20, "MiB"}, {0x1p30, "GiB"}, {0, NULL}};
static const struct scale rate_scales[] = {{1, "/s"}, {1e3, "k/s"}, {1e6, "M/s"}, {0, NULL}};
static const struct scale share_scales[] = {{0.01, "%"}, {0, NULL}};
static const struct scale plain_scales[] = {{1, ""}, {0, NULL}};

enum unit words_unit(const struct cell *c)
{
	if (cell_is_memory(c))
		return UNIT_BYTES;
	return strncmp(c->unit, "ns", 2) == 0 ? UNIT_NS : UNIT_PLAIN;
}

/* The largest scale that leaves at least 1 before the point. */
static const struct scale *scale_of(double value, enum unit unit)
{
	static const struct scale *const all[] = {time_scales,  byte_scales,  rate_scales,
						  plain_scales, plain_scales, share_scales};
	const struct scale *s = all[unit];

	while (s[1].name && fabs(value) >= s[1].factor)
		s++;
	return s;
}

/*
 * How many decimals `value` deserves when it is known to within `width`; significant digits between two and four. A
 * width of 0 or less means that it is not known how well it is known.
 */
static int decimals(double value, double width)
{
	int magnitude = value != 0 ? (int)floor(log10(fabs(value))) : 0;
	int d = width > 0 ? 1 - (int)floor(log10(width)) : 2 - magnitude;

	if (d > 3 - magnitude)
		d = 3 - magnitude;
	if (d < 1 - magnitude)
		d = 1 - magnitude;
	return d < 0 ? 0 : d > 9 ? 9 : d;
}

/* Too small for a fixed point in the smallest scale: "0.0002", "3.1e-06", "3e-08 ns". */
static bool is_tiny(double value, enum unit unit)
{
	return fabs(value) < (unit == UNIT_PLAIN ? 0.1 : 0.01);
}

static void put_scaled(char *buf, size_t size, double value, int digits, const struct scale *s, enum unit unit)
{
	const char *blank = s->name[0] && s->name[0] != '/' ? " " : "";

	if (unit == UNIT_COUNT)
		snprintf(buf, size, "%.4g", value);
	else if (value == 0)
		snprintf(buf, size, "0%s%s", blank, s->name);
	else if (unit == UNIT_SHARE)
		snprintf(buf, size, "%.0f %%", value * 100);
	else if (is_tiny(value, unit))
		snprintf(buf, size, "%.2g%s%s", value, blank, s->name);
	else
		snprintf(buf, size, "%.*f%s%s", digits, value / s->factor, blank, s->name);
}

void words_number(char *buf, size_t size, double value, enum unit unit)
{
	const struct scale *s = scale_of(value, unit);

	if (!isfinite(value))
		snprintf(buf, size, "n/a");
	else
		put_scaled(buf, size, value, decimals(value / s->factor, 0), s, unit);
}

/* As many decimals as keep an end that is not 0 from reading 0, for it says on which side of 0 the interval lies. */
static int show_end(double end, int d)
{
	int most = d + 3;

	while (d < most && end != 0 && fabs(end) * pow(10, d) < 0.5)
		d++;
	return d;
}

static void put_value(char *buf, size_t size, const struct stats_estimate *e, enum unit unit, bool with_interval)
{
	const struct scale *s = scale_of(e->median, unit);
	size_t used;
	int d;

	if (e->n == 0 || !isfinite(e->median) || !e->has_interval) {
		words_number(buf, size, e->n ? e->median : NAN, unit);
		return;
	}
	d = decimals(e->median / s->factor, (e->hi - e->lo) / s->factor);
	d = show_end(e->lo / s->factor, show_end(e->hi / s->factor, d));
	put_scaled(buf, size, e->median, d, s, unit);
	used = strlen(buf);
	if (!with_interval)
		return;
	if (unit == UNIT_COUNT)
		snprintf(buf + used, size - used, " [%.4g, %.4g]", e->lo, e->hi);
	else if (unit == UNIT_SHARE)
		snprintf(buf + used, size - used, " [%.*f, %.*f]", show_end(e->lo * 100, 0), e->lo * 100,
			 show_end(e->hi * 100, 0), e->hi * 100);
	else if (is_tiny(e->median, unit))
		snprintf(buf + used, size - used, " [%.2g, %.2g]", e->lo, e->hi);
	else
		snprintf(buf + used, size - used, " [%.*f, %.*f]", d, e->lo / s->factor, d, e->hi / s->factor);
}

void words_value(char *buf, size_t size, const struct stats_estimate *e, enum unit unit)
{
	put_value(buf, size, e, unit, true);
}

void words_median(char *buf, size_t size, const struct stats_estimate *e, enum unit unit)
{
	put_value(buf, size, e, unit, false);
}

void words_ratio(char *buf, size_t size, double ratio)
{
	if (ratio < 0.0995) { /* a base that needs far less: digits that say how far */
		snprintf(buf, size, "%.2g", ratio);
		return;
	}
	snprintf(buf, size, "%.*f",
		 ratio >= 99.95                   ? 0
		 : ratio >= 9.995                 ? 1
		 : ratio >= 1.0995 || ratio < 0.9 ? 2
						  : 3,
		 ratio);
}

void words_at_least(char *buf, size_t size, double ratio)
{
	double step = ratio >= 100 ? 1 : ratio >= 10 ? 10 : ratio >= 1.1 ? 100 : 1000;

	words_ratio(buf, size, floor(ratio * step + 1e-9) / step);
}

void words_plain(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*<>[]_#|", *text))
			fputc('\\', out);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
}

int words_extra_bytes(const char *text)
{
	int extra = 0;

	for (; *text; text++)
		extra += ((unsigned char)*text & 0xf0) == 0xe0;
	return extra;
}

int words_whole(const char *utf8, size_t most)
{
	size_t n = strnlen(utf8, most);

	if (utf8[n])
		while (n > 0 && ((unsigned char)utf8[n] & 0xc0) == 0x80)
			n--;
	return (int)n;
}

void words_record(FILE *out, const char *text)
{
	char *said = say_record(text);

	words_plain(out, said ? said : text);
	free(said);
}

void words_release(FILE *out, const json_t *describe)
{
	long year = field_whole(describe, "year", 0);

	if (year <= 0)
		return;
	fputc(' ', out);
	words_plain(out, field_text(describe, "version", "?"));
	fprintf(out, " (%ld)", year);
}

void words_code(FILE *out, const char *text)
{
	fputc('`', out);
	for (; *text; text++)
		fputc(*text == '`' ? '\'' : (unsigned char)*text < ' ' ? ' ' : *text, out);
	fputc('`', out);
}

/* What a cell measures, as a mass noun. */
static const char *measured(const struct cell *c)
{
	if (cell_is_memory(c))
		return say("memory");
	if (cell_is_delay(c))
		return strcmp(c->metric, "delay_p50") == 0 ? say("median delay") : say("p99 delay");
	return strcmp(c->metric, "cpu_per_op") == 0 ? say("CPU time") : say("time");
}

/* Where the explanation of an operation begins: at its first mark, of either language. */
static size_t brief_length(const char *op)
{
	static const char *const marks[] = {":", ";", "(", ",", "：", "；", "（", "，"};
	size_t n = strlen(op);

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *at = strstr(op, marks[i]);

		if (at && (size_t)(at - op) < n)
			n = (size_t)(at - op);
	}
	while (n > 0 && op[n - 1] == ' ')
		n--;
	return n;
}

/* What one operation is, up to where its explanation begins; as markup. */
static const char *op_words(char *buf, size_t size, const struct cell *c)
{
	char *op = say_record(cell_op(c));
	FILE *out = fmemopen(buf, size, "w");

	buf[0] = 0;
	if (out && op) {
		op[brief_length(op)] = 0;
		words_plain(out, op);
	}
	if (out)
		fclose(out);
	free(op);
	return buf;
}

static const char *coded(char *buf, size_t size, const char *text)
{
	FILE *out = fmemopen(buf, size, "w");

	buf[0] = 0;
	if (out) {
		words_code(out, text);
		fclose(out);
	}
	return buf;
}

static void put_interval(FILE *out, double ratio, double lo, double hi, double level, size_t n)
{
	char r[32], l[32], h[32];

	words_ratio(r, sizeof(r), ratio);
	words_ratio(l, sizeof(l), lo);
	words_ratio(h, sizeof(h), hi);
	fprintf(out, say("(median %sx, %.1f %% interval %s-%s, %zu paired rounds)"), r, floor(level * 1000) / 10, l, h,
		n);
}

static void put_separated(FILE *out, const struct comparison *c)
{
	const struct stats_comparison *s = &c->cmp;
	bool less = s->lo > 1, delay = cell_is_delay(c->cell);
	char edge[32], one[300], other[300], op[300];

	words_at_least(edge, sizeof(edge), c->verdict.near_edge);
	fprintf(out,
		delay ? (less ? say("%s has an at least %sx shorter %s than %s for %s ")
			      : say("%s has an at least %sx longer %s than %s for %s "))
		      : (less ? say("%s needs at least %sx less %s than %s for %s ")
			      : say("%s needs at least %sx more %s than %s for %s ")),
		coded(one, sizeof(one), c->subject->subject), edge, measured(c->cell),
		coded(other, sizeof(other), c->base->subject), op_words(op, sizeof(op), c->cell));
	put_interval(out, less ? s->ratio : 1 / s->ratio, less ? s->lo : 1 / s->hi, less ? s->hi : 1 / s->lo, s->level,
		     s->n);
}

static void put_undecided(FILE *out, const struct comparison *c)
{
	const struct stats_comparison *s = &c->cmp;
	char ratio[32];

	if (!s->has_interval) {
		words_ratio(ratio, sizeof(ratio), s->ratio);
		fprintf(out, say(" (median ratio %sx over %zu paired rounds, no interval)"), ratio, s->n);
		return;
	}
	fputs(say_language() == SAY_ENGLISH ? " " : "", out); /* a Chinese bracket brings its own room */
	put_interval(out, s->ratio, s->lo, s->hi, s->level, s->n);
}

void words_reasons(FILE *out, const struct verdict *v)
{
	const char *between = "";

	/* That there is no twin concerns all comparisons of a family: it is said once, above them. */
	for (unsigned bit = 1; bit < REASON_MAX; bit <<= 1)
		if (v->reasons & bit & ~REASON_NO_TWIN) {
			fprintf(out, "%s%s", between, say(verdict_reason_text(bit)));
			between = say("; ");
		}
}

/* What the rounds say that nobody disturbed, where somebody disturbed others. */
static void put_clean(FILE *out, const struct comparison *c)
{
	const struct stats_comparison *s = &c->clean;

	if (!(c->contaminated_share > 0))
		return;
	if (s->n == 0) {
		fputs(say(" No round is without a disturbed sample."), out);
		return;
	}
	fprintf(out, say(" Without the disturbed rounds: %s "),
		say(words_kind(c->clean_verdict.kind, c->cell->metric)));
	if (s->has_interval)
		put_interval(out, s->ratio, s->lo, s->hi, s->level, s->n);
	else
		fprintf(out, say("(%zu paired round%s, no interval)"), s->n, s->n == 1 ? "" : "s");
	fputs(say("."), out);
}

/* The part after the verdict's sentence: why, and what would decide. */
static void put_rest(FILE *out, const struct comparison *c)
{
	const struct verdict *v = &c->verdict;

	if (v->reasons & ~REASON_NO_TWIN) {
		fputs(say(": "), out);
		words_reasons(out, v);
	}
	fputs(say("."), out);
	put_clean(out, c);
	if (v->kind != VERDICT_INCONCLUSIVE)
		return;
	if (isfinite(v->mde))
		fprintf(out, say(" The smallest difference that these rounds could have shown is %.1f %%."),
			v->mde * 100);
	if (v->more_rounds)
		fprintf(out, say(" About %zu more round%s would be needed."), v->more_rounds,
			v->more_rounds == 1 ? "" : "s");
}

const char *words_kind(enum verdict_kind kind, const char *metric)
{
	bool is_time = strcmp(metric, "wall_per_op") == 0;

	if (kind == VERDICT_FASTER && !is_time)
		return "LESS";
	if (kind == VERDICT_SLOWER && !is_time)
		return "MORE";
	return verdict_name(kind);
}

const char *words_verdict(const struct comparison *c)
{
	return words_kind(c->verdict.kind, c->cell->metric);
}

void words_comparison(FILE *out, const struct comparison *c)
{
	const struct stats_comparison *s = &c->cmp;
	char one[300], other[300], op[300];

	coded(one, sizeof(one), c->subject->subject);
	coded(other, sizeof(other), c->base->subject);
	switch (c->verdict.kind) {
	case VERDICT_FASTER:
	case VERDICT_SLOWER:
		put_separated(out, c);
		break;
	case VERDICT_EQUIVALENT:
		fprintf(out,
			cell_is_delay(c->cell) ? say("%s and %s have the same %s within 5 %% for %s ")
					       : say("%s and %s need the same %s within 5 %% for %s "),
			one, other, measured(c->cell), op_words(op, sizeof(op), c->cell));
		put_interval(out, s->ratio, s->narrow_lo, s->narrow_hi, s->narrow_level, s->n);
		break;
	case VERDICT_INCONCLUSIVE:
		fprintf(out, say("%s is not separated from %s"), one, other);
		put_undecided(out, c);
		break;
	case VERDICT_UNTRUSTED:
		fprintf(out, say("%s against %s is not judged"), one, other);
		put_undecided(out, c);
		break;
	}
	put_rest(out, c);
}

void words_absence(FILE *out, const struct series *s)
{
	static const struct {
		const char *status, *text;
	} table[] = {{"unsupported", SAID("unsupported")},
		     {"too_slow", SAID("too slow here")},
		     {"failed", SAID("failed")},
		     {"void", SAID("void")},
		     {"not_measured", SAID("not measured")},
		     {"smoke", SAID("not timed")}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(s->status, table[i].status) == 0)
			fputs(say(table[i].text), out);
	if (s->why) {
		fputs(say(": "), out);
		words_record(out, s->why);
	}
}

/* A shell word: quoted when it has to be. */
static void put_word(FILE *out, const char *word)
{
	const char *p = word;

	while (*p && (isalnum((unsigned char)*p) || strchr("_-./,:=+@%", *p)))
		p++;
	if (*word && !*p) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (p = word; *p; p++) {
		if (*p == '\'')
			fputs("'\\''", out);
		else
			fputc((unsigned char)*p < ' ' ? ' ' : *p, out);
	}
	fputc('\'', out);
}

/* Whether argument i of the command, or the one before it, says where the run goes: not for a second run. */
static bool names_folder(const json_t *command, size_t i)
{
	static const char *const flags[] = {"-o", "--out", "--resume"};

	for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++)
		for (size_t back = 0; back < 2 && back <= i; back++) {
			const char *word = json_string_value(json_array_get(command, i - back));
			size_t n = strlen(flags[k]);

			if (word && (strcmp(word, flags[k]) == 0 ||
				     (back == 0 && n > 2 && strncmp(word, flags[k], n) == 0 && word[n] == '=')))
				return true;
		}
	return false;
}

void words_command(FILE *out, const struct report *r, const char *filter)
{
	const json_t *command = json_object_get(r->run, "command");
	const char *seed = field_text(r->run, "seed", NULL);
	bool has_seed = false;
	json_t *word;
	size_t i;

	json_array_foreach (command, i, word) {
		const char *text = json_is_string(word) ? json_string_value(word) : "";

		if (i > 0 && names_folder(command, i))
			continue;
		has_seed |= strncmp(text, "--seed", 6) == 0;
		fputs(i ? " " : "", out);
		if (i == 0 && strrchr(text, '/'))
			text = strrchr(text, '/') + 1;
		put_word(out, text);
	}
	if (filter) {
		fputs(" -f ", out);
		put_word(out, filter);
	}
	if (seed && !has_seed)
		fprintf(out, " --seed 0x%s", seed);
}
