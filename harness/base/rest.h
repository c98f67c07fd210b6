/*
 * rest.h - whether something that is done again and again has come to rest: the rule by which a subject ends its warm-up and
 * by which harness/stats/steady.h classifies what it told of it.
 *
 * At rest is a window of times whose coefficient of variation is at most 2 % (Georges et al. 2007), or one that is
 * noisier, up to 10 %, and has no trend: the least-squares line moves less than 1 % over the window (fio's rule). Without
 * that upper limit the second rule would call any see-saw a rest.
 */
#ifndef BASE_REST_H
#define BASE_REST_H

#include <stdbool.h>

enum { REST_WINDOW = 5 };

/* REST_WINDOW times, each above 0, in order. */
bool rest_is_reached(const double *window);

#endif
