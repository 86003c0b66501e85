// SPDX-License-Identifier: GPL-2.0-only
/* history: what was dropped last, and why, although nobody was watching. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "counts.h"
#include "event.h"
#include "history.h"
#include "record.h"
#include "util.h"

static int parse_filter(const struct words *words, struct past_filter *f, struct error *e)
{
	for (int i = 1; i < words->count; i++) {
		const char *word = words->list[i];
		bool port = word[0] == ':' && !strchr(word + 1, ':');
		int err;

		if (port ? f->has_port : f->has_address)
			return fail(e, -EINVAL, "history: '%s': one address and one port at most", excerpt(word).text);
		err = port ? parse_port(word + 1, &f->port, e) : parse_prefix(word, &f->address, NULL, e);
		if (err)
			return err;
		f->has_port |= port;
		f->has_address |= !port;
	}
	return 0;
}

static struct event event_of(const struct session *s, const struct rule_table *rules, const struct xdpfw_past *past)
{
	bool in = past->key.dir == XDPFW_IN, ports = event_has_ports(past->key.protocol) && past->key.family;
	struct event ev = {
		.time_ns = past->last + event_clock_offset(),
		.decision = past->decision,
		.dir = past->key.dir,
		.family = past->key.family,
		.protocol = past->key.protocol,
		.has_ports = ports,
		.tcp_flags = past->tcp_flags,
		.icmp_type = past->key.port,
		.from = in ? past->key.remote : past->local,
		.to = in ? past->local : past->key.remote,
		.from_port = past->source_port,
		.to_port = past->key.port,
		.length = past->length,
		.rule = rule_table_find(rules, xdpfw_rule_of(past->decision)),
	};

	event_interface(&s->store, past->ifindex, ev.interface);
	return ev;
}

static json_t *row_json(const struct session *s, const struct rule_table *rules, const struct xdpfw_past *past)
{
	struct event ev = event_of(s, rules, past);
	char first[STAMP_TEXT_MAX];
	json_t *row = event_json(&ev);

	json_object_set_new(row, "first", json_string(format_stamp(past->first + event_clock_offset(), first)));
	json_object_set_new(row, "packets", json_integer(past->packets));
	return row;
}

static void print_json(const struct session *s, const struct rule_table *rules, const struct past_list *list)
{
	char overrun[STAMP_TEXT_MAX];
	json_t *rows = json_array(), *root;

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(rows, row_json(s, rules, &list->rows[i]));
	root = json_pack("{s:o,s:s?}", "drops", rows, "overrun",
			 list->overrun ? format_stamp(list->overrun + event_clock_offset(), overrun) : NULL);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static void print_row(const struct session *s, const struct rule_table *rules, const struct xdpfw_past *past)
{
	struct event ev = event_of(s, rules, past);
	_free_ char *rule = event_rule_text(&ev);
	char time[STAMP_TEXT_MAX], protocol[EVENT_PROTOCOL_MAX], detail[EVENT_DETAIL_MAX];
	char from[EVENT_ENDPOINT_MAX], to[EVENT_ENDPOINT_MAX];

	printf("%-24s %8llu %-3s %-7s %-14s %-6s %-24s %-24s %-15s %-10s %s\n", format_stamp(ev.time_ns, time),
	       (unsigned long long)past->packets, dir_name(ev.dir), verdict_name(xdpfw_verdict_of(ev.decision)),
	       reason_name(xdpfw_reason_of(ev.decision)), event_protocol(&ev, protocol), event_from(&ev, from),
	       event_to(&ev, to), ev.interface, event_detail(&ev, detail), rule ? rule : "");
}

static void print_text(const struct session *s, const struct rule_table *rules, const struct past_list *list)
{
	char overrun[STAMP_TEXT_MAX];

	printf("%-24s %8s %-3s %-7s %-14s %-6s %-24s %-24s %-15s %-10s %s\n", "LAST", "PACKETS", "DIR", "VERDICT",
	       "REASON", "PROTO", "FROM", "TO", "INTERFACE", "WHAT", "RULE");
	for (size_t i = 0; i < list->count; i++)
		print_row(s, rules, &list->rows[i]);
	if (list->overrun)
		printf("not all was noted: at %s there were more than %d drops a second\n",
		       format_stamp(list->overrun + event_clock_offset(), overrun), XDPFW_PAST_RATE);
}

static int show(struct session *s, const struct past_filter *filter, struct error *e)
{
	struct past_list list;
	struct rule_table rules;
	int err = history_read(&s->store, filter, &list, e);

	if (err)
		return err;
	err = rule_table_build(&s->now, &rules);
	if (err) {
		err = fail(e, err, "out of memory");
	} else {
		(s->settings.json ? print_json : print_text)(s, &rules, &list);
		rule_table_free(&rules);
	}
	past_list_free(&list);
	return err;
}

int cmd_history(const struct settings *settings, struct words words, struct error *e)
{
	struct past_filter filter = {};
	_session_ struct session s = SESSION_CLOSED;
	int err = parse_filter(&words, &filter, e);

	if (!err)
		err = begin_session(settings, false, &s, e);
	if (!err)
		err = session_require_live(&s, e);
	return err ? err : show(&s, &filter, e);
}
