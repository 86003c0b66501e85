/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections as the firewall sees them: this host's TCP sockets, and the flow tables for
 * what has no socket.
 */
#ifndef XDPFW_USER_FLOWS_H
#define XDPFW_USER_FLOWS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "parse.h"
#include "store.h"

enum flow_origin {
	ORIGIN_SOCKET, /* a TCP socket of this host */
	ORIGIN_FLOW,   /* began here, or in what this host routes for */
	ORIGIN_GUEST,  /* began outside, kept because the outbound policy denies its answers */
};

struct flow_row {
	enum flow_origin origin;
	__u8 protocol; /* IPPROTO_* */
	const char *state;
	struct xdpfw_addr local;
	struct xdpfw_addr remote;
	__u16 local_port; /* on the wire, but for sockets; of ICMP echo the identifier */
	__u16 remote_port;
	long age_s;                    /* -1: not known */
	long idle_s;                   /* -1: not known */
	long long bytes_in, bytes_out; /* -1: not known */
};

/* Which rows are meant; what is not given matches all. */
struct flow_filter {
	bool has_port, has_peer;
	__u16 port;         /* on either side */
	struct prefix peer; /* on either side */
	const char *state;
	__u8 protocol; /* 0: any */
};

struct flow_list {
	struct flow_row *rows;
	size_t count, room;
};

int flows_read(const struct store *st, const struct flow_filter *filter, struct flow_list *list, struct error *e);
void flows_free(struct flow_list *list);

/*
 * Cut what @list holds: sockets are destroyed, entries deleted, and what the data path remembers of
 * confirmed sockets is forgotten. Returns how many, or a negative errno.
 */
int flows_kill(const struct store *st, const struct flow_list *list, struct error *e);

#endif
