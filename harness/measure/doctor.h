/*
 * doctor.h - the parts of the doctor: doctor.c (what spoils most results), doctor_cpu.c (what CPUs do meanwhile),
 * doctor_system.c (limits, network, tools). Internal to harness/measure.
 *
 * A check fills one finding, always: `text` says what is, and where that is not well what it does to results. `fix` is a
 * command that mends it and `undo` the one that brings back what was found, values included. Both or none: a fix that
 * cannot be taken back as it was is not offered.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <sys/resource.h>

#include "harness/measure/measure.h"

struct doctor {
	json_t *findings;
	const struct topology *topology;
	const char *data_dir;
};

struct finding {
	const char *code, *severity;
	char text[400];
	char fix[700]; /* "": there is none */
	char undo[1400];
};

struct check {
	const char *code;
	void (*check)(const struct doctor *, struct finding *);
};

extern const struct check doctor_cpu_checks[], doctor_system_checks[];
extern const size_t doctor_n_cpu_checks, doctor_n_system_checks;

enum { NEED_TASKS = 33000 }; /* the largest cells of the plans have 32,000 threads */

void finding_say(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define TEXT(f, ...) finding_say((f)->text, sizeof(f)->text, __VA_ARGS__)
#define FIX(f, ...) finding_say((f)->fix, sizeof(f)->fix, __VA_ARGS__)
#define UNDO(f, ...) finding_say((f)->undo, sizeof(f)->undo, __VA_ARGS__)

/* A sysctl that should have another value: the two commands. */
void finding_sysctl(struct finding *f, const char *name, int64_t better, int64_t now);
/* The undo of `tee /sys/devices/system/cpu/cpu<N>/<file>`: each CPU's value as it is now (doctor_cpu.c). */
void finding_undo_per_cpu(struct finding *f, const char *file);
/* The undo of a changed limit of the shell: both its values as they are now (doctor_system.c). */
void finding_undo_limit(struct finding *f, const char *prlimit_name, const struct rlimit *now);

#endif
