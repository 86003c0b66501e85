// SPDX-License-Identifier: GPL-2.0-only
#include "compile_forward.h"

#include <errno.h>
#include <string.h>

#include "forward.h"
#include "parse_addr.h"
#include "util.h"

static const unsigned int table_protocols[XDPFW_TABLES] = {
	[XDPFW_TCP] = PROTO_TCP,
	[XDPFW_UDP] = PROTO_UDP,
	[XDPFW_SCTP] = PROTO_SCTP,
};

static void link_range(const struct port_range *listen, const struct port_range *target, struct xdpfw_link_table *links)
{
	for (unsigned int i = 0; i < range_length(listen); i++) {
		__u16 a = listen->first + i, b = target->first + i;

		links->delta[a] = links->delta[b] = a ^ b;
	}
}

static void compile_link(const struct forward *f, struct policy_image *image)
{
	for (int table = 0; table < XDPFW_TABLES; table++)
		for (size_t i = 0; f->protocols & table_protocols[table] && i < f->nr_ranges; i++)
			link_range(&f->listen[i], &f->targets[0].ports[i], image->links[table]);
}

/* Of what names a target; one more round than FNV, so that each bit matters to each. */
static __u64 target_hash(const struct forward_target *target, __u16 port)
{
	__u64 hash = hash_more(HASH_BEGIN ^ port, target->addr.bytes, sizeof(target->addr.bytes));

	return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
}

static void fill_targets(const struct forward *f, size_t range, const struct environment *env,
			 struct xdpfw_forward *out)
{
	out->nr_targets = f->nr_targets;
	for (size_t i = 0; i < f->nr_targets; i++) {
		const struct forward_target *from = &f->targets[i];
		struct xdpfw_forward_target *to = &out->targets[i];

		to->addr = from->addr;
		to->port = from->ports[range].first;
		to->hash = target_hash(from, to->port);
		if (from->remote && !f->keep_source)
			env->find_source(&from->addr, &to->source); /* unspecified if there is no way there yet */
	}
}

static void fill_forward(const struct statement *s, size_t range, const struct environment *env,
			 struct xdpfw_forward *out)
{
	const struct forward *f = &s->forward;
	__u32 ifindex = f->on ? env->find_iface(f->on) : 0;

	*out = (struct xdpfw_forward){
		.counter = s->counter,
		.answers = s->answers,
		.ifindex = f->on && !ifindex ? ~0U : ifindex, /* an interface that is not there yet: nobody's */
		.expiry = environment_expiry(env, f->expires),
		.listen = f->listen[range].first,
	};
	if (!forward_is_remote(f))
		out->flags |= XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_KEEP_SOURCE;
	if (f->keep_source)
		out->flags |= XDPFW_FORWARD_KEEP_SOURCE;
	if (f->has_to) {
		out->flags |= XDPFW_FORWARD_TO;
		out->to = f->to;
	}
	if (f->from.kind == ADDRESS_PREFIX) {
		out->from = f->from.prefix.addr;
		out->from_length = f->from.prefix.length;
	}
	fill_targets(f, range, env, out);
}

static void listen_on(const struct forward *f, const struct port_range *range, __u16 number, struct policy_image *image)
{
	bool families[2];

	forward_families(f, families);
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < 2; family++)
			for (unsigned int port = range->first; port <= range->last; port++)
				if (f->protocols & table_protocols[table] && families[family])
					image->listeners[table][family]->ports[port] |= number;
}

/* The targets of a forward with keep-source see the client, also where it asks them directly by way of this host. */
void mark_targeted_elsewhere(struct xdpfw_listener_table *table, const struct xdpfw_addr *address, __u16 port)
{
	__u32 bit = xdpfw_address_bit(address);

	table->ports[port] |= XDPFW_TARGETED_ELSEWHERE;
	table->elsewhere[bit / 64] |= 1ULL << bit % 64;
}

static void mark_targets(const struct forward *f, size_t range, struct policy_image *image)
{
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (size_t i = 0; f->protocols & table_protocols[table] && i < f->nr_targets; i++) {
			const struct forward_target *target = &f->targets[i];
			bool is_v6 = !addr_is_ipv4(&target->addr);

			for (unsigned int port = target->ports[range].first; port <= target->ports[range].last; port++)
				mark_targeted_elsewhere(image->listeners[table][is_v6], &target->addr, port);
		}
}

static int compile_stateful(const struct statement *s, const struct environment *env, __u16 *number,
			    struct policy_image *image, struct error *e)
{
	const struct forward *f = &s->forward;

	for (size_t i = 0; i < f->nr_ranges; i++) {
		if (*number == XDPFW_FORWARDS)
			return fail(e, -E2BIG, "too much: more than %d ranges of forwarded ports", XDPFW_FORWARDS - 1);
		fill_forward(s, i, env, &image->forwards[*number]);
		listen_on(f, &f->listen[i], *number, image);
		for (size_t j = 0; !forward_is_remote(f) && j < f->nr_targets; j++)
			listen_on(f, &f->targets[j].ports[i], XDPFW_TARGETED | *number, image);
		if (f->keep_source)
			mark_targets(f, i, image);
		(*number)++;
	}
	return 0;
}

int compile_forwards(const struct ruleset *set, const struct environment *env, struct policy_image *image,
		     struct error *e)
{
	__u16 number = 1;
	int err = 0;

	for (int table = 0; table < XDPFW_TABLES; table++)
		memset(image->links[table], 0, sizeof(*image->links[table]));
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < 2; family++)
			memset(image->listeners[table][family], 0, sizeof(*image->listeners[table][family]));
	for (size_t i = 0; !err && i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_FORWARD)
			continue;
		if (forward_is_link(&s->forward))
			compile_link(&s->forward, image);
		else
			err = compile_stateful(s, env, &number, image, e);
	}
	return err;
}
