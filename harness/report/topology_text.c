/*
 * topology_text.c - a machine for the terminal: a line per level, cores side by side, then a table of placements.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "harness/report/model.h"
#include "harness/report/say.h"
#include "harness/report/topology_draw.h"
#include "harness/report/words.h"

enum { DEPTH_MAX = 16 }; /* of the tree; hwloc's are half as deep */

bool topology_has(const json_t *cpus, json_int_t cpu)
{
	json_t *one;
	size_t i;

	json_array_foreach (cpus, i, one)
		if (json_integer_value(one) == cpu)
			return true;
	return false;
}

/* Pieces as far as they fit with `room` bytes to spare behind them; whether all did. */
static bool put_ranges(char *buf, size_t size, const json_t *cpus, size_t room)
{
	size_t n = json_array_size(cpus), used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n;) {
		json_int_t first = json_integer_value(json_array_get(cpus, i)), last = first;
		char piece[48];

		while (++i < n && last < INT64_MAX && json_integer_value(json_array_get(cpus, i)) == last + 1)
			last++;
		snprintf(piece, sizeof piece, last > first ? "%s%lld-%lld" : "%s%lld", used ? "," : "",
			 (long long)first, (long long)last);
		if (used + strlen(piece) + room >= size)
			return false;
		used += (size_t)snprintf(buf + used, size - used, "%s", piece);
	}
	return true;
}

void topology_ranges(char *buf, size_t size, const json_t *cpus)
{
	size_t n = json_array_size(cpus), used;
	char tail[32];

	if (n == 0)
		snprintf(buf, size, "%s", say("none"));
	if (n == 0 || put_ranges(buf, size, cpus, 0))
		return;
	(void)put_ranges(buf, size, cpus, (size_t)snprintf(tail, sizeof tail, say("... (%zu CPUs)"), n));
	used = strlen(buf);
	snprintf(buf + used, size - used, "%s", tail);
}

void topology_label(char *buf, size_t size, const json_t *node)
{
	const char *type = field_text(node, "type", "?");
	char bytes[32] = "", ids[64] = "";

	if (field_number(node, "bytes") > 0)
		words_number(bytes, sizeof bytes, field_number(node, "bytes"), UNIT_BYTES);
	if (strcmp(type, "cache") == 0) {
		snprintf(buf, size, "L%ld %s", field_whole(node, "level", 0), bytes);
	} else if (strcmp(type, "numa") == 0) {
		topology_ranges(ids, sizeof ids, json_object_get(node, "ids"));
		snprintf(buf, size, "NUMA %s%s%s", ids, *bytes ? ", " : "", bytes);
	} else if (strcmp(type, "package") == 0) {
		snprintf(buf, size, say("package %ld"), field_whole(node, "id", 0));
	} else {
		snprintf(buf, size, "%.40s %ld", type, field_whole(node, "id", 0));
	}
}

static size_t count_words(char *buf, size_t size, size_t used, long n, const char *word)
{
	if (n <= 0 || used >= size)
		return used;
	return used + (size_t)snprintf(buf + used, size - used, "%s%ld %s%s", used ? say(", ") : "", n, say(word),
				       n == 1 || say_language() != SAY_ENGLISH ? "" : "s");
}

void topology_counts(char *buf, size_t size, const json_t *summary)
{
	size_t used = 0;

	buf[0] = '\0';
	used = count_words(buf, size, used, field_whole(summary, "sockets", 0), SAID("package"));
	used = count_words(buf, size, used, field_whole(summary, "numa_nodes", 0), SAID("NUMA node"));
	used = count_words(buf, size, used, field_whole(summary, "cores", 0), SAID("core"));
	count_words(buf, size, used, field_whole(summary, "pus", 0), SAID("CPU"));
}

void topology_caches(char *buf, size_t size, const json_t *summary)
{
	json_t *cache;
	size_t i, used = 0;

	buf[0] = '\0';
	json_array_foreach (json_object_get(summary, "caches"), i, cache) {
		const char *type = field_text(cache, "type", "");
		long n = field_whole(cache, "count", 1);
		char bytes[32];

		if (used >= size)
			return;
		words_number(bytes, sizeof bytes, field_number(cache, "bytes"), UNIT_BYTES);
		used += (size_t)snprintf(buf + used, size - used, "%s%ld x L%ld%s %s", used ? say(", ") : "", n,
					 field_whole(cache, "level", 0),
					 strcmp(type, "instruction") == 0 ? "i"
					 : strcmp(type, "data") == 0      ? "d"
									  : "",
					 bytes);
	}
}

void topology_row_name(char *buf, size_t size, const json_t *row)
{
	long workers = field_whole(row, "workers", 0);

	snprintf(buf, size, workers ? "%.40s w%ld" : "%.40s", field_text(row, "placement", "?"), workers);
}

void topology_kinds(char *buf, size_t size, const json_t *kinds)
{
	json_t *kind;
	size_t i, used = 0;

	buf[0] = '\0';
	json_array_foreach (kinds, i, kind) {
		const char *name = field_text(kind, "name", "");
		char cpus[40];

		if (used >= size)
			return;
		topology_ranges(cpus, sizeof cpus, json_object_get(kind, "cpus"));
		used += (size_t)snprintf(buf + used, size - used, "%sk%zu %s%.40s%s%s",
					 i ? say(", ") : say("Kinds of CPUs, the least able first: "), i,
					 *name ? "(" : "", name, *name ? ") " : "", cpus);
	}
}

/* ---- the tree ---------------------------------------------------------------------------------------------- */

struct terminal {
	FILE *out;
	const json_t *allowed;
	unsigned width, column; /* column: 0 is the beginning of a line */
};

static void line_end(struct terminal *t)
{
	if (t->column)
		fputc('\n', t->out);
	t->column = 0;
}

/* "core 3: 6 (7)": CPUs in brackets may not be used. */
static void put_core(struct terminal *t, const json_t *core, unsigned indent)
{
	char text[200];
	int used = snprintf(text, sizeof text, "core %ld:", field_whole(core, "id", 0));
	json_t *cpu;
	size_t i;

	json_array_foreach (json_object_get(core, "cpus"), i, cpu) {
		json_int_t number = json_integer_value(cpu);

		if ((size_t)used + 16 < sizeof text)
			used += snprintf(text + used, sizeof text - (size_t)used,
					 topology_has(t->allowed, number) ? " %lld" : " (%lld)", (long long)number);
	}
	if (t->column && t->column + 3 + (unsigned)used > t->width)
		line_end(t);
	if (t->column)
		fprintf(t->out, "   %s", text);
	else
		fprintf(t->out, "%*s%s", (int)indent, "", text);
	t->column += (t->column ? 3 : indent) + (unsigned)used;
}

static void put_nodes(struct terminal *t, const json_t *list, unsigned depth)
{
	json_t *node;
	size_t i;

	json_array_foreach (list, i, node) {
		char label[100];

		if (strcmp(field_text(node, "type", ""), "core") == 0) {
			put_core(t, node, depth * 2);
			continue;
		}
		line_end(t);
		topology_label(label, sizeof label, node);
		fprintf(t->out, "%*s%s\n", (int)depth * 2, "", label);
		if (depth < DEPTH_MAX)
			put_nodes(t, json_object_get(node, "of"), depth + 1);
		line_end(t);
	}
	line_end(t);
}

static bool has_disallowed(const json_t *list, const json_t *allowed, unsigned depth)
{
	json_t *node, *cpu;
	size_t i, j;

	json_array_foreach (list, i, node) {
		json_array_foreach (json_object_get(node, "cpus"), j, cpu)
			if (!topology_has(allowed, json_integer_value(cpu)))
				return true;
		if (depth < DEPTH_MAX && has_disallowed(json_object_get(node, "of"), allowed, depth + 1))
			return true;
	}
	return false;
}

/* ---- the placements ---------------------------------------------------------------------------------------- */

/* Does the set have CPUs of different kinds? */
static bool is_mixed(const json_t *kinds, const json_t *cpus)
{
	size_t kind, touched = 0, i;
	json_t *of_kind, *cpu;

	json_array_foreach (kinds, kind, of_kind) {
		bool has = false;

		json_array_foreach (cpus, i, cpu)
			has = has || topology_has(json_object_get(of_kind, "cpus"), json_integer_value(cpu));
		touched += has;
	}
	return touched > 1;
}

static void put_rows(FILE *out, const json_t *map, const json_t *rows)
{
	json_t *row;
	size_t i;

	fprintf(out, "%-10s %-24s %-24s %s\n", "placement", "subject", "load generator", "harness");
	json_array_foreach (rows, i, row) {
		char name[64], subject[25], load[25], harness[25];
		const char *why = field_text(row, "why", NULL);

		topology_row_name(name, sizeof name, row);
		if (why) {
			fprintf(out, "%-10s %s\n", name, why);
			continue;
		}
		topology_ranges(subject, sizeof subject, json_object_get(row, "cpus"));
		topology_ranges(load, sizeof load, json_object_get(row, "load_cpus"));
		topology_ranges(harness, sizeof harness, json_object_get(row, "harness_cpus"));
		fprintf(out, "%-10s %-24s %-24s %s%s%s\n", name, subject, load, harness,
			json_is_false(json_object_get(row, "load_is_apart")) ? "   (the load shares the subject's CPUs)"
									     : "",
			is_mixed(json_object_get(map, "kinds"), json_object_get(row, "cpus"))
				? "   (CPUs of different kinds)"
				: "");
	}
}

void topology_text(FILE *out, const json_t *summary, const json_t *map, const json_t *rows, unsigned width)
{
	struct terminal t = {.out = out, .allowed = json_object_get(map, "allowed"), .width = width};
	char text[400];

	topology_counts(text, sizeof text, summary);
	fprintf(out, "%s\n", text);
	topology_caches(text, sizeof text, summary);
	if (*text)
		fprintf(out, "%s\n", text);
	topology_kinds(text, sizeof text, json_object_get(map, "kinds"));
	if (*text)
		fprintf(out, "%s\n", text);
	fputc('\n', out);
	put_nodes(&t, json_object_get(map, "tree"), 0);
	fputs(has_disallowed(json_object_get(map, "tree"), t.allowed, 0)
		      ? "\nCPUs in brackets may not be used here.\n\n"
		      : "\n",
	      out);
	put_rows(out, map, rows);
}
