// SPDX-License-Identifier: GPL-2.0-only
#include "statements.h"

#include <errno.h>
#include <string.h>

#include "expand.h"
#include "ruleset_index.h"
#include "split_words.h"
#include "statement_rule.h"
#include "util.h"

static int take_one(int count, char *const words[], statement_fn take, void *context, struct error *e)
{
	struct statement s = {0};
	int err = statement_parse(count, words, &s, e);

	return err ? err : take(context, &s, e);
}

static bool is_rule(const char *word)
{
	struct rule ignored;

	return !find_rule_action(word, &ignored) || !strcmp(word, "route") || !strcmp(word, "disabled");
}

/* Words that end a list of addresses. */
static bool ends_list(const char *word)
{
	return !strcmp(word, "for") || !strcmp(word, "until") || !strncmp(word, "--", 2);
}

/* The first @head words once for each of the addresses behind them. */
static int take_each(int count, char *const words[], int head, statement_fn take, void *context, struct error *e)
{
	_free_ char **line = calloc(count + 1, sizeof(*line));
	int end = head, err = 0;

	if (!line)
		return fail(e, -ENOMEM, "out of memory");
	while (end < count && !ends_list(words[end]))
		end++;
	if (end - head < 2)
		return take_one(count, words, take, context, e);
	memcpy(line, words, head * sizeof(*line));
	memcpy(line + head + 1, words + end, (count - end) * sizeof(*line));
	for (int i = head; !err && i < end; i++) {
		line[head] = words[i];
		err = take_one(head + 1 + count - end, line, take, context, e);
	}
	return err;
}

/* Only words that are no rule by themselves are searched for a profile: there may be 60,000 rules. */
static int take_rule(int count, char *const words[], int first, statement_fn take, void *context, struct error *e)
{
	struct statement s = {0};
	int err = statement_parse(count, words, &s, e);

	if (!err)
		return take(context, &s, e);
	if (err == -EINVAL && count > first && is_rule(words[first]) && names_profile(count, words))
		return expand_profiles(count, words, take, context, e);
	return err;
}

int statements_parse(int count, char *const words[], statement_fn take, void *context, struct error *e)
{
	int first = 0;

	while (first < count && !strcmp(words[first], "--runtime"))
		first++;
	if (count - first > 2 && !strcmp(words[first], "block"))
		return take_each(count, words, first + 1, take, context, e);
	if (count - first > 4 && !strcmp(words[first], "set") && !strcmp(words[first + 1], "add"))
		return take_each(count, words, first + 3, take, context, e);
	return take_rule(count, words, first, take, context, e);
}

int statements_parse_line(const char *line, statement_fn take, void *context, struct error *e)
{
	const char *start = skip_blanks(line);
	_free_ char *text = NULL;
	_free_ char **words = NULL;
	int count;

	if (!*start || *start == '#') {
		struct statement s = {0};
		int err = statement_parse_line(line, &s, e);

		return err ? err : take(context, &s, e);
	}
	text = strdup(start);
	words = calloc(strlen(start) / 2 + 1, sizeof(*words));
	if (!text || !words)
		return fail(e, -ENOMEM, "out of memory");
	count = split_words(text, words, e);
	return count < 0 ? count : statements_parse(count, words, take, context, e);
}

int take_into_ruleset(void *context, struct statement *s, struct error *e)
{
	struct ruleset *set = context;
	enum change ignored;

	/* At the very end, not behind its kind: what is collected keeps its order. */
	return ruleset_add_at(set, set->count, s, &ignored, e);
}
