// SPDX-License-Identifier: GPL-2.0-only
/* Whole rulesets as text: the rules file, and what is stored beside a live policy. */
#define _GNU_SOURCE 1 /* strchrnul() */
#include <errno.h>
#include <string.h>

#include "statement.h"
#include "statements.h"
#include "text.h"
#include "util.h"

int ruleset_parse(const char *text, const char *name, struct ruleset *out, struct error *e)
{
	_free_ char *copy = strdup(text);
	struct ruleset set = {0};
	size_t number = 1;

	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	for (char *line = copy; *line; number++) {
		char *end = strchrnul(line, '\n'), *next = *end ? end + 1 : end;
		struct error why = {0};
		int err;

		*end = '\0';
		err = statements_parse_line(line, take_into_ruleset, &set, &why);
		if (err) {
			ruleset_free(&set);
			return fail(e, err, "%.255s:%zu: %s", name, number, why.text);
		}
		line = next;
	}
	*out = set;
	return 0;
}

char *ruleset_format(const struct ruleset *set, bool with_runtime)
{
	struct text text = {0};

	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->runtime && !with_runtime)
			continue;
		statement_write(&text, s);
		text_put(&text, "\n");
	}
	return text_steal(&text);
}
