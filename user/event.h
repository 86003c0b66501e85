/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet and what became of it, as `log` and `history` tell it: text and JSON. */
#ifndef XDPFW_USER_EVENT_H
#define XDPFW_USER_EVENT_H

#include <jansson.h>
#include <net/if.h>
#include <stdbool.h>

#include "rule_table.h"
#include "store.h"

struct event {
	__u64 time_ns; /* CLOCK_REALTIME */
	__u32 decision;
	enum xdpfw_dir dir;
	__u8 family; /* 4, 6, or 0: no addresses could be read */
	__u8 protocol;
	bool has_ports;
	__u8 tcp_flags;
	__u8 icmp_type;
	struct xdpfw_addr from, to;
	__u16 from_port, to_port;
	__u32 length;
	char interface[IFNAMSIZ];
	struct rule_entry rule;
};

/* What to add to CLOCK_BOOTTIME, in which the data path notes times. */
__u64 event_clock_offset(void);

/* The interface's name now, or as `load` knew it, or its number. */
void event_interface(const struct store *st, __u32 ifindex, char name[IFNAMSIZ]);

bool event_has_ports(__u8 protocol);

/* "tcp", "udp", "icmp6", "gre", "251"; "-" where nothing could be read. */
#define EVENT_PROTOCOL_MAX 16
const char *event_protocol(const struct event *ev, char text[EVENT_PROTOCOL_MAX]);

/* "192.0.2.7:22", "[2001:db8::1]:22", "192.0.2.7", "-". */
#define EVENT_ENDPOINT_MAX 72
const char *event_from(const struct event *ev, char text[EVENT_ENDPOINT_MAX]);
const char *event_to(const struct event *ev, char text[EVENT_ENDPOINT_MAX]);

/* "SYN", "SYN,ACK" or, for ICMP, "type 8"; "" for others. */
#define EVENT_DETAIL_MAX 48
const char *event_detail(const struct event *ev, char text[EVENT_DETAIL_MAX]);

/* The rule as it is written; a new string, NULL if no rule decided (or without memory). */
char *event_rule_text(const struct event *ev);

/* What every event has; the caller adds what its own have. */
json_t *event_json(const struct event *ev);

#endif
