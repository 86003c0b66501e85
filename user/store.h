/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: the pinned maps of a loaded instance, mapped into memory.
 */
#ifndef XDPFW_USER_STORE_H
#define XDPFW_USER_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "compile.h"
#include "error.h"
#include "instance.h"
#include "ruleset.h"
#include "xdpfw/counters.h"
#include "xdpfw/flow.h"
#include "xdpfw/forward.h"
#include "xdpfw/log.h"
#include "xdpfw/policy.h"

struct mapping {
	void *memory;
	size_t size;
};

struct store {
	const struct instance *instance;
	unsigned int cpus; /* possible ones: how many elements a per-CPU array has */
	struct xdpfw_control *control;
	struct xdpfw_policy_head *heads;
	struct xdpfw_port_table *ports;
	struct xdpfw_link_table *links;
	struct xdpfw_condition *conditions;
	struct xdpfw_listener_table *listeners;
	struct xdpfw_forward *forwards;
	struct xdpfw_dead_targets *dead_targets;
	struct xdpfw_translation *translations;
	const struct xdpfw_ends *translation_ends;
	__u64 *rule_ids;
	struct xdpfw_iface *ifaces;
	/* Counters, for reading; pages that nothing was counted in cost nothing. */
	const struct xdpfw_port_counts *port_counts;
	struct xdpfw_rule_counts *rule_counts;
	struct xdpfw_tallies *tallies;
	struct xdpfw_fingerprint_table_value *fingerprints;
	struct xdpfw_marked_ages *marked_ages;
	struct xdpfw_socket_set *sockets; /* what the data path remembers of confirmed connections */
	int addresses;                    /* file descriptor of the map of maps */
	bool trial_over;                  /* see trial.h */

	struct xdpfw_rule_logs *rule_logs;
	struct xdpfw_log_cpu *log_cpus;
	struct mapping mappings[24];
	size_t mapped;
};

/*
 * Open the pinned maps. -ENOTCONN if there are none, -EPROTO if a program with another layout made
 * them. Does not say that anything is attached: see store_is_live().
 */
int store_open(const struct instance *in, struct store *st, struct error *e);
void store_close(struct store *st);

/* Map another pinned array, for as long as the store is open; @element is the size we compiled its element with. */
int store_map(struct store *st, const char *name, size_t element, bool write, void *result, struct error *e);

/* A loaded interface that filters. */
bool iface_is_live(const struct store *st, const struct xdpfw_iface *iface);
bool store_is_live(const struct store *st);

/* The text of the ruleset in a slot; a new string, NULL if there is none. */
char *store_read_text(const struct store *st, unsigned int slot);
int store_write_text(const struct store *st, unsigned int slot, const char *text, struct error *e);

/*
 * Build @set in the free slot and make it the active one. Gives the statements their counter
 * numbers. @epoch is the epoch from then on (the present one, but for load and unload). @deadline
 * is trial_deadline()'s: a trial begins whose fallback is what was active, or the one that is running goes on.
 * Either all of it happens or nothing is visible.
 */
int store_commit(struct store *st, struct ruleset *set, unsigned int epoch, __u64 deadline, struct error *e);

/* Return when no packet is under way any more that has read the store before. */
void store_wait_for_readers(void);

/* Give the statements of a live ruleset the counter numbers that they have in the store. */
void store_number(const struct store *st, struct ruleset *set);

/* The generation that is in force. */
unsigned int store_generation(const struct store *st);

/* A count that has a delta beside it; see counters.h. */
struct xdpfw_count store_total(const struct xdpfw_count *count, const __u16 *delta);

/* Sums over CPUs. */
struct xdpfw_count store_rule_count(const struct store *st, __u32 counter);
struct xdpfw_count store_reason_count(const struct store *st, enum xdpfw_dir dir, enum xdpfw_verdict verdict,
				      enum xdpfw_reason reason);

#endif
