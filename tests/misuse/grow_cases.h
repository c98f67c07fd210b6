/* grow_cases.h - for test_misuse.c: deaths of code whose stacks grow. */
#ifndef GROW_CASES_H
#define GROW_CASES_H

#include <stdbool.h>
#include <stdint.h>

/* Each is called in a G of its own, but for alloca_on_a_thread. */
void grow_too_far(void *arg);
void grow_without_memory(void *arg);
void alloca_without_memory(void *arg);
void alloca_on_a_thread(void *arg);
void foreign_null(void *arg);

#endif
