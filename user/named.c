// SPDX-License-Identifier: GPL-2.0-only
#include "named.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static bool is_number(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

static bool is_id(const char *word)
{
	return strncmp(word, "id:", 3) == 0;
}

bool is_named(const char *word)
{
	return is_number(word) || is_id(word);
}

static const struct statement *find_by_id(const struct ruleset *set, const char *word, struct error *e)
{
	size_t digits = strlen(word);
	const struct statement *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];
		char id[17];

		snprintf(id, sizeof(id), "%016llx", (unsigned long long)s->id);
		if (s->kind == STATEMENT_COMMENT || strncasecmp(id, word, digits) != 0)
			continue;
		if (found) {
			fail(e, -EINVAL, "'id:%s': more than one rule; give more digits", word);
			return NULL;
		}
		found = s;
	}
	if (!found)
		fail(e, -ENOENT, "'id:%s': no such rule; see `xdpfw status --json`", word);
	return found;
}

const struct statement *find_named(const struct ruleset *set, const char *word, struct error *e)
{
	const struct statement *s;
	size_t count = ruleset_count(set, STATEMENT_RULE);

	if (is_id(word))
		return find_by_id(set, word + 3, e);
	s = ruleset_rule(set, strtoul(word, NULL, 10));
	if (!s)
		fail(e, -ENOENT, "'%s': no rule of that number; there %s %zu, see `xdpfw status`", word,
		     count == 1 ? "is" : "are", count);
	return s;
}

__u64 *find_all_named(const struct ruleset *set, const struct words *words, struct error *e)
{
	_free_ __u64 *ids = calloc(words->count, sizeof(*ids));

	if (!ids) {
		fail(e, -ENOMEM, "out of memory");
		return NULL;
	}
	for (int i = 0; i < words->count; i++) {
		const struct statement *s = find_named(set, words->list[i], e);

		if (!s)
			return NULL;
		ids[i] = s->id;
	}
	return steal_pointer(&ids);
}
