/*
 * energy.h - what RAPL says that the machine used between two points, in microjoules.
 *
 * A domain (`package`, `core`, `uncore`, `dram`, `psys`) is summed over the machine's packages. It is everybody's energy: a
 * process has none of its own. The registers are updated about every millisecond and wrap after minutes of load.
 */
#ifndef ENERGY_H
#define ENERGY_H

#include <stddef.h>
#include <stdint.h>

#define ENERGY_PREFIX "energy:"

struct energy;

/* NULL with a reason in `why` for a name that no RAPL has; a domain that this machine lacks has its reason in energy_result. */
struct energy *energy_new(const char *domain, char *why, size_t size);
/* NULL is nobody's energy, in all of these. */
void energy_begin(struct energy *e);
void energy_end(struct energy *e);
/* Microjoules between the two; *why says why it is not known, in text that lives as long as e. */
int64_t energy_result(const struct energy *e, const char **why);
void energy_free(struct energy *e);

#endif
