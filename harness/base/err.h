/*
 * err.h - how the harness carries an error up: a negative errno and one sentence for a person.
 *
 * The function that meets the error writes the sentence, since it alone knows the file, the address or the value; those
 * above pass both on unchanged. err_fatal() is for callers' bugs only, never for what the environment does.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

struct err {
	char why[400]; /* one sentence: UTF-8 without control characters, whatever it quotes; "" when there is no error */
};

/* Write the sentence (printf form) and give back `status`, for `return err_set(e, -ENOENT, "...")`. `e` may be NULL. */
int err_set(struct err *e, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(-status)>" after the sentence. */
int err_sys(struct err *e, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A caller's bug: one sentence on standard error, then abort(). */
_Noreturn void err_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
