/* SPDX-License-Identifier: GPL-2.0-only */
/* The words about addresses of a slot, as a map of their own: as large as the policy needs. */
#ifndef XDPFW_USER_ADDRESSES_H
#define XDPFW_USER_ADDRESSES_H

#include "error.h"
#include "ranges.h"

/*
 * Put @words into the map of maps @outer under @slot, or nothing if there are none. Waits for readers of what was there
 * (some 10 ms), but only where either has something.
 */
int addresses_install(int outer, __u32 slot, const struct address_words *words, struct error *e);

#endif
