/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the statements of a ruleset are, by what people ask for: the id, the number
 * of a rule, the port of a forward. Without it, reading a file would be quadratic.
 */
#ifndef XDPFW_USER_RULESET_INDEX_H
#define XDPFW_USER_RULESET_INDEX_H

#include "ruleset.h"

#define NO_POSITION ((size_t)-1)

/* Make room for one statement more, @s, so that noting it cannot fail. 0 or -ENOMEM. */
int index_reserve(struct ruleset *set, const struct statement *s);

/* Room for @more statements, of any kind but forwards. */
int index_reserve_many(struct ruleset *set, size_t more);

/* Note that a statement has been inserted at @at and that those behind it have moved. */
void index_inserted(struct ruleset *set, size_t at);

/* Note all statements anew, after some have gone. Needs no memory. */
void index_rebuild(struct ruleset *set);

void index_free(struct ruleset *set);

/* Positions in the list; NO_POSITION if there is none. */
size_t index_find_id(const struct ruleset *set, __u64 id);
size_t index_find(const struct ruleset *set, enum statement_kind kind, __u64 id);
size_t index_find_rule(const struct ruleset *set, size_t n); /* counted from 1 */

/* A forward that cannot be beside @f, and the port about which. */
size_t index_find_clash(const struct ruleset *set, const struct forward *f, __u16 *port);

/* Add @s at @at unless the list has it already: then it replaces that one. Takes over its memory in every case. */
int ruleset_add_at(struct ruleset *set, size_t at, struct statement *s, enum change *change, struct error *e);

size_t index_count(const struct ruleset *set, enum statement_kind kind);

#endif
