// SPDX-License-Identifier: GPL-2.0-only
#include "trial.h"

#include "datapath.h"

static __u64 word_of(const struct store *st)
{
	return __atomic_load_n(&st->control->word, __ATOMIC_ACQUIRE);
}

/* Jiffies as the control word holds them. */
static __u64 in_word(__u64 jiffies)
{
	return jiffies << XDPFW_DEADLINE_SHIFT >> XDPFW_DEADLINE_SHIFT;
}

bool trial_is_over(const struct store *st)
{
	return st->trial_over;
}

bool trial_is_running(const struct store *st)
{
	return xdpfw_control_deadline(word_of(st)) && !st->trial_over;
}

unsigned int trial_seconds_left(const struct store *st)
{
	__u64 deadline = xdpfw_control_deadline(word_of(st)), now = in_word(datapath_jiffies());
	unsigned int hz = datapath_hz();

	return trial_is_running(st) && deadline > now ? (deadline - now + hz - 1) / hz : 0;
}

unsigned int trial_slot(const struct store *st)
{
	__u64 word = word_of(st);

	return st->trial_over ? xdpfw_control_fallback(word) : xdpfw_control_active(word);
}

__u64 trial_deadline(const struct store *st, unsigned int seconds)
{
	if (trial_is_running(st))
		return xdpfw_control_deadline(word_of(st));
	return seconds ? in_word(datapath_jiffies() + (__u64)seconds * datapath_hz()) : 0;
}

unsigned int store_generation(const struct store *st)
{
	return st->heads[trial_slot(st)].generation;
}

/* A slot has ceased to be used without a grace period: the next commit waits for one before it builds. */
static void flip(struct store *st, unsigned int active, unsigned int fallback, __u64 deadline)
{
	st->control->settled = st->control->generation - 1;
	__atomic_store_n(&st->control->word,
			 xdpfw_control_word(active, fallback, xdpfw_control_epoch(word_of(st)), deadline),
			 __ATOMIC_RELEASE);
}

void trial_confirm(struct store *st)
{
	flip(st, xdpfw_control_active(word_of(st)), 0, 0);
}

void trial_roll_back(struct store *st)
{
	unsigned int slot = xdpfw_control_fallback(word_of(st));

	flip(st, slot, slot, xdpfw_control_deadline(word_of(st)));
	st->trial_over = true;
}

void trial_settle(struct store *st)
{
	flip(st, xdpfw_control_fallback(word_of(st)), 0, 0);
	st->trial_over = false;
}
