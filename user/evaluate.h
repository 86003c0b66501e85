/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a ruleset says of one request: the rules read from the first to the last, as a person would.
 *
 * The compiler (compile.h) answers the same question for all requests at once; this one also says which
 * statement it was, and works on a ruleset that is not loaded. State is left out: replies of what was allowed, and
 * what the network itself needs, are the data path's own (bpf/judge.h).
 */
#ifndef XDPFW_USER_EVALUATE_H
#define XDPFW_USER_EVALUATE_H

#include <linux/types.h>
#include <stdbool.h>

#include "ruleset.h"
#include "xdpfw/addr.h"
#include "xdpfw/decision.h"

struct request {
	enum xdpfw_dir dir;
	__u8 protocol;              /* IPPROTO_* */
	struct xdpfw_addr from, to; /* sender and destination; IPv4 as v4-mapped */
	__u16 from_port, to_port;   /* on the wire, host byte order; of protocols with ports */
	__u8 icmp_type;             /* of ICMP and ICMPv6 */
	const char *on; /* interface of arrival, for out of leaving; NULL: not known, as of no rule that names one */
	const char *on_out; /* routed: of leaving */
	bool has_uid;       /* out: who asks is known */
	__u32 uid;
	const char *cgroup; /* out: path below the cgroup root; NULL: not known */
	__u64 now;          /* unix seconds, for what expires */
};

struct judgement {
	enum xdpfw_verdict verdict;
	enum xdpfw_reason reason;
	const struct statement *statement; /* that decided; NULL if none did, as for a default that nobody wrote */
};

struct judgement evaluate(const struct ruleset *set, const struct request *r);

/* The forward that takes the request if no rule denies it; NULL: none. */
const struct statement *evaluate_forwards(const struct ruleset *set, const struct request *r);

/* Is @addr within @prefix? 0.0.0.0/0 is all of IPv4, ::/0 all of IPv6. */
bool prefix_contains(const struct prefix *prefix, const struct xdpfw_addr *addr);

/*
 * The port behind @port of this host, for a protocol of enum protocols: where a request to it arrives, and as which
 * an answer from it leaves. @port itself where no forward links it.
 */
__u16 linked_port(const struct ruleset *set, unsigned int protocol, __u16 port);

bool ports_contain(const struct ports *ports, __u16 port);

/* Among enum protocols; 0 for a protocol without ports. */
unsigned int protocol_bit(__u8 protocol);

#endif
