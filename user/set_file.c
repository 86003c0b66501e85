// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1 /* strsep() */
#include "set_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "statement.h"
#include "statements.h"
#include "util.h"

static const char blanks[] = " \t\r\f\v";

static int add_member(const char *word, const char *name, struct ruleset *members, struct error *e)
{
	struct statement s = {.kind = STATEMENT_SET};
	int err = parse_prefix(word, &s.member.prefix, NULL, e);

	if (err)
		return err;
	s.member.name = strdup(name);
	if (!s.member.name || statement_id(&s, &s.id)) {
		statement_free(&s);
		return fail(e, -ENOMEM, "out of memory");
	}
	return take_into_ruleset(members, &s, e);
}

/* @line is cut in place. */
static int parse_line(char *line, const char *name, struct ruleset *members, struct error *e)
{
	char *word = line + strspn(line, blanks), *end = word + strcspn(word, " \t\r\f\v#;");
	const char *rest = end + strspn(end, blanks);

	if (*rest && *rest != '#' && *rest != ';')
		return fail(e, -EINVAL, "'%s': one address a line; remarks stand behind # or ;", excerpt(rest).text);
	if (end == word)
		return 0;
	*end = '\0';
	return add_member(word, name, members, e);
}

int set_file_parse(const char *text, const char *file, const char *name, struct ruleset *members, struct error *e)
{
	_free_ char *copy = strdup(text);
	struct ruleset parsed = {0};
	char *rest = copy, *line;
	size_t number = 0;

	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	while ((line = strsep(&rest, "\n"))) {
		struct error why = {0};
		int err = parse_line(line, name, &parsed, &why);

		number++;
		if (err) {
			ruleset_free(&parsed);
			return fail(e, err, "%.255s:%zu: %s", file, number, why.text);
		}
	}
	*members = parsed;
	return 0;
}
