/* SPDX-License-Identifier: GPL-2.0-only */
/* What a statement is called, in words and as a number. */
#ifndef XDPFW_USER_STATEMENT_H
#define XDPFW_USER_STATEMENT_H

#include "ruleset.h"

/* -EINVAL, without a message, for a word that is none. */
int find_action(const char *word, enum xdpfw_verdict *verdict);
int find_dir(const char *word, enum xdpfw_dir *dir);
int find_option(const char *word, enum option_name *name);

const char *option_text(enum option_name name);
unsigned int option_default(enum option_name name);

/* What of a rule is not its action; new strings, NULL without memory. */
char *rule_target_text(const struct rule *rule); /* "22", "80/sctp", "any", "proto gre", "icmp6/packet-too-big" */
char *rule_match_text(const struct rule *rule);  /* "in 22": what the id is made of */

/* The hash of the match part; 0 or -ENOMEM. */
int statement_id(const struct statement *s, __u64 *id);

#endif
