// SPDX-License-Identifier: GPL-2.0-only
#include "forward_modes.h"

#include <errno.h>

#include "forward.h"

bool ruleset_has_remote_forward(const struct ruleset *set)
{
	for (size_t i = 0; ruleset_count(set, STATEMENT_FORWARD) && i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_FORWARD && forward_is_remote(&set->statements[i].forward))
			return true;
	return false;
}

/* Behind generic XDP the kernel forgets where a packet's headers begin, and a redirected one leaves without its first 14
 * bytes. */
int refuse_mode(const char *iface, enum xdpfw_in_hook in_hook, const struct ruleset *set, struct error *e)
{
	if (in_hook != XDPFW_IN_GENERIC || !ruleset_has_remote_forward(set))
		return 0;
	return fail(e, -EOPNOTSUPP,
		    "%s: generic XDP cannot forward to other hosts; native XDP and TC can: load with --mode tc", iface);
}

int refuse_loaded_modes(const struct store *st, const struct ruleset *set, struct error *e)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &st->ifaces[i];
		int err = iface_is_live(st, r) ? refuse_mode(r->name, r->in_hook, set, e) : 0;

		if (err)
			return err;
	}
	return 0;
}
