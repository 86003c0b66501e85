/* SPDX-License-Identifier: GPL-2.0-only */
/* Which interfaces take frames straight from XDP. */
#ifndef XDPFW_USER_EXITS_H
#define XDPFW_USER_EXITS_H

#include "store.h"

/* Does the driver take frames from another interface's XDP program now? False where the kernel does not tell (before
 * 6.3): TC forwards as rightly, only slower. */
bool iface_takes_xdp(int ifindex);

/* Does the data path hand frames to it? */
bool exits_hold(const struct store *st, int ifindex);

/* Tell the data path about the loaded interfaces. On failure it forwards by TC. */
void exits_refresh(const struct store *st);

#endif
