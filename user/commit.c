// SPDX-License-Identifier: GPL-2.0-only
/* store_commit(): from a ruleset to the generation that the data path obeys. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addresses.h"
#include "compile_log.h"
#include "datapath.h"
#include "exits.h"
#include "store.h"
#include "translations.h"
#include "trial.h"
#include "util.h"

/* Every packet that was under way with the old control word has been judged when this returns:
 * membarrier's global command is a grace period of the kernel's RCU. */
void store_wait_for_readers(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* The slot that is neither active nor the fallback of a trial. */
static unsigned int free_slot(__u64 word)
{
	unsigned int slot = 0;

	while (slot == xdpfw_control_active(word) ||
	       (xdpfw_control_deadline(word) && slot == xdpfw_control_fallback(word)))
		slot++;
	return slot;
}

/* The answers of a forward are counted apart, under an id of their own. */
static __u64 answers_id(const struct statement *s)
{
	return ~s->id;
}

static bool has_counter(const struct statement *s)
{
	return s->kind == STATEMENT_RULE || s->kind == STATEMENT_FORWARD;
}

static void zero_rule(struct store *st, __u32 counter)
{
	for (unsigned int cpu = 0; cpu < st->cpus; cpu++) {
		memset(&st->rule_counts[cpu].rules[counter], 0, sizeof(struct xdpfw_count));
		st->tallies[cpu].rules.rules[counter] = 0;
	}
	st->dead_targets->of[counter] = 0;
}

/*
 * Counter numbers live in a table of ids with open addressing, so a rule finds its counters again
 * after any change and restart of the program. Number 0 is "no rule" and stays free.
 */
static __u32 find_number(const struct store *st, __u64 id, __u32 *vacant)
{
	__u32 start = id % (XDPFW_MAX_RULES - 1);

	*vacant = 0;
	for (__u32 i = 0; i < XDPFW_MAX_RULES - 1; i++) {
		__u32 number = 1 + (start + i) % (XDPFW_MAX_RULES - 1);

		if (st->rule_ids[number] == id)
			return number;
		if (st->rule_ids[number] == 0) {
			*vacant = number;
			return 0;
		}
	}
	return 0;
}

void store_number(const struct store *st, struct ruleset *set)
{
	__u32 vacant;

	for (size_t i = 0; i < set->count; i++) {
		struct statement *s = &set->statements[i];

		if (has_counter(s))
			s->counter = find_number(st, s->id, &vacant);
		if (s->kind == STATEMENT_FORWARD)
			s->answers = find_number(st, answers_id(s), &vacant);
	}
}

/* The number that @id has, or a new one; 0 if there is none left. */
static __u32 give_number(struct store *st, __u64 id)
{
	__u32 vacant, number = find_number(st, id, &vacant);

	if (number || !vacant)
		return number;
	zero_rule(st, vacant);
	st->rule_ids[vacant] = id;
	return vacant;
}

static int give_numbers(struct store *st, struct ruleset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct statement *s = &set->statements[i];

		if (!has_counter(s))
			continue;
		s->counter = give_number(st, s->id);
		if (s->kind == STATEMENT_FORWARD)
			s->answers = give_number(st, answers_id(s));
		if (!s->counter || (s->kind == STATEMENT_FORWARD && !s->answers))
			return -ENOSPC;
	}
	return 0;
}

/* Numbers of rules that no slot can refer to any more are given back only when the table is full:
 * rebuilding it moves numbers, and the counters with them. */
static int reclaim_numbers(struct store *st, struct ruleset *set)
{
	memset(st->rule_ids, 0, XDPFW_MAX_RULES * sizeof(*st->rule_ids));
	for (unsigned int cpu = 0; cpu < st->cpus; cpu++) {
		memset(&st->rule_counts[cpu], 0, sizeof(struct xdpfw_rule_counts));
		memset(&st->tallies[cpu].rules, 0, sizeof(struct xdpfw_rule_deltas));
	}
	memset(st->dead_targets, 0, sizeof(*st->dead_targets));
	return give_numbers(st, set);
}

static void point_image(struct store *st, unsigned int slot, struct policy_image *image)
{
	image->head = &st->heads[slot];
	image->conditions = &st->conditions[slot * XDPFW_CONDITIONS];
	image->forwards = &st->forwards[xdpfw_forward_index(slot, 0)];
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < XDPFW_LISTENER_FAMILIES; family++)
			image->listeners[table][family] = &st->listeners[xdpfw_listener_index(slot, table, family)];
	for (int table = 0; table < XDPFW_TABLES; table++) {
		image->links[table] = &st->links[xdpfw_link_table_index(slot, table)];
		for (int dir = 0; dir < XDPFW_DIRS; dir++)
			image->ports[dir][table] = &st->ports[xdpfw_port_table_index(slot, dir, table)];
	}
}

/* What an earlier policy of this slot has used up is not this one's. The slot is free, so none is shut in its name
 * meanwhile; one that is shut just now for the present policy may open again, which costs that CPU one question more. */
static void open_gates(struct store *st, unsigned int slot)
{
	for (unsigned int cpu = 0; cpu < st->cpus; cpu++) {
		struct xdpfw_log_gate *gates = st->log_cpus[cpu].gates[0];

		for (int i = 0; i < XDPFW_LOG_DIRS * XDPFW_LOG_MET; i++)
			if ((gates[i].shut & XDPFW_ACTIVE_MASK) == slot)
				gates[i].shut = 0;
	}
}

static int build(struct store *st, unsigned int slot, struct ruleset *set, struct error *e)
{
	_free_ char *text = NULL;
	const struct environment env = environment_here();
	struct policy_image image;
	int err = give_numbers(st, set);

	if (err == -ENOSPC)
		err = reclaim_numbers(st, set);
	if (err)
		return fail(e, err, "too much: more than %d rules and forwards", XDPFW_MAX_RULES - 1);
	point_image(st, slot, &image);
	err = compile(set, &env, &image, e);
	if (!err)
		translations_drain(st, &image);
	if (!err)
		err = addresses_install(st->addresses, slot, &image.lines, e);
	if (!err)
		compile_log(set, &st->heads[slot], &st->rule_logs[slot]);
	open_gates(st, slot);
	lines_free(&image.lines);
	if (err)
		return err;
	text = ruleset_format(set, true);
	return text ? store_write_text(st, slot, text, e) : fail(e, -ENOMEM, "out of memory");
}

int store_commit(struct store *st, struct ruleset *set, unsigned int epoch, __u64 deadline, struct error *e)
{
	struct xdpfw_control *c = st->control;
	__u64 word = __atomic_load_n(&c->word, __ATOMIC_ACQUIRE);
	unsigned int slot = free_slot(word);
	unsigned int fallback = trial_is_running(st) ? xdpfw_control_fallback(word) : xdpfw_control_active(word);
	int err;

	/* The free slot may have been active until a command died right after its flip. */
	if (c->settled != c->generation)
		store_wait_for_readers();
	err = build(st, slot, set, e);
	if (err)
		return err;
	st->heads[slot].generation = ++c->generation;
	c->flags[slot] = st->heads[slot].flags;
	__atomic_store_n(&c->word, xdpfw_control_word(slot, fallback, epoch, deadline), __ATOMIC_RELEASE);

	store_wait_for_readers();
	c->settled = c->generation;
	if (st->heads[slot].flags & XDPFW_HAS_FORWARDS)
		exits_refresh(st);
	return 0;
}
