/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unit tests share. */
#ifndef XDPFW_TESTS_UNIT_H
#define XDPFW_TESTS_UNIT_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "ruleset.h"
#include "util.h"

/* One word or line that is refused, and the exact line the person reads. */
struct refusal {
	const char *input;
	const char *text;
};

/* Two texts: what is given, and its canonical form. */
struct pair {
	const char *input;
	const char *output;
};

static inline double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static inline struct statement parse_line(const char *line)
{
	struct statement s = {0};
	struct error e = {0};

	cr_assert_eq(statement_parse_line(line, &s, &e), 0, "%s: %s", line, e.text);
	return s;
}

static inline struct ruleset parse_set(const char *text)
{
	struct ruleset set = {0};
	struct error e = {0};

	cr_assert_eq(ruleset_parse(text, "test", &set, &e), 0, "%s", e.text);
	return set;
}

static inline void expect_set(const struct ruleset *set, const char *expected)
{
	_free_ char *text = ruleset_format(set, true);

	cr_expect_str_eq(text, expected);
}

#endif
