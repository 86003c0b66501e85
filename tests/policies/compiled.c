// SPDX-License-Identifier: GPL-2.0-only
#include "compiled.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "look_up.h"

/* The host */

static __u32 find_iface(const char *name)
{
	return strncmp(name, "eth", 3) == 0 ? 2 + atoi(name + 3) : 0;
}

static int find_user(const char *name, __u32 *uid)
{
	*uid = atoi(name);
	return *uid ? 0 : -ENOENT;
}

/* Of @length bytes of a path: 64-bit FNV-1a. */
static __u64 cgroup_id(const char *path, size_t length)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (__u8)path[i]) * 0x100000001b3ULL;
	return hash;
}

static int find_cgroup(const char *path, __u64 *id, __u32 *level)
{
	if (strncmp(path, "gone.slice", 10) == 0)
		return -ENOENT;
	*id = cgroup_id(path, strlen(path));
	*level = 1;
	for (const char *at = path; *at; at++)
		*level += *at == '/';
	return 0;
}

/* Ours toward a host: some have no way there. */
static int find_source(const struct xdpfw_addr *to, struct xdpfw_addr *source)
{
	if (to->bytes[15] % 4 == 0)
		return -ENETUNREACH;
	*source = *to;
	source->bytes[14] ^= 0x80;
	return 0;
}

const struct environment compiled_host = {
	.hz = COMPILED_HZ,
	.jiffies = COMPILED_JIFFIES,
	.now = COMPILED_NOW,
	.find_iface = find_iface,
	.find_user = find_user,
	.find_cgroup = find_cgroup,
	.find_source = find_source,
};

/* Compiling */

static void number_statements(struct ruleset *set)
{
	__u32 counter = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_RULE || s->kind == STATEMENT_FORWARD)
			s->counter = ++counter;
		if (s->kind == STATEMENT_FORWARD)
			s->answers = ++counter;
	}
}

int compile_into(struct compiled *c, struct ruleset *set, struct error *e)
{
	struct policy_image image = {.head = &c->head, .forwards = c->forwards, .conditions = c->conditions};
	int err;

	number_statements(set);
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < XDPFW_LISTENER_FAMILIES; family++)
			image.listeners[table][family] = &c->listeners[table][family];
	for (int table = 0; table < XDPFW_TABLES; table++) {
		image.links[table] = &c->links[table];
		for (int dir = 0; dir < XDPFW_DIRS; dir++)
			image.ports[dir][table] = &c->ports[dir][table];
	}
	lines_free(&c->lines);
	err = compile(set, &compiled_host, &image, e);
	c->lines = image.lines;
	return err;
}

/* Addresses */

static __u32 address_value(const struct compiled *c, __u32 table, const struct xdpfw_addr *addr)
{
	return look_up(&c->lines, &c->head.roots[xdpfw_root(table, 0)], addr, NULL);
}

bool in_prefix(const struct xdpfw_addr *addr, const struct xdpfw_addr *prefix, int length)
{
	for (int bit = 0; bit < length; bit++)
		if ((addr->bytes[bit / 8] ^ prefix->bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return !is_v4(addr) || length >= 96;
}

/* Conditions */

__u32 compiled_time(const struct request *r)
{
	return (COMPILED_JIFFIES + (r->now - COMPILED_NOW) * COMPILED_HZ) >> XDPFW_EXPIRY_SHIFT;
}

/* The id of the cgroup @level steps below the root, on the way to the request's; 0 if it is not that deep. */
static __u64 ancestor_id(const char *path, __u32 level)
{
	size_t length = 0;

	for (; path && level; level--) {
		length += path[length] == '/';
		if (!path[length])
			return 0;
		length += strcspn(path + length, "/");
	}
	return path ? cgroup_id(path, length) : 0;
}

static bool holds(const struct xdpfw_condition *c, const struct request *r, bool over_limit)
{
	switch (c->question) {
	case XDPFW_ASK_SOURCE:
		return in_prefix(&r->from, &c->addr, c->length);
	case XDPFW_ASK_DESTINATION:
		return in_prefix(&r->to, &c->addr, c->length);
	case XDPFW_ASK_SOURCE_PORT:
		return r->from_port >= c->ports.first && r->from_port <= c->ports.last;
	case XDPFW_ASK_IFACE:
		return r->on && find_iface(r->on) == c->value;
	case XDPFW_ASK_ROUTED_TO:
		return r->on_out && find_iface(r->on_out) == c->value;
	case XDPFW_ASK_USER:
		return r->has_uid && r->uid == c->value;
	case XDPFW_ASK_CGROUP:
		return ancestor_id(r->cgroup, c->cgroup.level) == c->cgroup.id;
	case XDPFW_ASK_TIME:
		return compiled_time(r) < c->expiry;
	case XDPFW_ASK_LIMIT:
		return !over_limit;
	}
	assert(!"a question that there is none of");
	return false;
}

static __u32 cell_of_class(const struct compiled *c, const struct xdpfw_condition *condition, __u32 class)
{
	__u32 row = condition->value + class;

	if (class < XDPFW_FIRST_CELLS)
		return condition->first[class];
	return line_at(&c->lines, row / XDPFW_LINE_CELLS)->cells[row % XDPFW_LINE_CELLS];
}

static __u32 ask(const struct compiled *c, __u32 cell, const struct request *r, bool over_limit)
{
	const struct xdpfw_condition *condition = &c->conditions[cell];

	assert(cell < XDPFW_CONDITIONS);
	switch (condition->question) {
	case XDPFW_ASK_SOURCE_CLASS:
		return cell_of_class(c, condition, address_value(c, XDPFW_CLASSES, &r->from));
	case XDPFW_ASK_DESTINATION_CLASS:
		return cell_of_class(c, condition, address_value(c, XDPFW_CLASSES, &r->to));
	default:
		return holds(condition, r, over_limit) ? condition->yes : condition->no;
	}
}

static __u32 walk(const struct compiled *c, __u32 cell, const struct request *r, bool over_limit)
{
	for (int i = 0; i < XDPFW_DEEPEST_CONDITION && !xdpfw_verdict_of(cell); i++)
		cell = ask(c, cell, r, over_limit);
	assert(xdpfw_verdict_of(cell)); /* else a packet could be asked too many questions */
	return cell;
}

/* The whole */

static __u32 first_cell(const struct compiled *c, enum xdpfw_dir dir, const struct request *r)
{
	switch (r->protocol) {
	case IPPROTO_TCP:
		return c->ports[dir][XDPFW_TCP].cells[r->to_port];
	case IPPROTO_UDP:
		return c->ports[dir][XDPFW_UDP].cells[r->to_port];
	case IPPROTO_SCTP:
		return c->ports[dir][XDPFW_SCTP].cells[r->to_port];
	case IPPROTO_ICMP:
		return c->head.icmp_types[dir][0][r->icmp_type];
	case IPPROTO_ICMPV6:
		return c->head.icmp_types[dir][1][r->icmp_type];
	default:
		return c->head.protocols[dir][r->protocol];
	}
}

/* Whatever arrives meets the cell for `in` first; only where that is marked does the data path ask whether it is routed. */
static __u32 cell_of(const struct compiled *c, const struct request *r)
{
	__u32 cell;

	if (r->dir == XDPFW_OUT)
		return first_cell(c, XDPFW_OUT, r);
	cell = first_cell(c, XDPFW_IN, r);
	if (r->dir == XDPFW_ROUTED && cell & XDPFW_ASK_ROUTED)
		return first_cell(c, XDPFW_ROUTED, r);
	return cell & ~XDPFW_ASK_ROUTED;
}

bool compiled_blocks(const struct compiled *c, const struct request *r, const struct xdpfw_addr *addr)
{
	return c->head.flags & XDPFW_HAS_BLOCKS && compiled_time(r) < address_value(c, XDPFW_BLOCKED, addr);
}

__u32 compiled_decision(const struct compiled *c, const struct request *r, bool over_limit)
{
	if (compiled_blocks(c, r, r->dir == XDPFW_OUT ? &r->to : &r->from))
		return xdpfw_decision(XDPFW_DROP, XDPFW_R_BLOCKED, 0);
	return walk(c, cell_of(c, r), r, over_limit);
}
