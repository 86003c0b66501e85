/* SPDX-License-Identifier: GPL-2.0-only */
/* Statements of a ruleset by the line that says them. */
#ifndef XDPFW_TESTS_LINES_H
#define XDPFW_TESTS_LINES_H

#include "unit.h"

static inline enum change add(struct ruleset *set, const char *line)
{
	struct statement s = parse_line(line);
	enum change change = -1;
	struct error e = {0};

	cr_assert_eq(ruleset_add(set, &s, &change, &e), 0, "%s: %s", line, e.text);
	return change;
}

static inline enum change remove_line(struct ruleset *set, const char *line)
{
	struct statement s = parse_line(line);
	enum change change = ruleset_delete(set, s.kind, s.id);

	statement_free(&s);
	return change;
}

static inline const struct statement *find(const struct ruleset *set, const char *line)
{
	struct statement s = parse_line(line);
	const struct statement *found = ruleset_find(set, s.kind, s.id);

	statement_free(&s);
	return found;
}

static inline enum change insert(struct ruleset *set, size_t n, const char *line)
{
	struct statement s = parse_line(line);
	enum change change = -1;
	struct error e = {0};

	cr_assert_eq(ruleset_insert(set, n, &s, &change, &e), 0, "%s: %s", line, e.text);
	return change;
}

#endif
