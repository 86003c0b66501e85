// SPDX-License-Identifier: GPL-2.0-only
/* delete, by number, id or words; unblock; set del; enable and disable. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "command.h"
#include "edit.h"
#include "forward.h"
#include "named.h"
#include "statements.h"
#include "translations.h"
#include "util.h"

/* The rule as typed, action included; one that is not there is no failure. */
static void delete_as_typed(struct ruleset *set, const struct statement *wanted, struct changes *c)
{
	const struct statement *found = ruleset_find(set, wanted->kind, wanted->id);

	if (!found || (wanted->runtime && !found->runtime)) /* with --runtime, the file's stays */
		return;
	if (wanted->kind == STATEMENT_RULE &&
	    (found->rule.verdict != wanted->rule.verdict || found->rule.limited != wanted->rule.limited))
		return; /* another one */
	changes_note(c, CHANGE_REMOVED, found);
	ruleset_delete(set, wanted->kind, wanted->id);
}

static int edit_delete_typed(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	const struct ruleset *wanted = what;

	(void)e;
	for (size_t i = 0; i < wanted->count; i++)
		delete_as_typed(set, &wanted->statements[i], c);
	return 0;
}

static int edit_delete_named(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	const struct words *words = what;
	_free_ __u64 *ids = find_all_named(set, words, e);

	if (!ids)
		return e->code;
	for (int i = 0; i < words->count; i++)
		changes_note(c, CHANGE_REMOVED, find_named(set, words->list[i], e));
	ruleset_delete_ids(set, ids, words->count);
	return 0;
}

static int delete_typed(const struct settings *settings, struct words words, struct error *e)
{
	struct ruleset wanted = {};
	int err = statements_parse(words.count, words.list, take_into_ruleset, &wanted, e);

	if (!err)
		err = edit_policy(settings, wanted.count && wanted.statements[0].runtime, edit_delete_typed, &wanted,
				  e);
	ruleset_free(&wanted);
	return err;
}

static int count_named(const struct words *words)
{
	int named = 0;

	for (int i = 0; i < words->count; i++)
		named += is_named(words->list[i]);
	return named;
}

static bool has_counter(const struct connection *c, const void *data)
{
	return c->translation.counter == *(const __u32 *)data;
}

/* Cut what the forwards in @gone, which are deleted, have left open. */
static int cut_connections(const struct settings *settings, struct ruleset *gone, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(settings, true, &s, e), cut = 0;

	if (err)
		return err;
	if (s.live)
		store_number(&s.store, gone);
	for (size_t i = 0; s.live && i < gone->count; i++)
		cut += translations_cut(&s.store, has_counter, &gone->statements[i].counter);
	if (s.live && !settings->quiet && !settings->json)
		printf("cut: %d open connection%s\n", cut, cut == 1 ? "" : "s");
	return 0;
}

/* `delete forward ... --kill`: the connections of a link are its sockets', so it has none to cut. */
static int delete_forward(const struct settings *settings, struct words words, struct error *e)
{
	struct ruleset gone = {};
	int err = statements_parse(words.count, words.list, take_into_ruleset, &gone, e);

	if (!err && (!gone.count || gone.statements[0].kind != STATEMENT_FORWARD ||
		     forward_is_link(&gone.statements[0].forward)))
		err = fail(e, -EINVAL, "--kill: goes with a forward as typed, one-way or to another host");
	if (!err)
		err = edit_policy(settings, gone.statements[0].runtime, edit_delete_typed, &gone, e);
	if (!err && !settings->dry_run)
		err = cut_connections(settings, &gone, e);
	ruleset_free(&gone);
	return err;
}

int cmd_delete(const struct settings *settings, struct words words, struct error *e)
{
	bool kill = take_flag(&words, "--kill");

	words.list++;
	words.count--;
	if (kill)
		return delete_forward(settings, words, e);
	if (words.count == 0)
		return fail(e, -EINVAL, "delete: what? `delete 2`, `delete id:a1b2c3d4` or `delete allow in 22`");
	if (count_named(&words) == words.count)
		return edit_policy(settings, false, edit_delete_named, &words, e);
	if (is_named(words.list[0]))
		return fail(e, -EINVAL, "delete: numbers and ids only, or one rule as typed");
	return delete_typed(settings, words, e);
}

/* A rule; or `route delete RULE`, as ufw has it. */
int cmd_route(const struct settings *settings, struct words words, struct error *e)
{
	if (words.count < 2 || strcmp(words.list[1], "delete") != 0)
		return cmd_change(settings, words, e);
	words.list[1] = "route";
	words.list[0] = "delete";
	return cmd_delete(settings, words, e);
}

/* `unblock ADDR...` deletes blocks. */
int cmd_unblock(const struct settings *settings, struct words words, struct error *e)
{
	words.list[0] = "block";
	return delete_typed(settings, words, e);
}

struct toggle {
	struct words words;
	bool enabled;
};

static int edit_enable(struct ruleset *set, void *what, struct changes *c, struct error *e)
{
	const struct toggle *toggle = what;
	_free_ __u64 *ids = find_all_named(set, &toggle->words, e);

	if (!ids)
		return e->code;
	for (int i = 0; i < toggle->words.count; i++) {
		const struct statement *s = ruleset_find(set, STATEMENT_RULE, ids[i]);

		if (!s)
			return fail(e, -ENOENT, "'%s': not a rule; forwards and blocks are deleted",
				    toggle->words.list[i]);
		changes_note(c, ruleset_enable(set, ids[i], toggle->enabled), s);
	}
	return 0;
}

/* `enable N...`, `disable N...` */
int cmd_enable(const struct settings *settings, struct words words, struct error *e)
{
	struct toggle toggle = {{words.count - 1, words.list + 1}, !strcmp(words.list[0], "enable")};

	if (!toggle.words.count)
		return fail(e, -EINVAL, "%s: which rule? `%s 2`; all of the firewall: `xdpfw %s`", words.list[0],
			    words.list[0], toggle.enabled ? "load IFACE" : "unload --all");
	if (count_named(&toggle.words) != toggle.words.count)
		return fail(e, -EINVAL, "%s: numbers and ids only, as `%s 2`", words.list[0], words.list[0]);
	return edit_policy(settings, false, edit_enable, &toggle, e);
}
