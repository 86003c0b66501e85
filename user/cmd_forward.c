// SPDX-License-Identifier: GPL-2.0-only
/* forward list; forward PORTS:... adds one, as every statement is added. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "dead_targets.h"
#include "forward.h"
#include "statement_forward.h"
#include "translations.h"
#include "util.h"
#include "xdpfw/flow.h"

/* How many connections each forward has, by its counter number. */
struct live {
	unsigned int *connections; /* XDPFW_MAX_RULES of them */
};

static void count_connection(const struct connection *c, void *data)
{
	const struct xdpfw_translation *t = &c->translation;
	struct live *live = data;

	if (t->state == XDPFW_FLOW_CLOSING || t->state == XDPFW_FLOW_CLOSED)
		return; /* over: its port is kept a while */
	if (t->counter < XDPFW_MAX_RULES)
		live->connections[t->counter]++;
}

static int count_connections(const struct session *s, struct live *live)
{
	live->connections = calloc(XDPFW_MAX_RULES, sizeof(*live->connections));
	if (!live->connections)
		return -ENOMEM;
	if (s->live)
		translations_each(&s->store, count_connection, live);
	return 0;
}

static json_t *count_json(const struct session *s, __u32 counter)
{
	struct xdpfw_count count = {};

	if (s->live)
		count = store_rule_count(&s->store, counter);
	return json_pack("{s:I,s:I}", "packets", (json_int_t)count.packets, "bytes", (json_int_t)count.bytes);
}

/* A link has no connections of its own: it needs no state. */
static json_t *forward_json(const struct session *s, const struct statement *st, const struct live *live)
{
	bool link = forward_is_link(&st->forward);
	_free_ char *text = statement_format(st);
	char id[17];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)st->id);
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "id", id, "text", text, "requests", count_json(s, st->counter),
			 "answers", link ? json_null() : count_json(s, st->answers), "connections",
			 link ? json_null() : json_integer(live->connections[st->counter]), "passed_over",
			 dead_targets_json(s, st));
}

static void print_json(const struct session *s, const struct live *live)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->now.count; i++)
		if (s->now.statements[i].kind == STATEMENT_FORWARD)
			json_array_append_new(list, forward_json(s, &s->now.statements[i], live));
	json_dumpf(list, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(list);
}

static void print_forward(const struct session *s, const struct statement *st, const struct live *live)
{
	struct xdpfw_count requests = store_rule_count(&s->store, st->counter);
	struct xdpfw_count answers = store_rule_count(&s->store, st->answers);
	_free_ char *text = statement_format(st);

	printf("%12llu %14llu ", (unsigned long long)requests.packets, (unsigned long long)requests.bytes);
	if (forward_is_link(&st->forward))
		printf("%12s %14s %6s  %s\n", "-", "-", "-", text);
	else
		printf("%12llu %14llu %6u  %s\n", (unsigned long long)answers.packets,
		       (unsigned long long)answers.bytes, live->connections[st->counter], text);
}

static void print_text(const struct session *s, const struct live *live)
{
	printf("%12s %14s %12s %14s %6s  %s\n", "REQUESTS", "BYTES", "ANSWERS", "BYTES", "OPEN", "FORWARD");
	for (size_t i = 0; i < s->now.count; i++) {
		if (s->now.statements[i].kind != STATEMENT_FORWARD)
			continue;
		print_forward(s, &s->now.statements[i], live);
		dead_targets_print(s, &s->now.statements[i], 64);
	}
}

static int list(struct session *s, struct error *e)
{
	struct live live;
	int err = s->live ? count_connections(s, &live) : -ENOTCONN;

	if (err == -ENOTCONN)
		return fail(e, err, "not loaded: nothing is forwarded; `xdpfw load IFACE` does that");
	if (err)
		return fail(e, err, "out of memory");
	if (s->settings.json)
		print_json(s, &live);
	else
		print_text(s, &live);
	free(live.connections);
	return 0;
}

int cmd_forward(const struct settings *settings, struct words words, struct error *e)
{
	bool checks = take_flag(&words, "--check"), lists = words.count == 2 && !strcmp(words.list[1], "list");
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (checks)
		return cmd_forward_check(settings, words, e);
	if (!lists)
		return cmd_change(settings, words, e);
	err = begin_session(settings, false, &s, e);
	return err ? err : list(&s, e);
}
