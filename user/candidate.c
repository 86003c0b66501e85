// SPDX-License-Identifier: GPL-2.0-only
#include "candidate.h"

#include <errno.h>
#include <string.h>

#include "rulesfile.h"
#include "util.h"

int candidate_read(const char *path, struct ruleset *set, struct error *e)
{
	_free_ char *text = NULL;
	int err = rulesfile_read(path, &text, e);

	return err ? err : ruleset_parse(text, strcmp(path, "-") == 0 ? "stdin" : path, set, e);
}

int candidate_keep_interfaces(const struct session *s, struct ruleset *set, struct error *e)
{
	size_t count = set->count;

	for (size_t i = count; i-- > 0;)
		if (set->statements[i].kind == STATEMENT_LOAD && s->live)
			ruleset_delete(set, STATEMENT_LOAD, set->statements[i].id);
	for (size_t i = 0; s->live && i < s->now.count; i++) {
		_free_ char *line = NULL;
		struct statement copy = {};
		enum change change;
		int err;

		if (s->now.statements[i].kind != STATEMENT_LOAD && s->now.statements[i].kind != STATEMENT_PANIC)
			continue;
		line = statement_format(&s->now.statements[i]);
		err = line ? statement_parse_line(line, &copy, e) : -ENOMEM;
		if (!err)
			err = ruleset_add(set, &copy, &change, e);
		if (err)
			return err;
	}
	return 0;
}
