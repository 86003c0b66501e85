// SPDX-License-Identifier: GPL-2.0-only
#include "forward.h"

#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "util.h"

void forward_free(struct forward *f)
{
	for (size_t i = 0; f->targets && i < f->nr_targets; i++)
		free(f->targets[i].ports);
	free(f->targets);
	free(f->listen);
	free(f->on);
	free(f->comment);
	*f = (struct forward){0};
}

static struct port_range *copy_ranges(const struct port_range *ranges, size_t count)
{
	struct port_range *copy = calloc(count, sizeof(*copy));

	if (copy)
		memcpy(copy, ranges, count * sizeof(*copy));
	return copy;
}

static bool copy_targets(const struct forward *from, struct forward *to)
{
	to->targets = calloc(from->nr_targets, sizeof(*to->targets));
	for (size_t i = 0; to->targets && i < from->nr_targets; i++) {
		to->targets[i] = from->targets[i];
		to->targets[i].ports = copy_ranges(from->targets[i].ports, from->nr_ranges);
		if (!to->targets[i].ports)
			return false;
	}
	return to->targets;
}

int forward_copy(const struct forward *from, struct forward *to)
{
	struct forward copy = *from;

	copy.targets = NULL;
	copy.listen = copy_ranges(from->listen, from->nr_ranges);
	copy.on = from->on ? strdup(from->on) : NULL;
	copy.comment = from->comment ? strdup(from->comment) : NULL;
	if (!copy_targets(from, &copy) || !copy.listen || (from->on && !copy.on) || (from->comment && !copy.comment)) {
		forward_free(&copy);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

bool forward_same_value(const struct forward *a, const struct forward *b)
{
	bool same = a->comment && b->comment ? !strcmp(a->comment, b->comment) : a->comment == b->comment;

	return same && a->expires == b->expires;
}

bool forward_is_link(const struct forward *f)
{
	return !f->one_way;
}

bool forward_is_remote(const struct forward *f)
{
	return f->targets[0].remote;
}

static bool may_be_family(const struct xdpfw_addr *addr, int family)
{
	return addr_is_ipv4(addr) == (family == 0);
}

void forward_families(const struct forward *f, bool families[2])
{
	for (int family = 0; family < 2; family++)
		families[family] = (!forward_is_remote(f) || may_be_family(&f->targets[0].addr, family)) &&
				   (!f->has_to || may_be_family(&f->to, family)) &&
				   (f->from.kind == ADDRESS_ANY || may_be_family(&f->from.prefix.addr, family));
}

static bool is_in(const struct port_range *range, __u16 port)
{
	return port >= range->first && port <= range->last;
}

bool forward_listens_on(const struct forward *f, __u16 port)
{
	for (size_t i = 0; i < f->nr_ranges; i++)
		if (is_in(&f->listen[i], port) || (forward_is_link(f) && is_in(&f->targets[0].ports[i], port)))
			return true;
	return false;
}

bool forward_is_conditional(const struct forward *f)
{
	bool families[2];

	forward_families(f, families);
	return f->from.kind != ADDRESS_ANY || f->has_to || f->on || f->expires || !families[0] || !families[1];
}
