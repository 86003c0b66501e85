// SPDX-License-Identifier: GPL-2.0-only
#include "crossing.h"

#include <criterion/criterion.h>
#include <string.h>

/* One of them; returns whether its checksum looked incomplete. */
static bool cross(const struct crossing *c, __u16 word)
{
	static struct outcome outcome;
	static struct frame sent, expected;
	struct packet before = c->before, after = c->after;
	size_t headers;

	before.word = after.word = word;
	build(&sent, &before, c->family, c->way);
	build(&expected, &after, c->family, c->way);
	send_uncounted(c->hooks, c->way, &sent, &outcome);
	outcome.frame.l3 = sent.l3;
	outcome.frame.l4 = sent.l4;
	headers = before.protocol == IPPROTO_UDP ? sent.size : sent.l4 + 4;
	if (outcome.action != c->action || outcome.frame.size != sent.size ||
	    !checksums_hold(&outcome.frame, c->family) || memcmp(outcome.frame.bytes, expected.bytes, headers))
		cr_expect_fail("payload %04x, protocol %u [%s %s]: not rewritten, or a wrong checksum", word,
			       before.protocol, hooks_name(c->hooks), family_name(c->family));
	return looks_incomplete(&sent, c->family);
}

void cross_all(const struct crossing *c)
{
	int looked_incomplete = 0;

	for (int word = 1; word < 65536; word++)
		looked_incomplete += cross(c, word);
	cr_expect_eq(looked_incomplete, 1, "%d checksums looked incomplete, protocol %u [%s %s]", looked_incomplete,
		     c->before.protocol, hooks_name(c->hooks), family_name(c->family));
}
