/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of the data path, loaded with maps of their own, and BPF_PROG_TEST_RUN to send
 * frames through them. Nothing is pinned or attached, and nothing outlives the process.
 *
 * What a test run cannot do, so that tests/e2e covers it: frames below 14 bytes, at TC
 * IPv4 frames below 34 and IPv6 frames below 54; skbs of more than a page, non-linear
 * ones, those with a VLAN tag in their metadata or with CHECKSUM_PARTIAL; packets that leave and
 * are routed (the kernel gives every skb a fake socket, as if this host had sent it).
 */
#ifndef XDPFW_TESTS_PACKET_FIXTURE_H
#define XDPFW_TESTS_PACKET_FIXTURE_H

#include <linux/types.h>
#include <stdbool.h>

#include "frames.h"
#include "xdpfw/counters.h"
#include "xdpfw/decision.h"
#include "xdpfw/flow.h"
#include "xdpfw/forward.h"
#include "xdpfw/policy.h"

/* How an interface is loaded: which programs a packet meets. */
enum hooks {
	ON_XDP = 1 << 0, /* xdp_in and, behind it, tc_swap; tc_out */
	ON_TC = 1 << 1,  /* tc_in, tc_out */
	ON_L3 = 1 << 2,  /* tc_in_l3, tc_out_l3: no Ethernet header */
	ON_ETHERNET = ON_XDP | ON_TC,
};

#define NR_HOOKS 3
extern const enum hooks all_hooks[NR_HOOKS];

enum action { PASSED = 1, DROPPED, ANSWERED };

/* What was counted for one port. */
struct port_tally {
	enum xdpfw_dir dir;
	enum xdpfw_table table;
	enum xdpfw_flow_side side;
	__u16 port;
	struct xdpfw_count count;
};

/* What one packet brought about; everything it counted has been taken back. */
struct outcome {
	enum action action;
	struct frame frame; /* as it came out */
	__u32 mark;
	bool twin_agrees;        /* the twin, asked before, told the same */
	const char *twin_wrote;  /* a map that it changed, if it was watched */
	unsigned int nr_reasons; /* places in the reason counters: 1, or 0 for programs that are not armed */
	enum xdpfw_dir dir;
	enum xdpfw_verdict verdict;
	enum xdpfw_reason reason;
	struct xdpfw_count reason_count;
	unsigned int nr_rules;
	__u32 rule;
	struct xdpfw_count rule_count;
	unsigned int nr_ports;
	struct port_tally port;
};

/* What of an skb the sender sets; zero is the ordinary. */
struct skb_fields {
	__u32 gso_segs;
	__u32 mark;
};

struct config {
	__u16 epoch_from;
	__u16 epoch_window;
	__u64 trial;
	bool xdp_tx;
	bool xdp_generic;
};

/* Test suites name these as their .init and .fini. */
void fixture_open(void);
void fixture_open_as(const struct config *config);
void fixture_close(void);

/* Policies. Rules and forwards have the counter numbers 1, 2, ... in the order of the text; the answers of a forward
 * have its number + ANSWERS. */
#define ANSWERS 32

void set_policy(const char *text); /* slot 0, active, without a deadline */
void set_policy_in(unsigned int slot, const char *text);
void set_policy_age(unsigned int seconds); /* policies set from here on were compiled so long ago */
void set_control(__u64 word);

/* The frame as an interface of this kind shows it. */
void build_for(struct frame *f, const struct packet *p, enum hooks hooks, enum family family, enum way way);

/* Send a frame; on ON_L3 one without Ethernet header. Its budget is whole, whatever was sent before. */
void send_frame(enum hooks hooks, enum way way, const struct frame *f, const struct skb_fields *fields,
		struct outcome *result);

/* Send a frame and leave its counts where they are; and forget all counts of this CPU. */
void send_uncounted(enum hooks hooks, enum way way, const struct frame *f, struct outcome *result);
void forget_counts(void);

/* Only what stands behind XDP gets to see the frame. */
void send_behind_xdp(const struct frame *f, struct outcome *result);

/* Send a frame many times; what is counted is the sum. */
void send_often(enum hooks hooks, enum way way, const struct frame *f, int times, struct outcome *result);

/* Send a frame in a jiffy in which this CPU has done so many lookups and rejects already. False if the jiffy ended
 * meanwhile and the budget was a new one: try again, from the same state. */
bool send_on_budget(enum hooks hooks, enum way way, const struct frame *f, __u32 lookups, __u32 rejects,
		    struct outcome *result);

/*
 * From here on, the driver has summed up all of each packet that a TC program gets (CHECKSUM_COMPLETE). The program must
 * keep that sum, or the stack takes what it lets in for damaged: the kernel compares it with the frame that comes out, and the
 * test fails. Not for answers to what is rejected: they leave, where nobody reads it. False if this kernel
 * knows no such test runs (before 6.16).
 */
bool sum_up(void);

/* Is there a test run for frames of this size? */
bool can_send(enum hooks hooks, enum way way, const struct frame *f);

/* State */
void forget_state(void); /* translations, flows, guests, fragments, fingerprints, sockets, routes */
void forget_fragments(void);
void pass_time(unsigned int seconds);          /* makes flows, translations and fragments older */
void pass_fingerprint_ages(unsigned int ages); /* makes fingerprints older */
void begin_age(void);                          /* waits if the age of fingerprints is about to end by itself */
void put_flow(const struct xdpfw_flow_key *key, const struct xdpfw_flow *flow);
void get_flow(const struct xdpfw_flow_key *key, struct xdpfw_flow *flow);
size_t count_flows(void);
size_t count_guests(void);
size_t count_translations(void); /* also those whose time is over */
size_t count_fragments(void);
__u64 jiffies_now(void);

/* Moves the process to another CPU; it stays on one, so that counters are found. */
unsigned int nr_cpus(void);
void move_to_cpu(unsigned int cpu);

/* Every port counter is zero: nothing was counted that send_frame() did not see. */
bool no_port_counted(struct port_tally *stray);

/* Compare what all maps hold before and after each run of a twin, for outcome.twin_wrote. Slow. */
void watch_twin(bool on);

/* Ask the twin and nobody else about a packet that leaves and that no socket of this host sends. */
__u32 ask_about_forwarded(enum hooks hooks, const struct frame *f, struct outcome *result);

const char *hooks_name(enum hooks hooks);

#endif
