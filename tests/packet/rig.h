/* SPDX-License-Identifier: GPL-2.0-only */
/* What fixture.c, tally.c, state.c and twin.c share: the loaded programs and their maps in memory. */
#ifndef XDPFW_TESTS_PACKET_RIG_H
#define XDPFW_TESTS_PACKET_RIG_H

#include <bpf/libbpf.h>

#include "fixture.h"
#include "util.h"
#include "xdpfw.skel.h"
#include "xdpfw/log.h"

struct rig {
	struct xdpfw *skel;
	unsigned int cpus, cpu;
	struct xdpfw_control *control;
	struct xdpfw_policy_head *heads;
	struct xdpfw_port_table *ports;
	struct xdpfw_link_table *links;
	struct xdpfw_listener_table *listeners;
	struct xdpfw_forward *forwards;
	struct xdpfw_translation *translations;
	struct xdpfw_bucket *translation_tags;
	struct xdpfw_condition *conditions;
	struct xdpfw_port_counts *port_counts;
	struct xdpfw_rule_counts *rule_counts;
	struct xdpfw_tallies *tallies;
	struct xdpfw_fingerprint_table_value *fingerprints;
	struct xdpfw_socket_set *sockets;
	struct xdpfw_history *history;
	struct xdpfw_rule_logs *rule_logs;
	struct xdpfw_log_state *log_state;
	struct xdpfw_log_cpu *log_cpus;
};

extern struct rig rig;

/* Read the counters that a frame can have touched, and set them back to zero. */
void take_counters(const struct frame *sent, struct outcome *result);

/* One test run; @f becomes what comes out. Returns what the program returns. */
int run_program(const struct bpf_program *program, struct __sk_buff *skb, struct frame *f);

/* Load the twins. @configure sets what is fixed at load, as for the programs themselves. */
void open_twin(void (*configure)(struct xdpfw *skel));
void close_twin(void);

/* The decision of the twins about a frame; @f becomes what comes out. @wrote: a map that has changed, or NULL. */
__u32 ask_twin(enum hooks hooks, enum way way, const struct skb_fields *fields, struct frame *f, const char **wrote);

/* Delete every entry. */
void clear_map(const struct bpf_map *map);

#endif
