/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines about addresses of a slot, as a map of their own: as large as the policy needs. */
#ifndef XDPFW_USER_ADDRESSES_H
#define XDPFW_USER_ADDRESSES_H

#include "error.h"
#include "ranges.h"

/*
 * Put @lines into the map of maps @outer under @slot, or nothing if there are none. Waits for readers of what was there
 * (some 10 ms), but only where either has something.
 */
int addresses_install(int outer, __u32 slot, const struct address_lines *lines, struct error *e);

/* What the map under @slot takes of the kernel's memory; 0 if there is none. */
unsigned long long addresses_bytes(int outer, __u32 slot);

#endif
