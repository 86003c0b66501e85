// SPDX-License-Identifier: GPL-2.0-only
/* set add|del|load|flush|list: named sets of addresses, for `from @NAME` and `to @NAME`. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "edit.h"
#include "parse_address.h"
#include "rule_json.h"
#include "rulesfile.h"
#include "set_file.h"
#include "statements.h"
#include "util.h"

#define FEW 20 /* members that are listed one by one when a set is replaced */

/* The members that a set is to have, all of them. */
struct replacement {
	const char *name;
	struct ruleset members;
	bool listed; /* each change by itself, for scripts */
};

static const struct statement *find_member(const struct ruleset *set, const struct statement *member)
{
	return ruleset_find(set, STATEMENT_SET, member->id);
}

static size_t count_members(const struct ruleset *set, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += set->statements[i].kind == STATEMENT_SET && !strcmp(set->statements[i].member.name, name);
	return count;
}

/* What of one list is not, or not so, in the other. */
static void note_difference(const struct replacement *r, const struct ruleset *set, struct changes *c)
{
	size_t added = 0, removed = 0, replaced = 0;
	bool listed = r->listed || (r->members.count <= FEW && count_members(set, r->name) <= FEW);

	for (size_t i = 0; i < r->members.count; i++) {
		const struct statement *s = &r->members.statements[i], *old = find_member(set, s);
		enum change change = !old                                       ? CHANGE_ADDED
				     : old->member.expires != s->member.expires ? CHANGE_REPLACED
										: CHANGE_NONE;

		added += change == CHANGE_ADDED;
		replaced += change == CHANGE_REPLACED;
		if (listed)
			changes_note(c, change, s);
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_SET || strcmp(s->member.name, r->name) || find_member(&r->members, s))
			continue;
		removed++;
		if (listed)
			changes_note(c, CHANGE_REMOVED, s);
	}
	if (!listed && added + removed + replaced)
		changes_sum(c, "set %s: %zu addresses; %zu added, %zu removed, %zu replaced", r->name, r->members.count,
			    added, removed, replaced);
}

static int edit_replace(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	struct replacement *r = what;

	note_difference(r, set, c);
	return ruleset_replace_members(set, r->name, &r->members) ? fail(e, -ENOMEM, "out of memory") : 0;
}

static int replace_members(const struct settings *settings, struct replacement *r, struct error *e)
{
	int err;

	r->listed = settings->json;
	err = edit_policy(settings, false, edit_replace, r, e);
	ruleset_free(&r->members);
	return err;
}

static int load_set(const struct settings *settings, struct words words, struct error *e)
{
	const char *name = words.list[2], *path = words.list[3];
	struct replacement r = {.name = name};
	_free_ char *text = NULL;
	int err;

	if (words.count != 4)
		return fail(e, -EINVAL, "set load: one name and one file, or - for standard input: `set load %s FILE`",
			    name);
	err = rulesfile_read(path, &text, e);
	if (!err)
		err = set_file_parse(text, strcmp(path, "-") ? path : "stdin", name, &r.members, e);
	return err ? err : replace_members(settings, &r, e);
}

static int flush_set(const struct settings *settings, struct words words, struct error *e)
{
	struct replacement r = {.name = words.list[2]};

	if (words.count > 3)
		return fail(e, -EINVAL, "'%s': one word too many; `set flush %s` removes every address",
			    excerpt(words.list[3]).text, r.name);
	return replace_members(settings, &r, e);
}

static int edit_delete(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	const struct ruleset *wanted = what;
	_free_ __u64 *ids = calloc(wanted->count + 1, sizeof(*ids));

	if (!ids)
		return fail(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < wanted->count; i++) {
		const struct statement *found = find_member(set, &wanted->statements[i]);

		ids[i] = wanted->statements[i].id;
		if (found)
			changes_note(c, CHANGE_REMOVED, found);
	}
	ruleset_delete_ids(set, ids, wanted->count);
	return 0;
}

static int delete_members(const struct settings *settings, struct words words, struct error *e)
{
	struct ruleset wanted = {};
	int err;

	words.list[1] = "add"; /* the statements to delete are those that `add` would make */
	err = statements_parse(words.count, words.list, take_into_ruleset, &wanted, e);
	if (!err)
		err = edit_policy(settings, false, edit_delete, &wanted, e);
	ruleset_free(&wanted);
	return err;
}

static void print_names(const struct session *s)
{
	json_t *sets = sets_json(&s->now), *members;
	const char *name;

	if (s->settings.json) {
		json_dumpf(sets, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		json_object_foreach (sets, name, members)
			printf("%s: %lld address%s\n", name, (long long)json_integer_value(members),
			       json_integer_value(members) == 1 ? "" : "es");
	}
	json_decref(sets);
}

static json_t *member_json(const struct set_member *member)
{
	char addr[ADDR_TEXT_MAX], until[TIME_TEXT_MAX];

	return json_pack("{s:s,s:s?}", "address", format_prefix(&member->prefix, addr), "expires_at",
			 member->expires ? format_timestamp(member->expires, until) : NULL);
}

static void print_member(const struct set_member *member)
{
	char addr[ADDR_TEXT_MAX], until[TIME_TEXT_MAX];

	if (member->expires)
		printf("%s until %s\n", format_prefix(&member->prefix, addr), format_timestamp(member->expires, until));
	else
		puts(format_prefix(&member->prefix, addr));
}

static int print_members(const struct session *s, const char *name, struct error *e)
{
	json_t *list = s->settings.json ? json_array() : NULL;
	bool found = false;

	for (size_t i = 0; i < s->now.count; i++) {
		const struct statement *line = &s->now.statements[i];

		if (line->kind != STATEMENT_SET || strcmp(line->member.name, name))
			continue;
		found = true;
		if (list)
			json_array_append_new(list, member_json(&line->member));
		else
			print_member(&line->member);
	}
	if (list && found) {
		json_dumpf(list, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(list);
	return found ? 0 : fail(e, -ENOENT, "'%s': no such set; `xdpfw set list` names them", name);
}

static int list_set(const struct settings *settings, struct words words, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (words.count > 3)
		return fail(e, -EINVAL, "'%s': one word too many; write set list, or set list NAME",
			    excerpt(words.list[3]).text);
	err = begin_session(settings, false, &s, e);
	if (err)
		return err;
	if (words.count == 3)
		return print_members(&s, words.list[2], e);
	print_names(&s);
	return 0;
}

static const struct {
	const char *verb;
	const char *form;
	int words; /* with `set` and the verb, at least */
	command_fn run;
} verbs[] = {
	{"add", "set add office 203.0.113.0/24", 4, cmd_change},
	{"del", "set del office 203.0.113.0/24", 4, delete_members},
	{"load", "set load blocklist FILE, or - for standard input", 4, load_set},
	{"flush", "set flush office", 3, flush_set},
	{"list", "set list, or set list office", 2, list_set},
};

int cmd_set(const struct settings *settings, struct words words, struct error *e)
{
	const char *verb = words.count > 1 ? words.list[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		int err;

		if (strcmp(verbs[i].verb, verb))
			continue;
		if (words.count < verbs[i].words)
			return fail(e, -EINVAL, "set %s: a word is missing; write %s", verb, verbs[i].form);
		err = words.count > 2 ? check_set_name(words.list[2], e) : 0;
		return err ? err : verbs[i].run(settings, words, e);
	}
	return fail(e, -EINVAL, "'set %s': write set add, del, load, flush or list", excerpt(verb).text);
}
