// SPDX-License-Identifier: GPL-2.0-only
/* Forwards as text. */
#include "statement_forward.h"

static void write_link(struct text *text, __u16 listen, __u16 target, unsigned int protocols)
{
	text_printf(text, "forward %u:%u", listen, target);
	if (protocols != (PROTO_TCP | PROTO_UDP)) /* both go without saying */
		text_printf(text, "/%s", format_protocols(protocols));
}

void forward_write(struct text *text, const struct forward *forward)
{
	write_link(text, forward->listen, forward->target, forward->protocols);
}

void forward_match_write(struct text *text, const struct forward *forward)
{
	__u16 listen = forward->listen, target = forward->target;

	/* A link is the same from both ends. */
	write_link(text, listen > target ? listen : target, listen > target ? target : listen, forward->protocols);
}
