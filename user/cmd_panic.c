// SPDX-License-Identifier: GPL-2.0-only
/* panic on|off: nothing passes but what is kept open. In the kernel only: a restart ends it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "changes.h"
#include "command.h"
#include "enforce.h"
#include "evaluate.h"
#include "logins.h"
#include "util.h"

static int by_number(const void *a, const void *b)
{
	return *(const __u16 *)a - *(const __u16 *)b;
}

static void keep_port(struct panic *panic, __u16 port, struct changes *c)
{
	for (size_t i = 0; i < panic->count; i++)
		if (panic->kept[i] == port)
			return;
	if (panic->count == XDPFW_MAX_KEPT)
		changes_warn(c, "port %u: not kept, only %d ports can be", port, XDPFW_MAX_KEPT);
	else
		panic->kept[panic->count++] = port;
}

/* The ports of login daemons, as the other side knows them; those by which somebody is logged in first. */
static int keep_logins(const struct ruleset *set, struct panic *panic, struct changes *c, struct error *e)
{
	struct login_list list;
	int err = logins_find(&list, e);

	if (err)
		return err;
	for (size_t i = 0; i < list.count; i++)
		keep_port(panic, linked_port(set, PROTO_TCP, list.logins[i].local_port), c);
	for (size_t i = 0; i < list.nr_ports; i++)
		keep_port(panic, linked_port(set, PROTO_TCP, list.ports[i].port), c);
	qsort(panic->kept, panic->count, sizeof(*panic->kept), by_number);
	logins_free(&list);
	return 0;
}

/* `panic off` needs no statement; without ports, --all keeps none and otherwise those of logins are asked for later. */
static int parse_panic(struct words *words, bool *on, bool *all, struct statement *s, struct error *e)
{
	int err;

	*all = take_flag(words, "--all");
	take_flag(words, "--runtime"); /* it always is */
	*on = !(words->count == 2 && strcmp(words->list[1], "off") == 0);
	if (*all && (!*on || words->count != 2))
		return fail(e, -EINVAL, "--all: goes with `panic on` without ports");
	if (!*on)
		return 0;
	err = statement_parse(words->count, words->list, s, e);
	s->runtime = true;
	return err;
}

static int change_panic(struct ruleset *after, struct statement *s, bool on, struct changes *c, struct error *e)
{
	const struct statement *old = ruleset_panic(after);
	struct statement note = on ? *s : old ? *old : (struct statement){};
	enum change change = CHANGE_NONE;
	int err = 0;

	if (on)
		err = ruleset_add(after, s, &change, e);
	else if (old)
		change = ruleset_delete(after, STATEMENT_PANIC, note.id);
	if (!err && change != CHANGE_NONE)
		changes_note(c, change, &note);
	return err;
}

int cmd_panic(const struct settings *settings, struct words words, struct error *e)
{
	struct statement s = {};
	struct ruleset after = {};
	struct changes c;
	_session_ struct session session = SESSION_CLOSED;
	bool on, all;
	int err = parse_panic(&words, &on, &all, &s, e);

	if (!err)
		err = begin_session(settings, true, &session, e);
	if (err)
		return err;
	changes_init(&c);
	if (!session.live)
		err = fail(e, -ENOTCONN, "panic: not loaded: nothing is filtered; `xdpfw load IFACE` does that");
	if (!err && on && !all && !s.panic.count)
		err = keep_logins(&session.now, &s.panic, &c, e);
	if (!err && ruleset_copy(&session.now, &after))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err)
		err = change_panic(&after, &s, on, &c, e);
	if (!err && changes_any(&c))
		err = enforce(&session, &after, true, &c, e);
	if (!err || (err == -EKEYREJECTED && settings->dry_run))
		changes_print(&c, settings, true);
	ruleset_free(&after);
	changes_free(&c);
	return err;
}
