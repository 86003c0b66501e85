// SPDX-License-Identifier: GPL-2.0-only
/*
 * TRAPS 6 and 7: frames of every kind, cut at every byte, in three ways: the frame ends while its
 * header claims more; the datagram ends, and says so; the datagram ends, and the rest of the
 * bytes stay behind it as padding. (Frames that the kernel runs no test for: see fixture.h.)
 */
#include <stdio.h>
#include <string.h>

#include "rows.h"

TestSuite(truncation, .init = fixture_open, .fini = fixture_close);

static const struct packet asked = UDP(53);

static const struct kind {
	const char *name;
	struct packet packet;
	unsigned int families;
} kinds[] = {
	{"TCP", TCP(22, SYN), 0},
	{"TCP with options", TCP(22, SYN, .lies = {{AT_L4, 12, 1, 0x80}}), 0},
	{"UDP", UDP(22), 0},
	{"ping", ICMP(ECHO_REQUEST, .id = 22), 0},
	{"ICMP error", ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &asked), 0},
	{"SCTP", SCTP(22), 0},
	{"unknown protocol", RAW(99), 0},
	{"tagged TCP", TCP(22, SYN, .tags = {{VLAN, 5}}), 0},
	{"UDP with two tags", UDP(22, .tags = {{QINQ, 5}, {VLAN, 6}}), 0},
	{"UDP with three tags", UDP(22, .tags = {{VLAN, 5}, {VLAN, 6}, {VLAN, 7}}), 0},
	{"IPv4 options", UDP(22, .options = BYTES("\x01\x94\x04\x00\x00\x01\x01\x00")), V4},
	{"extension headers", TCP(22, SYN, .chain = {HOP_BY_HOP, {.type = IPPROTO_DSTOPTS, .size = 16}, ROUTING(2)}),
	 V6},
	{"authentication header", UDP(22, .chain = {AUTHENTICATION, DESTINATION}), V6},
	{"atomic fragment", UDP(22, .fragment = {.given = true, .id = 1}), V6},
	{"first fragment", TCP(22, SYN, .fragment = {.given = true, .more = true, .id = 2}), 0},
	{"first fragment of UDP", UDP(22, .fragment = {.given = true, .more = true, .id = 3}), 0},
	{"first fragment, extended",
	 UDP(22, .chain = {HOP_BY_HOP, FRAGMENT_HEADER, DESTINATION},
	     .fragment = {.given = true, .more = true, .id = 4}),
	 V6},
	{"later fragment", RAW(IPPROTO_UDP, .fragment = {.given = true, .offset = 24, .id = 5}), 0},
};

struct cut {
	const struct kind *kind;
	enum hooks hooks;
	enum family family;
	enum way way;
	struct frame whole; /* as build() has made it */
};

static struct outcome outcome;

/* Messages tell the kind, the place of the cut and where it was sent. */
static void complain(const struct cut *cut, const char *how, size_t size, const char *what)
{
	cr_expect_fail("%s, %s at byte %zu of %zu [%s %s %s]: %s", cut->kind->name, how, size, cut->whole.size,
		       hooks_name(cut->hooks), family_name(cut->family), cut->way == LEAVES ? "out" : "in", what);
}

static bool is_too_deep(const struct cut *cut)
{
	return cut->kind->packet.tags[2].type != 0;
}

/* The smallest datagram of this kind that a receiver would take. Of a TCP segment that is its header, of a UDP
 * datagram all of it, but that a first fragment announces what the others bring. */
static size_t size_needed(const struct cut *cut)
{
	const struct packet *p = &cut->kind->packet;
	const struct frame *whole = &cut->whole;

	switch (p->headless ? IPPROTO_RAW : p->protocol) {
	case IPPROTO_TCP:
		return whole->l4 + (whole->bytes[whole->l4 + 12] >> 4) * 4;
	case IPPROTO_UDP:
		return p->fragment.more ? whole->l4 + 8 : whole->size;
	case IPPROTO_ICMP:
		return whole->l4 + 8;
	case IPPROTO_SCTP:
		return whole->l4 + 12;
	default:
		return whole->l4;
	}
}

static bool is_later_fragment(const struct cut *cut)
{
	return cut->kind->packet.fragment.offset != 0;
}

static bool counts_port(const struct cut *cut)
{
	__u8 protocol = cut->kind->packet.protocol;

	return (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && !is_later_fragment(cut);
}

static bool is_length_reason(enum xdpfw_reason reason)
{
	return reason == XDPFW_R_SHORT || reason == XDPFW_R_BAD_LENGTH || reason == XDPFW_R_BAD_FRAGMENT;
}

/* A frame in which something is missing: dropped for that reason, and no port was counted. */
static void expect_refused(const struct cut *cut, const char *how, size_t size)
{
	bool deep = is_too_deep(cut) && outcome.reason == XDPFW_R_TOO_DEEP;

	if (outcome.action != DROPPED || outcome.verdict != XDPFW_DROP || outcome.nr_reasons != 1)
		complain(cut, how, size, "not dropped");
	else if (!is_length_reason(outcome.reason) && !deep)
		complain(cut, how, size, "dropped for another reason");
	if (outcome.nr_ports || outcome.nr_rules)
		complain(cut, how, size, "a port or a rule was counted");
}

/* A datagram with all that it needs: the default passes it, and a later fragment has lost its first one. */
static void expect_judged(const struct cut *cut, const char *how, size_t size)
{
	enum xdpfw_reason reason = is_too_deep(cut)         ? XDPFW_R_TOO_DEEP
				   : is_later_fragment(cut) ? XDPFW_R_FRAGMENT
							    : XDPFW_R_DEFAULT;
	bool counts = reason == XDPFW_R_DEFAULT && counts_port(cut);

	if (outcome.nr_reasons != 1 || outcome.reason != reason)
		complain(cut, how, size, "another reason than that of the whole packet");
	if ((outcome.action == PASSED) != (reason == XDPFW_R_DEFAULT))
		complain(cut, how, size, "another verdict than that of the whole packet");
	if (outcome.nr_ports != counts || (counts && outcome.port.port != 22))
		complain(cut, how, size, "the port was not counted, or another one");
}

/* Each cut is a datagram of its own, whatever its id. */
static void send_cut(const struct cut *cut, const struct frame *f)
{
	forget_fragments();
	send_frame(cut->hooks, cut->way, f, NULL, &outcome);
}

/* As the interface shows it. */
static bool prepare(const struct cut *cut, struct frame *f)
{
	if (cut->hooks == ON_L3)
		strip_ethernet(f);
	return can_send(cut->hooks, cut->way, f);
}

static void cut_frame(const struct cut *cut, size_t size)
{
	size_t header = cut->whole.l3 + (cut->family == V4 ? 20 : 40);
	struct frame f = cut->whole;

	f.size = size;
	if (!prepare(cut, &f))
		return;
	send_cut(cut, &f);
	expect_refused(cut, "cut off", size);
	if (!is_too_deep(cut) && outcome.reason != (size < header ? XDPFW_R_SHORT : XDPFW_R_BAD_LENGTH))
		complain(cut, "cut off", size, "short, or a bad length, was expected");
}

static void check_datagram(const struct cut *cut, const struct frame *f, const char *how, size_t size)
{
	send_cut(cut, f);
	if (is_too_deep(cut) || size >= size_needed(cut))
		expect_judged(cut, how, size);
	else
		expect_refused(cut, how, size);
}

static void end_datagram(const struct cut *cut, size_t size)
{
	struct frame f = cut->whole;

	shorten(&f, cut->family, size);
	if (prepare(cut, &f))
		check_datagram(cut, &f, "ended", size);
}

static void pad_datagram(const struct cut *cut, size_t size)
{
	struct frame f = cut->whole;

	shorten(&f, cut->family, size);
	f.size = cut->whole.size;
	if (prepare(cut, &f))
		check_datagram(cut, &f, "padded", size);
}

static void cut_everywhere(const struct cut *cut)
{
	size_t header = cut->whole.l3 + (cut->family == V4 ? 20 : 40);

	for (size_t size = ETHERNET_SIZE; size < cut->whole.size; size++)
		cut_frame(cut, size);
	for (size_t size = header; size <= cut->whole.size; size++) {
		end_datagram(cut, size);
		pad_datagram(cut, size);
	}
}

static void refuse_everywhere(const struct cut *cut)
{
	for (size_t size = ETHERNET_SIZE; size <= cut->whole.size; size++) {
		struct frame f = cut->whole;

		if (size >= cut->whole.l3 + (cut->family == V4 ? 20 : 40))
			shorten(&f, cut->family, size);
		f.size = size;
		if (!prepare(cut, &f))
			continue;
		send_cut(cut, &f);
		if (outcome.action != DROPPED)
			complain(cut, "denied and ended", size, "not dropped");
	}
}

static void cut_kind(const struct kind *kind, enum hooks hooks, enum way way, void (*act)(const struct cut *cut))
{
	static struct cut cut;

	for (enum family family = V4; family <= V6; family++) {
		if (kind->families && !(kind->families & family))
			continue;
		if (hooks == ON_L3 && kind->packet.tags[0].type)
			continue;
		cut = (struct cut){.kind = kind, .hooks = hooks, .family = family, .way = way};
		build(&cut.whole, &kind->packet, family, way);
		act(&cut);
	}
}

static void cut_all(enum way way, void (*act)(const struct cut *cut))
{
	struct port_tally stray;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t j = 0; j < NR_HOOKS; j++)
			cut_kind(&kinds[i], all_hooks[j], way, act);
	if (!no_port_counted(&stray))
		cr_expect_fail("port %u was counted, which stands in no frame", stray.port);
}

static void what_arrives(void)
{
	SCENE();
	set_policy("default allow in\noption allow-ping off");
	cut_all(ARRIVES, cut_everywhere);
}

static void what_leaves(void)
{
	SCENE();
	set_policy("default allow in\noption allow-ping off");
	cut_all(LEAVES, cut_everywhere);
}

/* A denied packet does not pass, whatever is cut off from it. */
static void what_is_denied(void)
{
	SCENE();
	set_policy("deny in any");
	cut_all(ARRIVES, refuse_everywhere);
}

Test(truncation, at_every_byte)
{
	what_arrives();
	what_leaves();
	what_is_denied();
}
