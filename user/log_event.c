// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "log_event.h"

#include <stdio.h>
#include <string.h>

#include "counts.h"
#include "owners.h"
#include "record.h"
#include "sockets.h"
#include "util.h"

/* From the socket, of which the event has cookie and ends, by its inode to the process that has it open. */
static void find_process(const struct xdpfw_event *raw, struct log_event *le)
{
	const struct owner *owner;
	struct owners owners;
	__u32 inode;

	if (socket_inode(raw->protocol, &raw->source, raw->source_port, &raw->destination, raw->destination_port,
			 raw->cookie, &inode) ||
	    owners_read(&owners))
		return;
	owner = owners_find(&owners, inode);
	if (owner) {
		le->pid = owner->pid;
		memcpy(le->process, owner->name, sizeof(le->process));
	}
	owners_free(&owners);
}

struct log_event log_event_of(const struct store *st, const struct rule_table *rules, const struct xdpfw_event *raw)
{
	struct log_event le = {
		.event =
			{
				.time_ns = raw->time + event_clock_offset(),
				.decision = raw->decision,
				.dir = raw->dir,
				.family = raw->family,
				.protocol = raw->protocol,
				.has_ports = raw->family && event_has_ports(raw->protocol),
				.tcp_flags = raw->tcp_flags,
				.icmp_type = raw->icmp_type,
				.from = raw->source,
				.to = raw->destination,
				.from_port = raw->source_port,
				.to_port = raw->destination_port,
				.length = raw->length,
				.rule = rule_table_find(rules, xdpfw_rule_of(raw->decision)),
			},
		.packets = raw->segments,
		.has_uid = raw->cookie != 0,
		.uid = raw->uid,
	};

	event_interface(st, raw->ifindex, le.event.interface);
	if (raw->cookie)
		find_process(raw, &le);
	return le;
}

json_t *log_event_json(const struct log_event *le)
{
	json_t *root = event_json(&le->event);

	json_object_set_new(root, "event", json_string("packet"));
	json_object_set_new(root, "packets", json_integer(le->packets));
	json_object_set_new(root, "uid", le->has_uid ? json_integer(le->uid) : json_null());
	json_object_set_new(root, "pid", le->pid ? json_integer(le->pid) : json_null());
	json_object_set_new(root, "process", le->pid ? json_string(le->process) : json_null());
	return root;
}

/* ", uid 1000, curl (4711)", as far as it is known. */
static void sender_text(const struct log_event *le, char text[64])
{
	*text = '\0';
	if (le->pid)
		snprintf(text, 64, ", uid %u, %s (%d)", le->uid, le->process, le->pid);
	else if (le->has_uid)
		snprintf(text, 64, ", uid %u", le->uid);
}

char *log_event_text(const struct log_event *le)
{
	const struct event *ev = &le->event;
	char time[STAMP_TEXT_MAX], protocol[EVENT_PROTOCOL_MAX], detail[EVENT_DETAIL_MAX], sender[64];
	char from[EVENT_ENDPOINT_MAX], to[EVENT_ENDPOINT_MAX];
	_free_ char *rule = event_rule_text(ev);
	char *text;

	sender_text(le, sender);
	event_detail(ev, detail);
	return asprintf(&text, "%s %-3s %-6s %-14s %-6s %s > %s%s%s on %s, %u bytes%s%s%s%s",
			format_stamp(ev->time_ns, time), dir_name(ev->dir),
			verdict_name(xdpfw_verdict_of(ev->decision)), reason_name(xdpfw_reason_of(ev->decision)),
			event_protocol(ev, protocol), event_from(ev, from), event_to(ev, to), *detail ? " " : "",
			detail, ev->interface, ev->length, rule ? ", rule '" : "", rule ? rule : "", rule ? "'" : "",
			sender) < 0
		       ? NULL
		       : text;
}

char *log_event_comment(const struct log_event *le)
{
	const struct event *ev = &le->event;
	enum xdpfw_reason reason = xdpfw_reason_of(ev->decision);
	_free_ char *rule = event_rule_text(ev);
	char sender[64], *text;

	sender_text(le, sender);
	return asprintf(&text, "xdpfw %s %s: %s (%s%s%s)%s", dir_name(ev->dir),
			verdict_name(xdpfw_verdict_of(ev->decision)), reason_name(reason), rule ? "'" : "",
			rule ? rule : reason_text(reason), rule ? "'" : "", sender) < 0
		       ? NULL
		       : text;
}
