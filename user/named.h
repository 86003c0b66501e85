/* SPDX-License-Identifier: GPL-2.0-only */
/* Statements by what `status` calls them: the number of a rule, or an id. */
#ifndef XDPFW_USER_NAMED_H
#define XDPFW_USER_NAMED_H

#include "command.h"

/* "2" or "id:a1b2c3d4": judged by form alone. */
bool is_named(const char *word);

/* NULL, with @e filled, if there is none. */
const struct statement *find_named(const struct ruleset *set, const char *word, struct error *e);

/* The ids of all the words, so that one change does not move what the next word means. A new array or NULL. */
__u64 *find_all_named(const struct ruleset *set, const struct words *words, struct error *e);

#endif
