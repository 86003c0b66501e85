/* SPDX-License-Identifier: GPL-2.0-only */
/* What fixture.c, tally.c and state.c share: the loaded programs and their maps in memory. */
#ifndef XDPFW_TESTS_PACKET_RIG_H
#define XDPFW_TESTS_PACKET_RIG_H

#include <bpf/libbpf.h>

#include "fixture.h"
#include "util.h"
#include "xdpfw.skel.h"

struct rig {
	struct xdpfw *skel;
	unsigned int cpus, cpu;
	struct xdpfw_control *control;
	struct xdpfw_policy_head *heads;
	struct xdpfw_port_table *ports;
	struct xdpfw_link_table *links;
	struct xdpfw_condition *conditions;
	struct xdpfw_port_counts *port_counts;
	struct xdpfw_reason_counts *reason_counts;
	struct xdpfw_rule_counts *rule_counts;
	struct xdpfw_drop_deltas *drop_deltas;
	struct xdpfw_rule_deltas *rule_deltas;
	struct xdpfw_fingerprint_table_value *fingerprints;
	struct xdpfw_socket *sockets;
	struct xdpfw_history *history;
};

extern struct rig rig;

/* Read the counters that a frame can have touched, and set them back to zero. */
void take_counters(const struct frame *sent, struct outcome *result);

/* Delete every entry. */
void clear_map(const struct bpf_map *map);

#endif
