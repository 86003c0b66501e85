// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "datapath.h"
#include "hooks.h"
#include "mark.h"
#include "programs.h"
#include "trial.h"
#include "twin.h"
#include "util.h"

static enum hook_role in_role(const struct xdpfw_iface *r)
{
	return r->in_hook == XDPFW_IN_TC ? ROLE_IN : ROLE_XDP;
}

/* @swap: with what rewrites behind XDP, which only policies with forwards need. */
static struct flavour record_flavour(const struct xdpfw_iface *r, bool swap, unsigned int from, unsigned int window)
{
	return (struct flavour){
		.in_hook = r->in_hook,
		.filter = true,
		.swap = swap && r->in_hook != XDPFW_IN_TC,
		.xdp_tx = !r->no_tx,
		.l3 = r->l3,
		.epoch_from = from,
		.epoch_window = window,
		.trial = r->trial,
	};
}

static unsigned int epoch_now(const struct session *s)
{
	return xdpfw_control_epoch(s->store.control->word);
}

static void detach_all(const struct session *s, const struct xdpfw_iface *r)
{
	for (int role = 0; role < NR_ROLES; role++)
		hook_detach(&s->instance, role, r->ifindex);
}

/* Put the programs of @window into every hook of a loaded interface. */
static int replace_programs(struct session *s, struct programs *ps, struct xdpfw_iface *r, unsigned int from,
			    unsigned int window, struct error *e)
{
	bool swap = hook_is_attached(&s->instance, ROLE_SWAP, r->ifindex);
	struct flavour f = record_flavour(r, swap, from, window);
	struct datapath *dp;
	int err = programs_get(ps, &f, &dp, e);

	if (!err)
		err = hook_replace(&s->instance, in_role(r), r->ifindex, datapath_in(dp), e);
	if (!err)
		err = hook_replace(&s->instance, ROLE_OUT, r->ifindex, datapath_out(dp), e);
	if (!err && f.swap)
		err = hook_replace(&s->instance, ROLE_SWAP, r->ifindex, datapath_swap(dp), e);
	return err;
}

/*
 * Sweep up after commands that died: hooks of interfaces that never became live, hooks of another mode, and
 * programs of an unload that did not come to its end. Must be done before the epoch moves.
 */
static int sweep(struct session *s, struct programs *ps, struct error *e)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		struct xdpfw_iface *r = &s->store.ifaces[i];
		int err;

		if (!r->ifindex)
			continue;
		if (!iface_is_live(&s->store, r)) {
			detach_all(s, r);
			memset(r, 0, sizeof(*r));
			continue;
		}
		hook_detach(&s->instance, in_role(r) == ROLE_XDP ? ROLE_IN : ROLE_XDP, r->ifindex);
		if (r->window == XDPFW_WINDOW_OPEN)
			continue;
		err = replace_programs(s, ps, r, epoch_now(s), XDPFW_WINDOW_OPEN, e);
		if (err)
			return err;
		r->window = XDPFW_WINDOW_OPEN;
	}
	return 0;
}

static struct xdpfw_iface *vacant_record(const struct session *s)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++)
		if (!s->store.ifaces[i].ifindex)
			return &s->store.ifaces[i];
	return NULL;
}

static bool answers_get_lost(const struct plan *p)
{
	return p->in_hook == XDPFW_IN_NATIVE && strcmp(p->info.kind, "veth") == 0;
}

/* What a plan says of an interface. The record stays valid at every step. */
static void update_record(struct xdpfw_iface *r, const struct plan *p)
{
	r->in_hook = p->in_hook;
	r->l3 = p->l3;
	r->mode = p->mode;
	r->no_tx = answers_get_lost(p);
	snprintf(r->name, sizeof(r->name), "%s", p->info.name);
	snprintf(r->why, sizeof(r->why), "%.89s", p->why);
}

static void begin_record(struct xdpfw_iface *r, const struct plan *p, unsigned int epoch, __u64 deadline)
{
	memset(r, 0, sizeof(*r));
	r->out_hook = XDPFW_OUT_TCX;
	r->epoch = epoch;
	r->window = XDPFW_WINDOW_OPEN;
	r->trial = deadline;
	update_record(r, p);
	__atomic_store_n(&r->ifindex, p->info.ifindex, __ATOMIC_RELEASE); /* from here on the record counts */
}

static int attach_role(struct session *s, struct plan *p, enum hook_role role, int prog, struct error *e)
{
	enum xdpfw_out_hook out_hook = p->record->out_hook;
	struct error why = {};
	int err =
		hook_attach(&s->instance, role, p->info.ifindex, prog, p->in_hook == XDPFW_IN_GENERIC, &out_hook, &why);

	p->record->out_hook = out_hook;
	return err ? fail(e, err, "%s: %s", p->info.name, why.text) : 0;
}

/* Attach the hooks that the plan needs and the interface does not have yet, with programs that wait for @epoch. */
static int attach_plan(struct session *s, struct programs *ps, struct plan *p, unsigned int epoch, bool fresh,
		       bool swap, struct error *e)
{
	struct xdpfw_iface wanted = *p->record;
	struct flavour f;
	struct datapath *dp;
	int err;

	update_record(&wanted, p);
	f = record_flavour(&wanted, swap, epoch, XDPFW_WINDOW_OPEN);
	err = programs_get(ps, &f, &dp, e);
	if (!err && (fresh || in_role(p->record) != in_role(&wanted)))
		err = attach_role(s, p, in_role(&wanted), datapath_in(dp), e);
	if (!err && fresh)
		err = attach_role(s, p, ROLE_OUT, datapath_out(dp), e);
	if (!err && f.swap)
		err = attach_role(s, p, ROLE_SWAP, datapath_swap(dp), e);
	return err;
}

/* The driver refused: auto falls back to TC, and says so. */
static bool fall_back(struct plan *p, const struct error *why)
{
	if (p->mode != MODE_AUTO || p->in_hook != XDPFW_IN_NATIVE)
		return false;
	snprintf(p->why, sizeof(p->why), "%s: no native XDP: %.60s", p->info.driver, why->text);
	p->in_hook = XDPFW_IN_TC;
	return true;
}

static int begin_interface(struct session *s, struct programs *ps, struct plan *p, unsigned int epoch, __u64 deadline,
			   bool swap, struct error *e)
{
	struct xdpfw_iface *old = find_record(s, p->info.name);
	struct error why = {};
	bool fresh;
	int err;

	if (old && (int)old->ifindex != p->info.ifindex) { /* a husk of that name */
		detach_all(s, old);
		memset(old, 0, sizeof(*old));
		old = NULL;
	}
	fresh = !old;
	p->record = old ? old : vacant_record(s);
	if (!p->record)
		return fail(e, -ENOSPC, "more than %d interfaces", XDPFW_MAX_IFACES);
	if (fresh)
		begin_record(p->record, p, epoch, deadline);
	err = attach_plan(s, ps, p, epoch, fresh, swap, &why);
	if (err && fall_back(p, &why)) {
		if (fresh)
			begin_record(p->record, p, epoch, deadline);
		err = attach_plan(s, ps, p, epoch, fresh, swap, &why);
	}
	return err ? fail(e, err, "%s", why.text) : 0;
}

/* After the epoch has begun: new programs everywhere, hooks of a former mode away. */
static int end_load(struct session *s, struct programs *ps, struct plan *plans, size_t count, struct error *e)
{
	unsigned int epoch = epoch_now(s);

	for (size_t i = 0; i < count; i++) {
		struct xdpfw_iface *r = plans[i].record;

		update_record(r, &plans[i]);
		hook_detach(&s->instance, in_role(r) == ROLE_XDP ? ROLE_IN : ROLE_XDP, r->ifindex);
	}
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		struct xdpfw_iface *r = &s->store.ifaces[i];
		int err;

		if (!r->ifindex)
			continue;
		err = replace_programs(s, ps, r, epoch, XDPFW_WINDOW_OPEN, e);
		if (err)
			return err;
		r->epoch = epoch;
	}
	s->store.control->build = datapath_build();
	twins_forget_others(&s->instance);
	return 0;
}

/* Remove every pin of the instance, and its directory. */
static void remove_pins(const struct instance *in)
{
	DIR *dir = opendir(in->pin_dir);
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlink(instance_pin(in, entry->d_name, path));
	if (dir)
		closedir(dir);
	rmdir(in->pin_dir);
}

static int open_new_store(struct session *s, struct programs *ps, const struct plan *p, bool swap, unsigned int flows,
			  struct error *e)
{
	struct timespec now;
	struct flavour f = {
		.in_hook = p->in_hook,
		.filter = true,
		.swap = swap && p->in_hook != XDPFW_IN_TC,
		.l3 = p->l3,
		.xdp_tx = !answers_get_lost(p),
		.epoch_from = 1,
		.epoch_window = XDPFW_WINDOW_OPEN,
		.flows = flows,
	};
	struct datapath *dp;
	int err = instance_make_pin_dir(&s->instance, e);

	if (!err)
		err = programs_get(ps, &f, &dp, e); /* makes and pins the maps */
	if (!err)
		err = store_open(&s->instance, &s->store, e);
	if (err)
		return err;
	s->open = true;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!s->store.control->abi)
		s->store.control->since_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	if (!s->store.control->seed && getrandom(&s->store.control->seed, sizeof(s->store.control->seed), 0) < 0)
		return fail(e, -errno, "random numbers: %s", strerror(errno));
	s->store.control->abi = XDPFW_ABI;
	return 0;
}

static void undo_load(struct session *s, struct programs *ps)
{
	if (s->open)
		sweep(s, ps, NULL);
	if (!s->live)
		remove_pins(&s->instance);
}

bool attach_rewrites(const struct session *s)
{
	const struct xdpfw_policy_head *head = &s->store.heads[xdpfw_control_active(s->store.control->word)];

	return head->flags & (XDPFW_HAS_LINKS | XDPFW_HAS_FORWARDS);
}

int attach_load(struct session *s, struct plan *plans, size_t count, unsigned int flows, struct ruleset *set,
		struct error *e)
{
	_programs_ struct programs ps = {.instance = &s->instance};
	bool swap = ruleset_count(set, STATEMENT_FORWARD) > 0 || (s->live && attach_rewrites(s));
	__u64 deadline = 0;
	unsigned int epoch = 0;
	int err = s->open ? 0 : open_new_store(s, &ps, &plans[0], swap, flows, e);

	if (!err)
		err = sweep(s, &ps, e);
	if (!err && !s->live && s->settings.confirm) /* nothing filters: this only says what to fall back to */
		err = store_commit(&s->store, &s->now, epoch_now(s), 0, e);
	if (!err) {
		epoch = (epoch_now(s) + 1) & XDPFW_EPOCH_MASK;
		deadline = session_trial_deadline(s);
	}
	for (size_t i = 0; !err && i < count; i++)
		err = begin_interface(s, &ps, &plans[i], epoch, deadline, swap, e);
	if (!err) {
		mark_open_sockets(&s->store, set);
		err = store_commit(&s->store, set, epoch, deadline, e);
	}
	if (err) {
		undo_load(s, &ps);
		return err;
	}
	s->live = true;
	return end_load(s, &ps, plans, count, e);
}

void attach_sweep(struct session *s)
{
	_programs_ struct programs ps = {.instance = &s->instance};

	if (s->open)
		sweep(s, &ps, NULL);
	remove_pins(&s->instance);
}

int attach_settle(struct session *s, struct error *e)
{
	_programs_ struct programs ps = {.instance = &s->instance};
	int err = sweep(s, &ps, e); /* what was loaded in the trial is not live any more */

	if (err)
		return err;
	trial_settle(&s->store);
	if (!store_is_live(&s->store)) {
		store_close(&s->store);
		s->open = false;
		remove_pins(&s->instance);
	}
	return 0;
}

static bool is_among(struct xdpfw_iface **records, size_t count, const struct xdpfw_iface *r)
{
	for (size_t i = 0; i < count; i++)
		if (records[i] == r)
			return true;
	return false;
}

static bool any_left(const struct session *s, struct xdpfw_iface **records, size_t count)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++)
		if (iface_is_live(&s->store, &s->store.ifaces[i]) && !is_among(records, count, &s->store.ifaces[i]))
			return true;
	return false;
}

int attach_unload(struct session *s, struct xdpfw_iface **records, size_t count, struct ruleset *set, struct error *e)
{
	_programs_ struct programs ps = {.instance = &s->instance};
	unsigned int epoch = epoch_now(s);
	bool left = any_left(s, records, count);
	int err = sweep(s, &ps, e);

	/* Programs that filter in this epoch and no longer, then the next epoch: all hooks open at once. */
	for (size_t i = 0; !err && i < count; i++) {
		err = replace_programs(s, &ps, records[i], epoch, 1, e);
		if (!err)
			records[i]->window = (__u16)(epoch + 1 - records[i]->epoch);
	}
	if (!err)
		err = store_commit(&s->store, set, (epoch + 1) & XDPFW_EPOCH_MASK, 0, e);
	if (err) {
		sweep(s, &ps, NULL);
		return err;
	}
	for (size_t i = 0; i < count; i++) {
		detach_all(s, records[i]);
		memset(records[i], 0, sizeof(*records[i]));
	}
	if (!left)
		remove_pins(&s->instance);
	return 0;
}

int attach_swap(struct session *s, bool wanted, struct error *e)
{
	_programs_ struct programs ps = {.instance = &s->instance};

	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		struct xdpfw_iface *r = &s->store.ifaces[i];
		struct flavour f = record_flavour(r, true, epoch_now(s), XDPFW_WINDOW_OPEN);
		struct datapath *dp;
		int err;

		if (!iface_is_live(&s->store, r) || in_role(r) != ROLE_XDP || strcmp(record_state(s, r), "up") != 0)
			continue;
		if (!wanted) {
			hook_detach(&s->instance, ROLE_SWAP, r->ifindex);
			continue;
		}
		f.filter = false;
		err = programs_get(&ps, &f, &dp, e);
		if (!err)
			err = hook_attach(&s->instance, ROLE_SWAP, r->ifindex, datapath_swap(dp), false, NULL, e);
		if (err)
			return err;
	}
	return 0;
}
