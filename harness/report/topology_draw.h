/*
 * topology_draw.h - a machine and who gets which of its CPUs, as a picture and as text.
 *
 * Nothing here asks hwloc or the machine: `map` is topology_map() of harness/measure or the same out of a record, `rows` a
 * list like topology_placements(), `summary` an object with sockets, cores, pus, numa_nodes and caches (topology_json(), or a
 * run's host). Keys that are missing or odd are left out of the picture; records are read that others wrote.
 */
#ifndef TOPOLOGY_DRAW_H
#define TOPOLOGY_DRAW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A whole SVG file, spelled like gnuplot's so that plot_inline_svg() takes it into a page. */
void topology_svg(FILE *out, const json_t *summary, const json_t *map, const json_t *rows);

/* For a terminal of so many columns. */
void topology_text(FILE *out, const json_t *summary, const json_t *map, const json_t *rows, unsigned width);

/* ---- what both say (topology_text.c) ----------------------------------------------------------------------- */

/* "0,2-5" of a list of CPUs; what does not fit is "..." and the number of all. */
void topology_ranges(char *buf, size_t size, const json_t *cpus);
/* "L3 32 MiB", "NUMA 0, 64 GiB", "package 1": what a node of the tree is. */
void topology_label(char *buf, size_t size, const json_t *node);
/* "2 packages, 8 cores, 16 CPUs, 2 NUMA nodes", and "2 x L3 32 MiB, ...". */
void topology_counts(char *buf, size_t size, const json_t *summary);
void topology_caches(char *buf, size_t size, const json_t *summary);
/* "Kinds of CPUs, the least able first: k0 LITTLE 0-3, k1 big 4-7"; empty where there is one. */
void topology_kinds(char *buf, size_t size, const json_t *kinds);
/* Is the number in the list? */
bool topology_has(const json_t *cpus, json_int_t cpu);
/* "cache w4"; of a placement that there is not: its name. */
void topology_row_name(char *buf, size_t size, const json_t *row);

#endif
