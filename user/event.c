// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "event.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "counts.h"
#include "parse_ip_protocol.h"
#include "record.h"
#include "ticker.h"
#include "util.h"

__u64 event_clock_offset(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

void event_interface(const struct store *st, __u32 ifindex, char name[IFNAMSIZ])
{
	if (if_indextoname(ifindex, name))
		return;
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		if (st->ifaces[i].ifindex == ifindex && ifindex) {
			snprintf(name, IFNAMSIZ, "%s", st->ifaces[i].name);
			return;
		}
	}
	snprintf(name, IFNAMSIZ, "%u", ifindex);
}

bool event_has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static bool is_icmp(__u8 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

const char *event_protocol(const struct event *ev, char text[EVENT_PROTOCOL_MAX])
{
	_Static_assert(EVENT_PROTOCOL_MAX >= IP_PROTOCOL_TEXT_MAX, "room for a name");

	if (!ev->family)
		return "-";
	if (ev->protocol == IPPROTO_ICMPV6)
		return "icmp6"; /* as in rules */
	return format_ip_protocol(ev->protocol, text);
}

static const char *endpoint(const struct event *ev, const struct xdpfw_addr *addr, __u16 port, char *text)
{
	char plain[ADDR_TEXT_MAX];

	if (!ev->family)
		return "-";
	format_addr(addr, plain);
	if (!ev->has_ports)
		snprintf(text, EVENT_ENDPOINT_MAX, "%s", plain);
	else
		snprintf(text, EVENT_ENDPOINT_MAX, ev->family == 6 ? "[%s]:%u" : "%s:%u", plain, port);
	return text;
}

const char *event_from(const struct event *ev, char text[EVENT_ENDPOINT_MAX])
{
	return endpoint(ev, &ev->from, ev->from_port, text);
}

const char *event_to(const struct event *ev, char text[EVENT_ENDPOINT_MAX])
{
	return endpoint(ev, &ev->to, ev->to_port, text);
}

static const char *const flag_names[8] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

static bool has_flags(const struct event *ev)
{
	return ev->has_ports && ev->protocol == IPPROTO_TCP;
}

const char *event_detail(const struct event *ev, char text[EVENT_DETAIL_MAX])
{
	*text = '\0';
	if (ev->family && is_icmp(ev->protocol))
		snprintf(text, EVENT_DETAIL_MAX, "type %u", ev->icmp_type);
	for (size_t i = 0; has_flags(ev) && i < ARRAY_SIZE(flag_names); i++)
		if (ev->tcp_flags & 1U << i)
			snprintf(text + strlen(text), EVENT_DETAIL_MAX - strlen(text), "%s%s", *text ? "," : "",
				 flag_names[i]);
	return text;
}

char *event_rule_text(const struct event *ev)
{
	return ev->rule.statement ? statement_format(ev->rule.statement) : NULL;
}

static json_t *flags_json(const struct event *ev)
{
	json_t *list;

	if (!has_flags(ev))
		return json_null();
	list = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (ev->tcp_flags & 1U << i)
			json_array_append_new(list, json_string(flag_names[i]));
	return list;
}

static json_t *address_json(const struct event *ev, const struct xdpfw_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return ev->family ? json_string(format_addr(addr, text)) : json_null();
}

static json_t *rule_id_json(const struct event *ev)
{
	return ev->rule.statement ? json_sprintf("%016llx", (unsigned long long)ev->rule.statement->id) : json_null();
}

json_t *event_json(const struct event *ev)
{
	char time[STAMP_TEXT_MAX], protocol[EVENT_PROTOCOL_MAX];
	_free_ char *rule = event_rule_text(ev);
	bool icmp = ev->family && is_icmp(ev->protocol);

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:s?,s:o,s:s?,s:o,s:o,s:o,s:o,s:o,s:o,s:i}", "time",
			 format_stamp(ev->time_ns, time), "interface", ev->interface, "dir", dir_name(ev->dir),
			 "verdict", verdict_name(xdpfw_verdict_of(ev->decision)), "reason",
			 reason_name(xdpfw_reason_of(ev->decision)), "rule", rule_id_json(ev), "rule_text", rule,
			 "rule_n", ev->rule.n ? json_integer(ev->rule.n) : json_null(), "proto",
			 ev->family ? event_protocol(ev, protocol) : NULL, "from", address_json(ev, &ev->from),
			 "from_port", ev->has_ports ? json_integer(ev->from_port) : json_null(), "to",
			 address_json(ev, &ev->to), "to_port", ev->has_ports ? json_integer(ev->to_port) : json_null(),
			 "tcp_flags", flags_json(ev), "icmp_type", icmp ? json_integer(ev->icmp_type) : json_null(),
			 "length", (int)ev->length);
}
