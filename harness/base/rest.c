#include "harness/base/rest.h"

#include <math.h>
#include <stddef.h>

#define QUIET_COV 0.02
#define NOISY_COV 0.10
#define TREND 0.01 /* of the level, over one window */

bool rest_is_reached(const double *window)
{
	double mean = 0, square = 0, moved = 0, apart = 0, cov;

	for (size_t i = 0; i < REST_WINDOW; i++)
		mean += window[i] / REST_WINDOW;
	for (size_t i = 0; i < REST_WINDOW; i++) {
		double at = (double)i - (REST_WINDOW - 1) / 2.0; /* from the middle, so that their sum is 0 */

		square += (window[i] - mean) * (window[i] - mean);
		moved += at * window[i];
		apart += at * at;
	}
	cov = sqrt(square / (REST_WINDOW - 1)) / mean;
	if (cov <= QUIET_COV)
		return true;
	return cov <= NOISY_COV && fabs(moved / apart) * REST_WINDOW < TREND * mean;
}
