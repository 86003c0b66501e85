/* SPDX-License-Identifier: GPL-2.0-only */
/* What a statement is called, in words and as a number. */
#ifndef XDPFW_USER_STATEMENT_H
#define XDPFW_USER_STATEMENT_H

#include "ruleset.h"
#include "text.h"

/* -EINVAL, without a message, for a word that is none. */
int find_action(const char *word, enum xdpfw_verdict *verdict);
int find_dir(const char *word, enum xdpfw_dir *dir);
int find_option(const char *word, enum option_name *name);

const char *option_text(enum option_name name);
unsigned int option_default(enum option_name name);

/* The canonical line, as statement_format() returns it. */
void statement_write(struct text *text, const struct statement *s);
void rule_write(struct text *text, const struct rule *rule);

/* What the id of a rule is made of: "in 22", "in 22 from 10.0.0.0/8". */
void rule_match_write(struct text *text, const struct rule *rule);

/* The hash of the match part; 0 or -ENOMEM. */
int statement_id(const struct statement *s, __u64 *id);

#endif
