// SPDX-License-Identifier: GPL-2.0-only
/* Forwards as text. */
#include <string.h>

#include "comment.h"
#include "forward.h"
#include "parse_addr.h"
#include "statement_forward.h"

static void ranges_write(struct text *text, const struct port_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_printf(text, "%s%u", i ? "," : "", ranges[i].first);
		if (ranges[i].last != ranges[i].first)
			text_printf(text, "-%u", ranges[i].last);
	}
}

void forward_listen_write(struct text *text, const struct forward *f)
{
	ranges_write(text, f->listen, f->nr_ranges);
}

void forward_target_write(struct text *text, const struct forward *f, const struct forward_target *target)
{
	char addr[ADDR_TEXT_MAX];

	if (target->remote)
		text_printf(text, addr_is_ipv4(&target->addr) ? "%s:" : "[%s]:", format_addr(&target->addr, addr));
	ranges_write(text, target->ports, f->nr_ranges);
}

static void ends_write(struct text *text, const struct forward *f, bool reversed)
{
	text_put(text, "forward ");
	if (reversed)
		forward_target_write(text, f, &f->targets[0]);
	else
		forward_listen_write(text, f);
	for (size_t i = 0; i < f->nr_targets; i++) {
		text_put(text, i ? "," : ":");
		if (reversed)
			forward_listen_write(text, f);
		else
			forward_target_write(text, f, &f->targets[i]);
	}
	if (f->protocols != (PROTO_TCP | PROTO_UDP)) /* both go without saying */
		text_printf(text, "/%s", format_protocols(f->protocols));
}

static void conditions_write(struct text *text, const struct forward *f)
{
	char addr[ADDR_TEXT_MAX];

	if (f->one_way && !forward_is_remote(f) && f->nr_targets == 1) /* the others are so without saying */
		text_put(text, " one-way");
	if (f->keep_source)
		text_put(text, " keep-source");
	if (f->from.kind == ADDRESS_PREFIX)
		text_printf(text, " from %s", format_prefix(&f->from.prefix, addr));
	if (f->has_to)
		text_printf(text, " to %s", format_addr(&f->to, addr));
	if (f->on)
		text_printf(text, " on %s", f->on);
}

void forward_write(struct text *text, const struct forward *f)
{
	char until[TIME_TEXT_MAX];

	ends_write(text, f, false);
	conditions_write(text, f);
	if (f->expires)
		text_printf(text, " until %s", format_timestamp(f->expires, until));
	if (f->comment)
		comment_write(text, f->comment);
}

/* A link is the same from both ends: the higher port comes first. */
void forward_match_write(struct text *text, const struct forward *f)
{
	ends_write(text, f, forward_is_link(f) && f->listen[0].first < f->targets[0].ports[0].first);
	conditions_write(text, f);
}
