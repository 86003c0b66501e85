/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a policy is worth an event; see xdpfw/log.h. */
#ifndef XDPFW_USER_COMPILE_LOG_H
#define XDPFW_USER_COMPILE_LOG_H

#include "ruleset.h"
#include "xdpfw/log.h"

/* Add to a head that compile() has filled, and say of each counter number whether its rule logs. */
void compile_log(const struct ruleset *set, struct xdpfw_policy_head *head, struct xdpfw_rule_logs *logs);

#endif
