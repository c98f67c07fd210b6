/*
 * knobs.h - the settings: defaults, gr_config, GRDEBUG.
 */
#ifndef GR_KNOBS_H
#define GR_KNOBS_H

#include "internal.h"

/* The settings in force for this configuration (may be NULL). 0, or -EINVAL with a sentence on stderr. */
int gr__knobs_make(const struct gr_config *config, struct gr__knobs *out);

#endif
