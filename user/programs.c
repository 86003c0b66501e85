// SPDX-License-Identifier: GPL-2.0-only
#include "programs.h"

#include <errno.h>

static bool flavours_equal(const struct flavour *a, const struct flavour *b)
{
	return a->in_hook == b->in_hook && a->filter == b->filter && a->swap == b->swap && a->observe == b->observe &&
	       a->xdp_tx == b->xdp_tx && a->l3 == b->l3 && a->epoch_from == b->epoch_from &&
	       a->epoch_window == b->epoch_window && a->trial == b->trial;
}

int programs_get(struct programs *ps, const struct flavour *f, struct datapath **dp, struct error *e)
{
	int err;

	for (size_t i = 0; i < ps->count; i++) {
		if (flavours_equal(&ps->sets[i].flavour, f)) {
			*dp = ps->sets[i].dp;
			return 0;
		}
	}
	if (ps->count == MAX_FLAVOURS)
		return fail(e, -E2BIG, "too many kinds of interfaces at once");
	err = datapath_load(ps->instance, f, dp, e);
	if (err)
		return err;
	ps->sets[ps->count].flavour = *f;
	ps->sets[ps->count++].dp = *dp;
	return 0;
}

void programs_free(struct programs *ps)
{
	while (ps->count > 0)
		datapath_free(ps->sets[--ps->count].dp);
}
