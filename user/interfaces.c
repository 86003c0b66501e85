// SPDX-License-Identifier: GPL-2.0-only
#include "interfaces.h"

#include <string.h>

#include "hooks.h"
#include "iface.h"

struct xdpfw_iface *find_record(const struct session *s, const char *name)
{
	for (size_t i = 0; s->open && i < XDPFW_MAX_IFACES; i++) {
		struct xdpfw_iface *r = &s->store.ifaces[i];
		struct iface_info info;

		if (!iface_is_live(&s->store, r))
			continue;
		if (strcmp(record_state(s, r), "gone") == 0 || iface_get_index(r->ifindex, &info, NULL)) {
			if (strcmp(r->name, name) == 0)
				return r;
		} else if (strcmp(info.name, name) == 0) {
			return r;
		}
	}
	return NULL;
}

const char *record_state(const struct session *s, const struct xdpfw_iface *r)
{
	struct iface_info info;

	/* Outbound is attached in every mode. A clsact filter leaves no pin, but dies with its interface. */
	if (r->out_hook == XDPFW_OUT_TCX)
		return hook_state(&s->instance, ROLE_OUT, r->ifindex) == HOOK_ATTACHED ? "up" : "gone";
	return iface_get_index(r->ifindex, &info, NULL) ? "gone" : "up";
}

const char *in_hook_text(enum xdpfw_in_hook hook)
{
	return hook == XDPFW_IN_NATIVE ? "native XDP" : hook == XDPFW_IN_GENERIC ? "generic XDP" : "TC";
}

const char *in_hook_name(enum xdpfw_in_hook hook)
{
	return hook == XDPFW_IN_NATIVE ? "native" : hook == XDPFW_IN_GENERIC ? "generic" : "tc";
}

const char *out_hook_text(enum xdpfw_out_hook hook)
{
	return hook == XDPFW_OUT_CLSACT ? "clsact" : "TCX";
}

const char *out_hook_name(enum xdpfw_out_hook hook)
{
	return hook == XDPFW_OUT_CLSACT ? "clsact" : "tcx";
}
