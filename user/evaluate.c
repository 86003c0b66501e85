// SPDX-License-Identifier: GPL-2.0-only
#include "evaluate.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

#define PORT_MDNS 5353

unsigned int protocol_bit(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return PROTO_TCP;
	case IPPROTO_UDP:
		return PROTO_UDP;
	case IPPROTO_SCTP:
		return PROTO_SCTP;
	default:
		return 0;
	}
}

static bool has_expired(__u64 expires, __u64 now)
{
	return expires && now >= expires;
}

static bool is_v4(const struct xdpfw_addr *addr)
{
	return addr->halves[0] == 0 && addr->words[2] == htonl(0xffff);
}

bool prefix_contains(const struct prefix *prefix, const struct xdpfw_addr *addr)
{
	unsigned int bytes = prefix->length / 8, bits = prefix->length % 8;

	if (is_v4(addr) && prefix->length < 96) /* of IPv6, however short */
		return false;
	if (memcmp(&prefix->addr, addr, bytes) != 0)
		return false;
	return bits == 0 || (prefix->addr.bytes[bytes] ^ addr->bytes[bytes]) >> (8 - bits) == 0;
}

bool ports_contain(const struct ports *ports, __u16 port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (port >= ports->ranges[i].first && port <= ports->ranges[i].last)
			return true;
	return false;
}

static bool matches_icmp(const struct rule *rule, const struct request *r)
{
	int family = r->protocol == IPPROTO_ICMP ? 0 : 1;

	if (r->protocol != IPPROTO_ICMP && r->protocol != IPPROTO_ICMPV6)
		return false;
	return rule->icmp_families & 1U << family && (!rule->has_icmp_type || rule->icmp_type[family] == r->icmp_type);
}

static bool matches_target(const struct rule *rule, const struct request *r)
{
	switch (rule->match) {
	case MATCH_ANY:
		return true;
	case MATCH_PORTS:
		return rule->protocols & protocol_bit(r->protocol) && ports_contain(&rule->ports, r->to_port);
	case MATCH_PROTOCOL:
		return rule->protocol == r->protocol;
	case MATCH_ICMP:
		return matches_icmp(rule, r);
	}
	return false;
}

static bool set_contains(const struct ruleset *set, const char *name, const struct xdpfw_addr *addr, __u64 now)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct set_member *m = &set->statements[i].member;

		if (set->statements[i].kind == STATEMENT_SET && !has_expired(m->expires, now) &&
		    strcmp(m->name, name) == 0 && prefix_contains(&m->prefix, addr))
			return true;
	}
	return false;
}

static bool matches_address(const struct ruleset *set, const struct address_match *match, const struct xdpfw_addr *addr,
			    __u64 now)
{
	switch (match->kind) {
	case ADDRESS_ANY:
		return true;
	case ADDRESS_PREFIX:
		return prefix_contains(&match->prefix, addr);
	case ADDRESS_SET:
		return set_contains(set, match->set, addr, now);
	}
	return false;
}

static bool matches_name(const char *wanted, const char *name)
{
	return !wanted || (name && strcmp(wanted, name) == 0);
}

/* A number is one even where a user has it as a name: so it is with chown(1) and in the data path. */
static bool matches_user(const char *user, const struct request *r)
{
	const struct passwd *entry;

	if (!user || !r->has_uid)
		return !user;
	if (strspn(user, "0123456789") == strlen(user))
		return strtoul(user, NULL, 10) == r->uid;
	entry = getpwnam(user);
	return entry && entry->pw_uid == r->uid;
}

/* The cgroup itself or one below it. */
static bool matches_cgroup(const char *cgroup, const struct request *r)
{
	size_t length = cgroup ? strlen(cgroup) : 0;

	if (!cgroup || !r->cgroup)
		return !cgroup;
	return strncmp(cgroup, r->cgroup, length) == 0 && (r->cgroup[length] == '\0' || r->cgroup[length] == '/');
}

static bool rule_matches(const struct ruleset *set, const struct rule *rule, const struct request *r)
{
	return rule->dir == r->dir && !rule->disabled && !has_expired(rule->expires, r->now) &&
	       matches_target(rule, r) &&
	       (!rule->source_ports.count || ports_contain(&rule->source_ports, r->from_port)) &&
	       matches_address(set, &rule->from, &r->from, r->now) && matches_address(set, &rule->to, &r->to, r->now) &&
	       matches_name(rule->on, r->on) && matches_name(rule->on_out, r->on_out) && matches_user(rule->user, r) &&
	       matches_cgroup(rule->cgroup, r);
}

static bool range_contains(const struct port_range *range, __u16 port)
{
	return port >= range->first && port <= range->last;
}

/* For links the other port of the same pair, else @port. */
static __u16 port_behind(const struct forward *f, __u16 port)
{
	for (size_t i = 0; forward_is_link(f) && i < f->nr_ranges; i++) {
		const struct port_range *a = &f->listen[i], *b = &f->targets[0].ports[i];

		if (range_contains(a, port))
			return port - a->first + b->first;
		if (range_contains(b, port))
			return port - b->first + a->first;
	}
	return port;
}

/* A link listens on both its ends. */
static bool listens_on(const struct forward *f, __u16 port)
{
	for (size_t i = 0; i < f->nr_ranges; i++)
		if (range_contains(&f->listen[i], port))
			return true;
	return port_behind(f, port) != port;
}

static bool forward_listens(const struct forward *f, const struct request *r)
{
	bool families[2];

	forward_families(f, families);
	return r->dir == XDPFW_IN && f->protocols & protocol_bit(r->protocol) && families[!is_v4(&r->to)] &&
	       listens_on(f, r->to_port) && matches_name(f->on, r->on) && !has_expired(f->expires, r->now) &&
	       (f->from.kind == ADDRESS_ANY || prefix_contains(&f->from.prefix, &r->from)) &&
	       (!f->has_to || memcmp(&f->to, &r->to, sizeof(f->to)) == 0) &&
	       (forward_is_link(f) || !xdpfw_addr_is_group(&r->to, is_v4(&r->to)));
}

/* Its other end: for a routed request as for `in` the sender. */
static bool blocks(const struct block *block, const struct request *r)
{
	return !has_expired(block->expires, r->now) &&
	       prefix_contains(&block->prefix, r->dir == XDPFW_OUT ? &r->to : &r->from);
}

static const struct statement *find_block(const struct ruleset *set, const struct request *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_BLOCK && blocks(&set->statements[i].block, r))
			return &set->statements[i];
	return NULL;
}

static const struct statement *find_rule(const struct ruleset *set, const struct request *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_RULE && rule_matches(set, &set->statements[i].rule, r))
			return &set->statements[i];
	return NULL;
}

const struct statement *evaluate_forwards(const struct ruleset *set, const struct request *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_FORWARD && forward_listens(&set->statements[i].forward, r))
			return &set->statements[i];
	return NULL;
}

static const struct statement *find_default(const struct ruleset *set, enum xdpfw_dir dir)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_DEFAULT && set->statements[i].default_policy.dir == dir)
			return &set->statements[i];
	return NULL;
}

static bool is_ping(const struct request *r)
{
	return r->dir == XDPFW_IN && ((r->protocol == IPPROTO_ICMP && r->icmp_type == ICMP_ECHO) ||
				      (r->protocol == IPPROTO_ICMPV6 && r->icmp_type == ICMP6_ECHO_REQUEST));
}

static bool is_mdns(const struct request *r)
{
	static const __u8 v4_group[16] = {[10] = 0xff, [11] = 0xff, 224, 0, 0, 251};
	static const __u8 v6_group[16] = {0xff, 0x02, [15] = 0xfb};

	return r->dir != XDPFW_OUT && r->protocol == IPPROTO_UDP && r->to_port == PORT_MDNS &&
	       (memcmp(&r->to, v4_group, sizeof(v4_group)) == 0 || memcmp(&r->to, v6_group, sizeof(v6_group)) == 0);
}

/* Where no rule and no forward has spoken. */
static struct judgement judge_unclaimed(const struct ruleset *set, const struct request *r)
{
	if ((is_ping(r) && ruleset_option(set, OPTION_ALLOW_PING)) || is_mdns(r))
		return (struct judgement){XDPFW_PASS, XDPFW_R_COURTESY, NULL};
	if (protocol_bit(r->protocol) && r->to_port == 0)
		return (struct judgement){XDPFW_DROP, XDPFW_R_PORT_ZERO, NULL};
	return (struct judgement){ruleset_default(set, r->dir), XDPFW_R_DEFAULT, find_default(set, r->dir)};
}

struct judgement evaluate(const struct ruleset *set, const struct request *r)
{
	const struct statement *s = ruleset_panic(set);

	if (s)
		return (struct judgement){XDPFW_DROP, XDPFW_R_PANIC, s};
	s = find_block(set, r);
	if (s)
		return (struct judgement){XDPFW_DROP, XDPFW_R_BLOCKED, s};
	s = find_rule(set, r);
	if (s)
		return (struct judgement){s->rule.verdict, XDPFW_R_RULE, s};
	s = evaluate_forwards(set, r);
	if (s)
		return (struct judgement){XDPFW_PASS, XDPFW_R_FORWARD, s};
	return judge_unclaimed(set, r);
}

__u16 linked_port(const struct ruleset *set, unsigned int protocol, __u16 port)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct forward *f = &set->statements[i].forward;

		if (set->statements[i].kind != STATEMENT_FORWARD || !(f->protocols & protocol))
			continue;
		if (port_behind(f, port) != port)
			return port_behind(f, port);
	}
	return port;
}
