/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * own_port: does this host itself use a port, so that an answer to it would be its own? Asked once for each new connection
 * of a forward, of the port that it might be given.
 *
 * A socket counts whomever it talks to: one that is bound to the port may send to the target next. A program that is gone, and
 * what this host routes for and another NAT has put on the port, have no socket but a flow.
 */
#ifndef XDPFW_BPF_OWN_PORT_H
#define XDPFW_BPF_OWN_PORT_H

#include "common.h"
#include "fingerprint.h"
#include "flow.h"
#include "socket.h"

/* (A program that steers packets to sockets, sk_lookup, may lead any port to one that is bound to another.) */
static __always_inline bool is_bound_to(struct bpf_sock *sk, __u16 port)
{
	bool bound;

	if (!sk)
		return false;
	bound = sk->src_port == port;
	bpf_sk_release(sk);
	return bound;
}

/* The type of what a lookup finds depends on the lookup: so each has a function of its own. @ports: the local one in the upper
 * half, the remote one in the lower, in one register, since a function has no more than five arguments. */
static __noinline bool has_tcp_socket(void *ctx, const struct pkt *p, const struct xdpfw_addr *local,
				      const struct xdpfw_addr *remote, __u32 ports)
{
	return is_bound_to(look_up_tcp(ctx, p->family, remote, ports & 0xffff, local, ports >> 16), ports >> 16);
}

static __noinline bool has_udp_socket(void *ctx, const struct pkt *p, const struct xdpfw_addr *local,
				      const struct xdpfw_addr *remote, __u32 ports)
{
	return is_bound_to(look_up_udp(ctx, p->family, remote, ports & 0xffff, local, ports >> 16), ports >> 16);
}

static __noinline bool has_flow_between(const struct pkt *p, const struct xdpfw_addr *local,
					const struct xdpfw_addr *remote, __u32 ports)
{
	struct xdpfw_flow_key key = {
		.local = *local,
		.remote = *remote,
		.local_port = ports >> 16,
		.remote_port = ports & 0xffff,
		.protocol = p->protocol,
	};

	if (!has_marks(fingerprint_table(p->protocol), key.local_port, fingerprint_age()))
		return false;
	return find_flow_here(&flows, p, &key) != NULL;
}

/* @p tells family and protocol; its ends are others'. */
static __always_inline bool is_own_port(void *ctx, const struct pkt *p, const struct xdpfw_addr *local,
					const struct xdpfw_addr *remote, __u32 ports)
{
	if (has_flow_between(p, local, remote, ports))
		return true;
	if (p->protocol == IPPROTO_TCP)
		return has_tcp_socket(ctx, p, local, remote, ports);
	return p->protocol == IPPROTO_UDP && has_udp_socket(ctx, p, local, remote, ports);
}

#endif
