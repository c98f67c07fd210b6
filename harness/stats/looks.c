#include "harness/stats/looks.h"

const struct stats_look looks_all[LOOKS] = {{12, 0.005}, {20, 0.010}, {40, 0.010}, {80, 0.0125}, {120, 0.0125}};

int look_compare(const struct stats_look *look, unsigned m, const double *base, const double *subject, size_t n,
		 struct stats_comparison *out)
{
	return stats_compare_at(base, subject, n, 1 - look->alpha / (m ? m : 1), 1 - 2 * look->alpha, out);
}
