/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trials: changes that undo themselves unless they are confirmed (`--confirm SECONDS`).
 *
 * The control word holds the deadline and the slot to fall back to, so the data path itself goes back, whatever has
 * become of user space. A trial that is over leaves that word as it is; the next command that writes *settles* it:
 * the fallback becomes the active slot, and what was loaded in the trial is detached.
 *
 * While a trial runs the rules file holds the policy from before; `confirm` writes it.
 */
#ifndef XDPFW_USER_TRIAL_H
#define XDPFW_USER_TRIAL_H

#include <linux/types.h>
#include <stdbool.h>

#include "store.h"

/* How long a trial may be: a day. */
#define TRIAL_MAX_SECONDS 86400

bool trial_is_running(const struct store *st);
unsigned int trial_seconds_left(const struct store *st); /* rounded up; 0 if none is running */

/* Is there a trial that is over and not settled? Looked at once, when the store was opened. */
bool trial_is_over(const struct store *st);

/* The slot that the data path judges by. */
unsigned int trial_slot(const struct store *st);

/* The deadline that a change made now has: of the trial that is running, else one in @seconds; 0 without either. */
__u64 trial_deadline(const struct store *st, unsigned int seconds);

/* Each is one store of the control word: keep the change; go back (which is then to be settled); settle. */
void trial_confirm(struct store *st);
void trial_roll_back(struct store *st);
void trial_settle(struct store *st);

#endif
