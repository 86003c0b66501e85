/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attaching and detaching whole interfaces, all hooks at once or none.
 *
 * New hooks get programs that begin to filter with the next epoch; one store of the control word
 * (in store_commit()) then begins that epoch together with the new policy. Killed before
 * it, nothing filters that did not; killed after it, everything does. What a dead command has
 * left behind is swept up by the next one.
 */
#ifndef XDPFW_USER_ATTACH_H
#define XDPFW_USER_ATTACH_H

#include "error.h"
#include "iface.h"
#include "interfaces.h"
#include "ruleset.h"
#include "session.h"

/* How one interface will be loaded. */
struct plan {
	struct iface_info info;
	enum load_mode mode;
	enum xdpfw_in_hook in_hook;
	bool l3;
	struct xdpfw_iface *record;
	char why[100];
};

/* Choose the hooks of an interface, or say why it cannot be loaded. Touches nothing. */
int plan_interface(const struct session *s, const char *name, enum load_mode mode, struct plan *plan, struct error *e);

/* Load @plans and put @set in force. Makes the maps if there are none yet, with room for @flows flows (0: by memory);
 * everything is undone on failure. With --confirm it is a trial: what is loaded anew is let go when that is over. */
int attach_load(struct session *s, struct plan *plans, size_t count, unsigned int flows, struct ruleset *set,
		struct error *e);

/* Detach the interfaces of these records; with the last one, everything pinned goes. @set is the policy that stays. */
int attach_unload(struct session *s, struct xdpfw_iface **records, size_t count, struct ruleset *set, struct error *e);

/* A trial is over: detach what was loaded in it, and make its fallback the active policy. */
int attach_settle(struct session *s, struct error *e);

/* Nothing filters: remove what dead commands have left, pins and all. */
void attach_sweep(struct session *s);

/* Does the policy in force rewrite anything? Also connections of forwards that are gone live on. */
bool attach_rewrites(const struct session *s);

/* Rewriting behind XDP: attach it to every interface that needs it, or take it away. */
int attach_swap(struct session *s, bool wanted, struct error *e);

#endif
