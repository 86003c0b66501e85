/* SPDX-License-Identifier: GPL-2.0-only */
/* The grammar of rules: what stands behind `allow`, `deny`, `reject` and `limit`, and behind `route`. */
#ifndef XDPFW_USER_STATEMENT_RULE_H
#define XDPFW_USER_STATEMENT_RULE_H

#include "parse_words.h"
#include "ruleset.h"

/* The action is known: [in|out] CLAUSES. */
int parse_rule(struct cursor *cursor, struct statement *s, struct error *e);

/* ACTION CLAUSES. */
int parse_route(struct cursor *cursor, struct statement *s, struct error *e);

/* A whole rule that decides nothing until `enable`. */
int parse_disabled(struct cursor *cursor, struct statement *s, struct error *e);

/* `allow` and so on, with `limit`, into verdict and limit; -EINVAL, without a message, for a word that is none. */
int find_rule_action(const char *word, struct rule *rule);

#endif
