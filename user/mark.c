// SPDX-License-Identifier: GPL-2.0-only
#include "mark.h"

#include "datapath.h"
#include "evaluate.h"
#include "sockets.h"

struct marking {
	const struct store *store;
	const struct ruleset *set;
	__u64 age;
};

static void mark_socket(const struct socket_row *row, void *data)
{
	struct marking *m = data;
	__u16 port = linked_port(m->set, PROTO_TCP, row->local_port); /* fingerprints speak of the wire */
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
