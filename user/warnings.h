/* SPDX-License-Identifier: GPL-2.0-only */
/* What is taken as it is typed, but may not do what it says. */
#ifndef XDPFW_USER_WARNINGS_H
#define XDPFW_USER_WARNINGS_H

#include "changes.h"
#include "environment.h"
#include "ruleset.h"

/* Name the earlier rules of another verdict that decide some of what the rule @id is about. */
void warn_of_hidden(const struct ruleset *set, __u64 id, struct changes *c);

/* Sets without members, interfaces and cgroups that are not there, targets that cannot be reached. */
void warn_of_statement(const struct ruleset *set, const struct statement *s, const struct environment *env,
		       struct changes *c);

/* The same of all statements. */
void warn_of_ruleset(const struct ruleset *set, struct changes *c);

#endif
