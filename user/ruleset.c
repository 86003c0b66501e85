// SPDX-License-Identifier: GPL-2.0-only
/* The ordered list of statements. */
#include "ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "rule.h"
#include "ruleset_index.h"
#include "statement.h"
#include "util.h"

void ruleset_free(struct ruleset *set)
{
	for (size_t i = 0; i < set->count; i++)
		statement_free(&set->statements[i]);
	free(set->statements);
	index_free(set);
	*set = (struct ruleset){0};
}

static int reserve(struct ruleset *set, const struct statement *s)
{
	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 16;
		struct statement *statements = reallocarray(set->statements, room, sizeof(*statements));

		if (!statements)
			return -ENOMEM;
		set->statements = statements;
		set->room = room;
	}
	return index_reserve(set, s);
}

/* Move @s into the list; on failure it stays the caller's. */
static int insert(struct ruleset *set, size_t at, struct statement *s)
{
	int err = reserve(set, s);

	if (err)
		return err;
	memmove(&set->statements[at + 1], &set->statements[at], (set->count - at) * sizeof(*s));
	set->statements[at] = *s;
	set->count++;
	index_inserted(set, at);
	*s = (struct statement){0};
	return 0;
}

int statement_copy(const struct statement *from, struct statement *to)
{
	struct statement copy = *from;
	int err = 0;

	switch (from->kind) {
	case STATEMENT_COMMENT:
		copy.comment = strdup(from->comment);
		err = copy.comment ? 0 : -ENOMEM;
		break;
	case STATEMENT_SET:
		copy.member.name = strdup(from->member.name);
		err = copy.member.name ? 0 : -ENOMEM;
		break;
	case STATEMENT_RULE:
		err = rule_copy(&from->rule, &copy.rule);
		break;
	case STATEMENT_FORWARD:
		err = forward_copy(&from->forward, &copy.forward);
		break;
	default:
		break;
	}
	if (!err)
		*to = copy;
	return err;
}

int ruleset_copy(const struct ruleset *from, struct ruleset *to)
{
	struct ruleset copy = {0};

	for (size_t i = 0; i < from->count; i++) {
		struct statement s = {0};
		int err = statement_copy(&from->statements[i], &s);

		if (!err)
			err = insert(&copy, copy.count, &s);
		if (err) {
			statement_free(&s);
			ruleset_free(&copy);
			return err;
		}
	}
	*to = copy;
	return 0;
}

/* Of two statements with the same id: do they also say the same? */
static bool same_value(const struct statement *a, const struct statement *b)
{
	switch (a->kind) {
	case STATEMENT_RULE:
		return rule_same_action(&a->rule, &b->rule);
	case STATEMENT_FORWARD:
		return forward_same_value(&a->forward, &b->forward);
	case STATEMENT_DEFAULT:
		return a->default_policy.verdict == b->default_policy.verdict;
	case STATEMENT_OPTION:
		return a->option.value == b->option.value;
	case STATEMENT_LOAD:
		return a->load.mode == b->load.mode;
	case STATEMENT_BLOCK:
		return a->block.expires == b->block.expires;
	case STATEMENT_PANIC:
		return a->panic.count == b->panic.count &&
		       memcmp(a->panic.kept, b->panic.kept, sizeof(a->panic.kept)) == 0;
	case STATEMENT_SET:
		return a->member.expires == b->member.expires;
	default:
		return true;
	}
}

/*
 * Let @old say what @s says. A statement that is in the file stays there when it is given again
 * with --runtime; one that is not gets there when it is given without.
 */
static enum change replace(struct statement *old, struct statement *s)
{
	bool same = same_value(old, s);
	struct statement before = *old;

	if (same && old->runtime <= s->runtime)
		return CHANGE_NONE;
	if (same) {
		old->runtime = s->runtime;
		return CHANGE_REPLACED;
	}
	*old = *s;
	old->counter = before.counter;
	*s = before; /* the caller releases it */
	return CHANGE_REPLACED;
}

static int refuse_used_port(const struct ruleset *set, const struct statement *s, struct error *e)
{
	__u16 port = 0;
	size_t other = index_find_clash(set, &s->forward, &port);
	_free_ char *text = NULL, *other_text = NULL;

	if (other == NO_POSITION)
		return 0;
	text = statement_format(s);
	other_text = statement_format(&set->statements[other]);
	if (!text || !other_text)
		return fail(e, -ENOMEM, "out of memory");
	return fail(e, -EINVAL, "'%s': port %u is already used by '%s'; delete that first", excerpt(text).text, port,
		    excerpt(other_text).text);
}

int ruleset_add_at(struct ruleset *set, size_t at, struct statement *s, enum change *change, struct error *e)
{
	size_t old = s->kind == STATEMENT_COMMENT ? NO_POSITION : index_find(set, s->kind, s->id);
	int err = 0;

	if (old != NO_POSITION) {
		*change = replace(&set->statements[old], s);
	} else {
		if (s->kind == STATEMENT_FORWARD)
			err = refuse_used_port(set, s, e);
		if (!err && insert(set, at, s))
			err = fail(e, -ENOMEM, "out of memory");
		if (!err)
			*change = CHANGE_ADDED;
	}
	statement_free(s);
	return err;
}

/* Behind the last of its kind, so that a file keeps its parts together. */
static size_t place_for(const struct ruleset *set, enum statement_kind kind)
{
	size_t at = set->count;

	if (!index_count(set, kind))
		return at;
	while (set->statements[at - 1].kind != kind)
		at--;
	return at;
}

int ruleset_add(struct ruleset *set, struct statement *s, enum change *change, struct error *e)
{
	return ruleset_add_at(set, s->kind == STATEMENT_COMMENT ? set->count : place_for(set, s->kind), s, change, e);
}

/* Let the statement at @from stand at @to; those between make room. */
static void move_statement(struct ruleset *set, size_t from, size_t to)
{
	struct statement moved = set->statements[from];

	if (from < to)
		memmove(&set->statements[from], &set->statements[from + 1], (to - from) * sizeof(moved));
	else
		memmove(&set->statements[to + 1], &set->statements[to], (from - to) * sizeof(moved));
	set->statements[to] = moved;
	index_rebuild(set);
}

int ruleset_insert(struct ruleset *set, size_t n, struct statement *s, enum change *change, struct error *e)
{
	size_t old = index_find(set, STATEMENT_RULE, s->id), count = index_count(set, STATEMENT_RULE);
	size_t at = index_find_rule(set, n);
	int err;

	if (at == NO_POSITION && n != 1) {
		statement_free(s);
		return fail(e, -ENOENT, "'%zu': no rule of that number; there %s %zu, see `xdpfw status`", n,
			    count == 1 ? "is" : "are", count);
	}
	if (at == NO_POSITION || old == NO_POSITION)
		return ruleset_add_at(set, at == NO_POSITION ? set->count : at, s, change, e);
	err = ruleset_add_at(set, at, s, change, e); /* replaces it where it is */
	if (!err && old != at) {
		move_statement(set, old, at);
		*change = CHANGE_MOVED;
	}
	return err;
}

enum change ruleset_enable(struct ruleset *set, __u64 id, bool enabled)
{
	size_t at = index_find(set, STATEMENT_RULE, id);

	if (at == NO_POSITION || set->statements[at].rule.disabled == !enabled)
		return CHANGE_NONE;
	set->statements[at].rule.disabled = !enabled;
	return CHANGE_REPLACED;
}

__u64 statement_expires(const struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_RULE:
		return s->rule.expires;
	case STATEMENT_BLOCK:
		return s->block.expires;
	case STATEMENT_SET:
		return s->member.expires;
	default:
		return 0;
	}
}

/* Close the gaps that freed statements have left: each is a comment without text now. */
static void close_gaps(struct ruleset *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind != STATEMENT_COMMENT || set->statements[i].comment)
			set->statements[kept++] = set->statements[i];
	set->count = kept;
	index_rebuild(set);
}

size_t ruleset_drop_expired(struct ruleset *set, __u64 now, bool only_runtime)
{
	size_t dropped = 0;

	for (size_t i = 0; i < set->count; i++) {
		__u64 expires = statement_expires(&set->statements[i]);

		if (!expires || expires > now || (only_runtime && !set->statements[i].runtime))
			continue;
		statement_free(&set->statements[i]);
		dropped++;
	}
	if (dropped)
		close_gaps(set);
	return dropped;
}

static bool is_member_of(const struct statement *s, const char *name)
{
	return s->kind == STATEMENT_SET && !strcmp(s->member.name, name);
}

bool ruleset_has_set(const struct ruleset *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (is_member_of(&set->statements[i], name))
			return true;
	return false;
}

int ruleset_replace_members(struct ruleset *set, const char *name, struct ruleset *members)
{
	size_t at = place_for(set, STATEMENT_SET), total = set->count + members->count;
	struct statement *statements = reallocarray(set->statements, total ? total : 1, sizeof(*statements));

	if (!statements)
		return -ENOMEM;
	set->statements = statements;
	set->room = total ? total : 1;
	if (index_reserve_many(set, members->count))
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		if (is_member_of(&set->statements[i], name))
			statement_free(&set->statements[i]);
	memmove(&set->statements[at + members->count], &set->statements[at], (set->count - at) * sizeof(*statements));
	if (members->count)
		memcpy(&set->statements[at], members->statements, members->count * sizeof(*statements));
	set->count = total;
	members->count = 0; /* they are ours now */
	close_gaps(set);
	return 0;
}

size_t ruleset_delete_ids(struct ruleset *set, const __u64 *ids, size_t count)
{
	size_t removed = 0;

	for (size_t i = 0; i < count; i++) {
		size_t at = index_find_id(set, ids[i]);

		if (at != NO_POSITION) {
			statement_free(&set->statements[at]);
			removed++;
		}
	}
	if (removed)
		close_gaps(set);
	return removed;
}

enum change ruleset_delete(struct ruleset *set, enum statement_kind kind, __u64 id)
{
	if (index_find(set, kind, id) == NO_POSITION)
		return CHANGE_NONE;
	ruleset_delete_ids(set, &id, 1);
	return CHANGE_REMOVED;
}

static const struct statement *statement_at(const struct ruleset *set, size_t position)
{
	return position == NO_POSITION ? NULL : &set->statements[position];
}

const struct statement *ruleset_find(const struct ruleset *set, enum statement_kind kind, __u64 id)
{
	return statement_at(set, index_find(set, kind, id));
}

const struct statement *ruleset_rule(const struct ruleset *set, size_t n)
{
	return statement_at(set, index_find_rule(set, n));
}

size_t ruleset_count(const struct ruleset *set, enum statement_kind kind)
{
	return index_count(set, kind);
}

/* The statement with the match part of @like. Without memory there is none. */
static const struct statement *find_like(const struct ruleset *set, const struct statement *like)
{
	__u64 id;

	return statement_id(like, &id) ? NULL : ruleset_find(set, like->kind, id);
}

enum xdpfw_verdict ruleset_default(const struct ruleset *set, enum xdpfw_dir dir)
{
	struct statement like = {.kind = STATEMENT_DEFAULT, .default_policy.dir = dir};
	const struct statement *s = find_like(set, &like);

	if (s)
		return s->default_policy.verdict;
	return dir == XDPFW_OUT ? XDPFW_PASS : XDPFW_DROP;
}

const struct statement *ruleset_panic(const struct ruleset *set)
{
	const struct statement like = {.kind = STATEMENT_PANIC};

	return find_like(set, &like);
}

unsigned int ruleset_option(const struct ruleset *set, enum option_name name)
{
	struct statement like = {.kind = STATEMENT_OPTION, .option.name = name};
	const struct statement *s = find_like(set, &like);

	return s ? s->option.value : option_default(name);
}
