/* SPDX-License-Identifier: GPL-2.0-only */
/* An event of the data path with what user space can add: the rule, the process that sent the packet. */
#ifndef XDPFW_USER_LOG_EVENT_H
#define XDPFW_USER_LOG_EVENT_H

#include <sys/types.h>

#include "event.h"
#include "xdpfw/log.h"

struct log_event {
	struct event event;
	__u32 packets; /* on the wire: more than 1 for GSO */
	bool has_uid;  /* a socket of this host sent it */
	__u32 uid;
	pid_t pid; /* 0: the socket was closed before we could look, or belongs to nobody */
	char process[16];
};

/* Looks at the kernel's sockets and at /proc for what this host sends. */
struct log_event log_event_of(const struct store *st, const struct rule_table *rules, const struct xdpfw_event *raw);

json_t *log_event_json(const struct log_event *le);

/* The line for people, a new string; NULL without memory. */
char *log_event_text(const struct log_event *le);

/* What became of the packet and why, for a capture's comment; a new string. */
char *log_event_comment(const struct log_event *le);

#endif
