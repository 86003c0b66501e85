/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of loaded interfaces, as the store keeps them. */
#ifndef XDPFW_USER_INTERFACES_H
#define XDPFW_USER_INTERFACES_H

#include "session.h"
#include "xdpfw/policy.h"

/* The record of a live interface by its present name, or by the name that it had if it is gone; NULL if not loaded. */
struct xdpfw_iface *find_record(const struct session *s, const char *name);

/* "up", "gone" */
const char *record_state(const struct session *s, const struct xdpfw_iface *record);

/* Where inbound is judged, for people ("native XDP") and for JSON ("native"). */
const char *in_hook_text(enum xdpfw_in_hook hook);
const char *in_hook_name(enum xdpfw_in_hook hook);
const char *out_hook_text(enum xdpfw_out_hook hook);
const char *out_hook_name(enum xdpfw_out_hook hook);

#endif
