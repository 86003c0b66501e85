/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rule is about: protocols, ports of both ends, and the address of an endpoint. */
#ifndef XDPFW_USER_RULE_TARGET_H
#define XDPFW_USER_RULE_TARGET_H

#include "rule_words.h"

/* rule->dir, ->from and ->to are known; an endpoint among the words sets ->to. */
int resolve_target(const struct rule_words *words, struct rule *rule, struct error *e);

#endif
