/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XDPFW_USER_MARK_H
#define XDPFW_USER_MARK_H

#include "ruleset.h"
#include "store.h"

/*
 * Enter the TCP connections that are open into the fingerprints, before the first packet is filtered, so
 * that they live even if a flood spends the budget for socket lookups. @set is the policy to come, for its links.
 * Failing is no harm: the budget is there.
 */
void mark_open_sockets(const struct store *st, const struct ruleset *set);

#endif
