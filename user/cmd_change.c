// SPDX-License-Identifier: GPL-2.0-only
/* allow, deny, reject, default, forward, block, option: add one statement or replace it. And delete, unblock. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "attach.h"
#include "changes.h"
#include "command.h"
#include "open_connections.h"
#include "util.h"

/*
 * Put a changed ruleset in force. Port rewriting behind XDP is attached before the first forward and
 * detached after the last one: without links in the policy it does nothing.
 */
static int put_in_force(struct session *s, struct ruleset *after, bool runtime, struct changes *c, struct error *e)
{
	bool had = ruleset_count(&s->now, STATEMENT_FORWARD) > 0;
	bool has = ruleset_count(after, STATEMENT_FORWARD) > 0;
	int err = 0;

	if (s->live && has && !had)
		err = attach_swap(s, true, e);
	if (!err)
		err = session_commit(s, after, runtime, &c->generation, e);
	if (s->live && (err ? has && !had : had && !has))
		attach_swap(s, false, NULL);
	return err;
}

/* What all changing commands share: from the words' effect on a copy of the policy to the printed result. */
typedef int (*edit_fn)(struct ruleset *set, void *what, struct changes *c, struct error *e);

static int change(const struct settings *settings, bool runtime, edit_fn edit, void *what, struct error *e)
{
	struct ruleset after = {};
	struct changes c;
	struct session s;
	bool live;
	int err = require_root(e);

	if (!err)
		err = session_open(settings, true, &s, e);
	if (err)
		return err;
	changes_init(&c);
	live = s.live;
	if (runtime && !live)
		err = fail(e, -ENOTCONN, "--runtime: not loaded; leave it out to change the rules file");
	if (!err)
		err = session_check_sync(&s, e);
	if (!err && ruleset_copy(&s.now, &after))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err)
		err = edit(&after, what, &c, e);
	if (!err && changes_any(&c) && !settings->dry_run)
		err = put_in_force(&s, &after, runtime, &c, e);
	if (!err)
		changes_print(&c, settings, live);
	ruleset_free(&after);
	changes_free(&c);
	session_close(&s);
	return err;
}

struct addition {
	struct statement *statement;
	const struct words *words; /* as typed */
};

/* `block 10.0.0.1/8` blocks 10.0.0.0/8: done, but said. */
static void warn_of_host_bits(const struct addition *a, struct changes *c)
{
	char text[ADDR_TEXT_MAX];
	struct prefix prefix;
	bool normalised = false;

	for (int i = 1; a->statement->kind == STATEMENT_BLOCK && i < a->words->count; i++)
		if (parse_prefix(a->words->list[i], &prefix, &normalised, NULL) == 0 && normalised)
			changes_warn(c, "%s: has bits set beyond its length; taken as %s", a->words->list[i],
				     format_prefix(&prefix, text));
}

static bool ports_overlap(const struct ports *a, const struct ports *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (a->ranges[i].first <= b->ranges[j].last && b->ranges[j].first <= a->ranges[i].last)
				return true;
	return false;
}

static bool icmp_overlaps(const struct rule *a, const struct rule *b)
{
	unsigned int both = a->icmp_families & b->icmp_families;

	if (!a->has_icmp_type || !b->has_icmp_type)
		return both;
	return (both & ICMP_V4 && a->icmp_type[0] == b->icmp_type[0]) ||
	       (both & ICMP_V6 && a->icmp_type[1] == b->icmp_type[1]);
}

/* May both rules match one request? */
static bool rules_overlap(const struct rule *a, const struct rule *b)
{
	if (a->dir != b->dir)
		return false;
	if (a->match == MATCH_ANY || b->match == MATCH_ANY)
		return true;
	if (a->match != b->match)
		return false;
	switch (a->match) {
	case MATCH_PORTS:
		return a->protocols & b->protocols && ports_overlap(&a->ports, &b->ports);
	case MATCH_PROTOCOL:
		return a->protocol == b->protocol;
	default:
		return icmp_overlaps(a, b);
	}
}

/* Name the earlier rules of another verdict that decide some of what the rule @id is about. */
static void warn_of_hidden(const struct ruleset *set, __u64 id, struct changes *c)
{
	const struct statement *s = ruleset_find(set, STATEMENT_RULE, id);

	for (const struct statement *earlier = set->statements; s && earlier < s; earlier++) {
		_free_ char *line = NULL;

		if (earlier->kind != STATEMENT_RULE || earlier->rule.verdict == s->rule.verdict ||
		    !rules_overlap(&earlier->rule, &s->rule))
			continue;
		line = statement_format(earlier);
		changes_warn(c, "'%s' comes first and decides some or all of these requests", line);
	}
}

static int add_statement(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	const struct addition *a = what;
	struct statement *s = a->statement, note = {};
	_free_ char *line = statement_format(s);
	const struct statement *old;
	enum change change;
	int err;

	/* ruleset_add() takes the statement over, so what it was is noted from a copy. */
	if (!line || statement_parse_line(line, &note, NULL))
		return fail(e, -ENOMEM, "out of memory");
	old = ruleset_find(set, s->kind, s->id);
	if (s->runtime && old && !old->runtime) {
		statement_free(&note);
		return fail(e, -EINVAL, "--runtime: the rules file has this already; change it without --runtime");
	}
	warn_of_host_bits(a, c);
	err = ruleset_add(set, s, &change, e);
	memset(s, 0, sizeof(*s));
	if (!err) {
		changes_note(c, change, &note);
		if (change != CHANGE_NONE)
			warn_of_hidden(set, note.id, c);
	}
	statement_free(&note);
	return err;
}

/* A rule that denies leaves open connections alone, and says so, or cuts them. */
static int settle_connections(const struct settings *settings, struct words words, bool kill, struct error *e)
{
	struct statement s = {};
	int err = statement_parse(words.count, words.list, &s, e);

	if (!err && s.kind == STATEMENT_RULE && s.rule.verdict != XDPFW_PASS && !settings->dry_run)
		err = settle_open_connections(settings, &s.rule, kill, e);
	statement_free(&s);
	return err;
}

int cmd_change(const struct settings *settings, struct words words, struct error *e)
{
	bool kill = take_flag(&words, "--kill");
	struct statement s = {};
	struct addition addition = {&s, &words};
	int err = statement_parse(words.count, words.list, &s, e);

	if (err)
		return err;
	if (kill && (s.kind != STATEMENT_RULE || s.rule.verdict == XDPFW_PASS))
		err = fail(e, -EINVAL, "--kill: goes with deny and reject only");
	if (!err)
		err = change(settings, s.runtime, add_statement, &addition, e);
	statement_free(&s);
	return err ? err : settle_connections(settings, words, kill, e);
}

struct deletion {
	struct words words; /* numbers, ids */
	struct statement statement;
	bool by_words;
};

static int delete_statement(struct ruleset *set, const struct statement *s, struct changes *c)
{
	struct statement note = {};
	_free_ char *line = statement_format(s);

	if (!line || statement_parse_line(line, &note, NULL))
		return -ENOMEM;
	changes_note(c, ruleset_delete(set, note.kind, note.id), &note);
	statement_free(&note);
	return 0;
}

/* The rule as typed, action included; one that is not there is no failure. */
static int delete_by_words(struct ruleset *set, const struct statement *wanted, struct changes *c)
{
	const struct statement *found = ruleset_find(set, wanted->kind, wanted->id);

	if (!found || (wanted->kind == STATEMENT_RULE && found->rule.verdict != wanted->rule.verdict))
		return 0;
	return delete_statement(set, found, c);
}

static bool is_number(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

static bool is_id(const char *word)
{
	return strncmp(word, "id:", 3) == 0;
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

static const struct statement *find_named(const struct ruleset *set, const char *word, struct error *e)
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

/* All numbers are resolved before anything is deleted, since deleting moves the later ones. */
static int delete_named(struct ruleset *set, const struct words *words, struct changes *c, struct error *e)
{
	_free_ __u64 *ids = calloc(words->count, sizeof(*ids));

	if (!ids)
		return fail(e, -ENOMEM, "out of memory");
	for (int i = 0; i < words->count; i++) {
		const struct statement *s = find_named(set, words->list[i], e);

		if (!s)
			return e->code;
		ids[i] = s->id;
		changes_note(c, CHANGE_REMOVED, s);
	}
	ruleset_delete_ids(set, ids, words->count);
	return 0;
}

static int edit_delete(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	struct deletion *d = what;

	if (!d->by_words)
		return delete_named(set, &d->words, c, e);
	return delete_by_words(set, &d->statement, c) ? fail(e, -ENOMEM, "out of memory") : 0;
}

static int parse_deletion(struct words words, struct deletion *d, struct error *e)
{
	int named = 0;

	if (words.count == 0)
		return fail(e, -EINVAL, "delete: what? `delete 2`, `delete id:a1b2c3d4` or `delete allow in 22`");
	for (int i = 0; i < words.count; i++)
		named += is_number(words.list[i]) || is_id(words.list[i]);
	if (named == words.count) {
		d->words = words;
		return 0;
	}
	if (is_number(words.list[0]) || is_id(words.list[0]))
		return fail(e, -EINVAL, "delete: numbers and ids only, or one rule as typed");
	d->by_words = true;
	return statement_parse(words.count, words.list, &d->statement, e);
}

/* `delete ...`, and `unblock ADDR...` which deletes blocks. */
int cmd_delete(const struct settings *settings, struct words words, struct error *e)
{
	struct deletion d = {};
	int err;

	if (strcmp(words.list[0], "unblock") == 0) {
		words.list[0] = "block";
	} else {
		words.list++;
		words.count--;
	}
	err = parse_deletion(words, &d, e);
	if (!err)
		err = change(settings, false, edit_delete, &d, e);
	statement_free(&d.statement);
	return err;
}
