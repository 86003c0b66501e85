// SPDX-License-Identifier: GPL-2.0-only
#include "mark.h"

#include "datapath.h"
#include "sockets.h"

struct marking {
	const struct store *store;
	const struct ruleset *set;
	__u64 age;
};

/* The port that the other side knows: the fingerprints speak of the wire. */
static __u16 wire_port(const struct ruleset *set, __u16 port)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct forward *f = &set->statements[i].forward;

		if (set->statements[i].kind != STATEMENT_FORWARD || (f->protocols && !(f->protocols & PROTO_TCP)))
			continue;
		if (port == f->listen || port == f->target)
			return port ^ f->listen ^ f->target;
	}
	return port;
}

static void mark_socket(const struct socket_row *row, void *data)
{
	struct marking *m = data;
	__u16 port = wire_port(m->set, row->local_port);
	__u64 *word = &m->store->fingerprints[XDPFW_FP_TCP].ports[port].words[m->age & 1];
	__u64 old = __atomic_load_n(word, __ATOMIC_RELAXED), new;

	do {
		new = xdpfw_fingerprint_set(old, m->age, xdpfw_fingerprint_bit(&row->remote, row->remote_port));
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	m->store->marked_ages[XDPFW_FP_TCP].ports[port] = xdpfw_age_byte(m->age);
}

void mark_open_sockets(const struct store *st, const struct ruleset *set)
{
	struct marking m = {.store = st, .set = set, .age = datapath_age()};

	sockets_each(mark_socket, &m);
}
