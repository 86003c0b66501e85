// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The largest frame that a native XDP program without fragments can get in a page. */
#define MTU_OF_A_PAGE 3500

struct list {
	struct finding *findings;
	size_t count;
	char xdpfw[288];  /* how this instance's commands begin */
	char inside[288]; /* what leads into its network namespace */
};

static void address_instance(const struct facts *f, struct list *l)
{
	snprintf(l->xdpfw, sizeof(l->xdpfw), f->netns[0] ? "xdpfw -n %s" : "xdpfw", f->netns);
	snprintf(l->inside, sizeof(l->inside), f->netns[0] ? "nsenter --net=/run/netns/%s " : "%s", f->netns);
}

/* The next finding, and its text; the caller says what mends it. */
static struct finding *find(struct list *l, const char *id, const struct interface_facts *i, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static struct finding *find(struct list *l, const char *id, const struct interface_facts *i, const char *format, ...)
{
	struct finding *f = &l->findings[l->count < FINDINGS_MAX ? l->count++ : FINDINGS_MAX - 1];
	va_list args;

	*f = (struct finding){.id = id};
	if (i)
		snprintf(f->interface, sizeof(f->interface), "%s", i->name);
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	return f;
}

static void mend(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void mend(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->mend, sizeof(f->mend), format, args);
	va_end(args);
}

static void judge_kernel(const struct facts *f, struct list *l)
{
	if (!f->bpffs)
		mend(find(l, "bpffs", NULL, "no bpffs is mounted at /sys/fs/bpf, so nothing could outlive the command"),
		     "mount -t bpf bpf /sys/fs/bpf");
	if (!f->jit)
		mend(find(l, "jit", NULL, "the kernel interprets BPF programs; compiled they are many times as fast"),
		     "sysctl -w net.core.bpf_jit_enable=1");
}

static void judge_rules_file(const struct facts *f, struct list *l)
{
	if (f->unfinished)
		mend(find(l, "unfinished", NULL, "a change died before its rules file was in place"), "mv %s.new %s",
		     f->rules_file, f->rules_file);
	else if (!f->in_sync)
		mend(find(l, "file-edited", NULL, "%.180s says something else than what is in force", f->rules_file),
		     "%s apply %s", l->xdpfw, f->rules_file);
	if (f->file_writable)
		mend(find(l, "file-writable", NULL, "others than its owner may write to %.180s", f->rules_file),
		     "chmod 600 %s", f->rules_file);
}

static void judge_routing(const struct facts *f, struct list *l)
{
	if (f->routed_rules && !f->routes_v4 && !f->routes_v6)
		mend(find(l, "no-routing", NULL, "rules let routed requests pass, but this host routes nothing"),
		     "%ssysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1", l->inside);
	if (f->mark_rule)
		mend(find(l, "mark", NULL,
			  "an `ip rule` matches the mark 0x78646677, by which xdpfw knows its own answers"),
		     "%sip rule del fwmark 0x78646677", l->inside);
}

static bool is_loaded(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->interfaces[i].name, name) == 0 && f->interfaces[i].loaded)
			return true;
	return false;
}

/* One that is loaded, or should be. */
static void judge_protection(const struct facts *f, const struct interface_facts *i, struct list *l)
{
	if (i->gone)
		mend(find(l, "gone", i, "is gone; a new interface of that name is not filtered"), "%s unload %s",
		     l->xdpfw, i->name);
	else if (!i->loaded && i->wanted)
		mend(find(l, "not-loaded", i, "the rules file says `load %s`, but it is not filtered", i->name),
		     "%s load %s", l->xdpfw, i->name);
	else if (!i->loaded && i->default_route && !(i->master[0] && is_loaded(f, i->master)))
		mend(find(l, "unprotected", i, "the way to the rest of the world leads by it, and it is not filtered"),
		     "%s load %s", l->xdpfw, i->name);
}

/* Nothing is loaded, and nobody says what should be. */
static void judge_absence(const struct facts *f, struct list *l)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->interfaces[i].wanted || f->interfaces[i].default_route)
			return;
	if (!f->live && f->count > 0)
		mend(find(l, "not-loaded", NULL, "nothing is loaded: no interface is filtered"), "%s load %s", l->xdpfw,
		     f->interfaces[0].name);
}

static void judge_stacking(const struct facts *f, const struct interface_facts *i, struct list *l)
{
	if (!i->master[0] || is_loaded(f, i->master))
		return;
	mend(find(l, "port", i, "is a port of the %s %s: what arrives by its other ports is not filtered",
		  i->master_kind, i->master),
	     "%s unload %s && %s load %s", l->xdpfw, i->name, l->xdpfw, i->master);
}

static void judge_others(const struct interface_facts *i, struct list *l)
{
	if (i->in_detached || i->out_detached)
		mend(find(l, "detached", i, "somebody has detached xdpfw: what %s is not filtered",
			  !i->out_detached  ? "arrives"
			  : !i->in_detached ? "leaves"
					    : "arrives or leaves"),
		     "%s unload %s && %s load %s --mode %s", l->xdpfw, i->name, l->xdpfw, i->name, mode_name(i->mode));
	if (i->in_front > 0)
		mend(find(l, "in-front", i,
			  "%d TC program%s of others see%s packets first, and may let them bypass xdpfw", i->in_front,
			  i->in_front == 1 ? "" : "s", i->in_front == 1 ? "s" : ""),
		     "%s unload %s && %s load %s --mode %s", l->xdpfw, i->name, l->xdpfw, i->name, mode_name(i->mode));
	if (i->foreign_xdp[0])
		mend(find(l, "foreign-xdp", i, "another XDP program, %s, sees packets first", i->foreign_xdp),
		     "%sip link set dev %s xdp off", l->inside, i->name);
	if (i->other_build)
		mend(find(l, "other-build", i,
			  "filtered by the programs of another build of xdpfw, which `explain` and `bench` cannot ask"),
		     "%s load %s", l->xdpfw, i->name);
}

static void judge_driver(const struct facts *f, const struct interface_facts *i, struct list *l)
{
	bool xdp = i->in_hook == XDPFW_IN_NATIVE || i->in_hook == XDPFW_IN_GENERIC;
	unsigned int queues = f->cpus < i->offloads.most_queues ? f->cpus : i->offloads.most_queues;

	if (xdp && i->offloads.lro)
		mend(find(l, "lro", i, "LRO joins packets before XDP sees them"), "%sethtool -K %s lro off", l->inside,
		     i->name);
	if (xdp && i->offloads.gro_hw)
		mend(find(l, "gro-hw", i, "the hardware joins packets (GRO_HW) before XDP sees them"),
		     "%sethtool -K %s rx-gro-hw off", l->inside, i->name);
	if (!i->kind[0] && i->offloads.queues && i->offloads.queues < queues)
		mend(find(l, "queues", i, "%u receive queue%s for %u CPUs: the others have nothing to do",
			  i->offloads.queues, i->offloads.queues == 1 ? "" : "s", f->cpus),
		     "%sethtool -L %s combined %u", l->inside, i->name, queues);
	if (i->in_hook == XDPFW_IN_NATIVE && !f->xdp_frags && i->mtu > MTU_OF_A_PAGE)
		mend(find(l, "mtu", i, "an MTU of %u is more than native XDP can do in this kernel", i->mtu),
		     "%s load %s --mode tc", l->xdpfw, i->name);
}

size_t diagnose(const struct facts *f, struct finding findings[FINDINGS_MAX])
{
	struct list l = {.findings = findings};

	address_instance(f, &l);
	judge_kernel(f, &l);
	judge_absence(f, &l);
	if (f->live) {
		judge_rules_file(f, &l);
		judge_routing(f, &l);
	}
	for (size_t n = 0; n < f->count; n++) {
		const struct interface_facts *i = &f->interfaces[n];

		judge_protection(f, i, &l);
		if (!i->loaded || i->gone)
			continue;
		judge_stacking(f, i, &l);
		judge_others(i, &l);
		judge_driver(f, i, &l);
	}
	return l.count;
}
