// SPDX-License-Identifier: GPL-2.0-only
/* allow, deny, reject, limit, default, forward, block, set add, option: add statements or replace them. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "changes.h"
#include "command.h"
#include "edit.h"
#include "enforce.h"
#include "environment.h"
#include "open_connections.h"
#include "parse_addr.h"
#include "parse_number.h"
#include "statements.h"
#include "util.h"
#include "warnings.h"

int edit_policy(const struct settings *settings, bool runtime, edit_fn edit, void *what, struct error *e)
{
	struct ruleset after = {};
	struct changes c;
	_session_ struct session s = SESSION_CLOSED;
	bool live;
	int err = begin_session(settings, true, &s, e);

	if (err)
		return err;
	changes_init(&c);
	live = s.live;
	if (runtime && !live)
		err = fail(e, -ENOTCONN, "--runtime: not loaded; leave it out to change the rules file");
	if (!err && !runtime) /* else the file does not matter */
		err = session_check_sync(&s, e);
	if (!err && ruleset_copy(&s.now, &after))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err)
		err = edit(&after, what, &c, e);
	/* What has expired goes with the next change; not before it, for the numbers typed are those that status shows. */
	if (!err && changes_any(&c)) {
		ruleset_drop_expired(&after, time(NULL), runtime);
		err = enforce(&s, &after, runtime, &c, e);
	}
	if (!err || (err == -EKEYREJECTED && settings->dry_run))
		changes_print(&c, settings, live);
	ruleset_free(&after);
	changes_free(&c);
	return err;
}

struct addition {
	const struct ruleset *wanted; /* what was typed, in order */
	const struct words *words;
	bool placed;  /* insert or prepend */
	size_t place; /* number of the first, counted from 1 */
};

/* `block 10.0.0.1/8` blocks 10.0.0.0/8: done, but said. */
static void warn_of_host_bits(const struct words *words, struct changes *c)
{
	char text[ADDR_TEXT_MAX];
	struct prefix prefix;
	bool normalised = false;

	for (int i = 1; i < words->count; i++)
		if (strcmp(words->list[i - 1], "comment") &&
		    !parse_prefix(words->list[i], &prefix, &normalised, NULL) && normalised)
			changes_warn(c, "%s: has bits set beyond its length; taken as %s", words->list[i],
				     format_prefix(&prefix, text));
}

static int add_statement(struct ruleset *set, const struct addition *a, const struct statement *wanted, size_t place,
			 const struct environment *env, struct changes *c, struct error *e)
{
	const struct statement *old = ruleset_find(set, wanted->kind, wanted->id);
	struct statement s = {};
	enum change change;
	int err;

	if (wanted->kind == STATEMENT_BLOCK && wanted->runtime && old && !old->runtime && !old->block.expires)
		return 0; /* for good is longer than any time */
	if (wanted->runtime && old && !old->runtime)
		return fail(e, -EINVAL, "--runtime: the rules file has this already; change it without --runtime");
	if (statement_copy(wanted, &s))
		return fail(e, -ENOMEM, "out of memory");
	/* The parts of a profile go one behind the other; behind the last rule there is no number yet. */
	if (a->placed && (place == a->place || place <= ruleset_count(set, STATEMENT_RULE)))
		err = ruleset_insert(set, place, &s, &change, e);
	else
		err = ruleset_add(set, &s, &change, e);
	if (err)
		return err;
	changes_note(c, change, wanted);
	if (change != CHANGE_NONE && wanted->kind == STATEMENT_RULE)
		warn_of_hidden(set, wanted->id, c);
	if (change != CHANGE_NONE || wanted->kind == STATEMENT_FORWARD)
		warn_of_statement(set, wanted, env, c);
	return 0;
}

static int add_statements(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	const struct environment env = environment_here();
	const struct addition *a = what;
	int err = 0;

	warn_of_host_bits(a->words, c);
	for (size_t i = 0; !err && i < a->wanted->count; i++)
		err = add_statement(set, a, &a->wanted->statements[i], a->place + i, &env, c, e);
	return err;
}

/* A rule that denies leaves open connections alone, and says so, or cuts them. */
static int settle_connections(const struct settings *settings, const struct ruleset *wanted, bool kill, struct error *e)
{
	int err = 0;

	for (size_t i = 0; !err && !settings->dry_run && i < wanted->count; i++) {
		const struct statement *s = &wanted->statements[i];

		if (s->kind == STATEMENT_RULE && s->rule.verdict != XDPFW_PASS && !s->rule.disabled)
			err = settle_open_connections(settings, &s->rule, kill, e);
	}
	return err;
}

static void drop_word(struct words *words, int at)
{
	memmove(&words->list[at], &words->list[at + 1], (words->count - at - 1) * sizeof(*words->list));
	words->count--;
}

/* `insert N` or `prepend` in front of the rule or, as ufw has it too, behind `route`. */
static int take_place(struct words *words, struct addition *a, struct error *e)
{
	int at = words->count > 1 && !strcmp(words->list[0], "route");
	const char *word = words->list[at];
	unsigned long place = 1;
	bool insert = !strcmp(word, "insert");

	if (!insert && strcmp(word, "prepend"))
		return 0;
	if (insert && words->count <= at + 1)
		return fail(e, -EINVAL, "'insert': the number is missing; write insert 1 allow in 22");
	if (insert && (parse_number(words->list[at + 1], strlen(words->list[at + 1]), UINT32_MAX, &place) || !place))
		return fail(e, -EINVAL, "'%s': not the number of a rule; write insert 1 allow in 22",
			    excerpt(words->list[at + 1]).text);
	drop_word(words, at);
	if (insert)
		drop_word(words, at);
	a->placed = true;
	a->place = place;
	return 0;
}

static int check_addition(const struct ruleset *wanted, const struct addition *a, bool kill, struct error *e)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct statement *s = &wanted->statements[i];

		if (a->placed && s->kind != STATEMENT_RULE)
			return fail(e, -EINVAL, "insert: only rules have an order; write insert 1 allow in 22");
		if (kill && (s->kind != STATEMENT_RULE || s->rule.verdict == XDPFW_PASS))
			return fail(e, -EINVAL, "--kill: goes with deny and reject only");
	}
	return 0;
}

int cmd_change(const struct settings *settings, struct words words, struct error *e)
{
	bool kill = take_flag(&words, "--kill");
	struct ruleset wanted = {};
	struct addition addition = {.wanted = &wanted, .words = &words};
	int err = take_place(&words, &addition, e);

	if (!err)
		err = statements_parse(words.count, words.list, take_into_ruleset, &wanted, e);
	if (!err)
		err = check_addition(&wanted, &addition, kill, e);
	if (!err)
		err = edit_policy(settings, wanted.count && wanted.statements[0].runtime, add_statements, &addition, e);
	if (!err)
		err = settle_connections(settings, &wanted, kill, e);
	ruleset_free(&wanted);
	return err;
}
