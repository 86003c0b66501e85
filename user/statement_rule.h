/* SPDX-License-Identifier: GPL-2.0-only */
/* The grammar of rules: what stands behind `allow`, `deny` and `reject`, and behind `route`. */
#ifndef XDPFW_USER_STATEMENT_RULE_H
#define XDPFW_USER_STATEMENT_RULE_H

#include "parse_words.h"
#include "ruleset.h"

/* The action is known: [in|out] TARGET. */
int parse_rule(struct cursor *cursor, struct statement *s, struct error *e);

/* ACTION TARGET. */
int parse_route(struct cursor *cursor, struct statement *s, struct error *e);

#endif
