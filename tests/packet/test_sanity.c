// SPDX-License-Identifier: GPL-2.0-only
/* TRAPS 10 and 11: packets that no honest sender makes, allowed or not. */
#include "rows.h"

TestSuite(sanity, .init = fixture_open, .fini = fixture_close);

static void addresses(void)
{
	static const struct row rows[] = {
		{"loopback source", TCP(22, SYN, .from = LOOPBACK), DROPS(BAD_ADDRESS), IN(22), .hooks = ON_ETHERNET},
		{"loopback source, UDP", UDP(53, .from = LOOPBACK), DROPS(BAD_ADDRESS), IN(53), .hooks = ON_ETHERNET},
		{"loopback source, ping", ICMP(ECHO_REQUEST, .from = LOOPBACK), DROPS(BAD_ADDRESS),
		 .hooks = ON_ETHERNET},
		{"land", TCP(22, SYN, .from = HOST), DROPS(BAD_ADDRESS), IN(22)},
		{"land, UDP", UDP(53, .from = HOST), DROPS(BAD_ADDRESS), IN(53)},
		{"land, same port", TCP(22, SYN, .from = HOST, .sport = 22), DROPS(BAD_ADDRESS), IN(22)},
		{"land, fragment", RAW(17, .from = HOST, .fragment = {.given = true, .offset = 8, .id = 1}),
		 DROPS(BAD_ADDRESS)},
		{"multicast source", UDP(53, .from = GROUP), DROPS(BAD_ADDRESS), IN(53), .hooks = ON_ETHERNET},
		{"broadcast source", UDP(53, .from = BROADCAST), DROPS(BAD_ADDRESS), IN(53), .hooks = ON_ETHERNET},
		{"v4-mapped source", TCP(22, SYN, .from = MAPPED), DROPS(BAD_ADDRESS), IN(22), .families = V6,
		 .hooks = ON_ETHERNET},
		{"v4-mapped destination", TCP(22, SYN, .to = MAPPED), DROPS(BAD_ADDRESS), IN(22), .families = V6},
		{"v4-mapped source out", TCP(22, SYN, .from = MAPPED), .leaves = true, DROPS(BAD_ADDRESS), OUT(22),
		 .families = V6, .hooks = ON_ETHERNET},
		{"v4-mapped destination out", TCP(22, SYN, .to = MAPPED), .leaves = true, DROPS(BAD_ADDRESS), OUT(22),
		 .families = V6},
		{"multicast destination", UDP(53, .to = GROUP), PASSES(RULE), .rule = 1, IN(53)},
		{"broadcast destination", UDP(53, .to = BROADCAST), PASSES(RULE), .rule = 1, IN(53)},
		{"no source yet", UDP(53, .from = UNSPECIFIED), PASSES(RULE), .rule = 1, IN(53), .hooks = ON_ETHERNET},
		{"loopback source out", UDP(53, .from = LOOPBACK), .leaves = true, PASSES(DEFAULT), IN(40000),
		 .hooks = ON_ETHERNET},
		{"to itself out", UDP(53, .to = HOST), .leaves = true, PASSES(DEFAULT), IN(40000)},
		{"multicast destination out", UDP(53, .to = GROUP), .leaves = true, PASSES(DEFAULT), IN(40000)},
	};

	PLAY("allow in any", rows);
}

static bool is_valid(unsigned int flags)
{
	static const unsigned int valid[] = {
		SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG,
	};

	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		if ((flags & ~(PSH | ECE | CWR)) == valid[i])
			return true;
	return false;
}

/* All 64 sets of the six old flags, and with each of them those of ECN. */
static void play_flags(enum xdpfw_dir dir)
{
	static struct row rows[256];
	static char names[256][8];

	for (int flags = 0; flags < 256; flags++) {
		struct row *row = &rows[flags];

		snprintf(names[flags], sizeof(names[flags]), "0x%02x", flags);
		row->name = names[flags];
		row->packet = (struct packet)TCP(22, flags);
		row->leaves = dir == XDPFW_OUT;
		row->verdict = is_valid(flags) ? XDPFW_PASS : XDPFW_DROP;
		row->reason = is_valid(flags) ? XDPFW_R_RULE : XDPFW_R_TCP_FLAGS;
		row->rule = is_valid(flags) ? 1 + dir : 0;
		row->port = (struct counted){true, dir, 22};
	}
	PLAY("allow in 22\nallow out 22", rows);
}

static void tcp_flags_in(void)
{
	play_flags(XDPFW_IN);
}

static void tcp_flags_out(void)
{
	play_flags(XDPFW_OUT);
}

/* TRAPS 11: a scan of denied ports learns nothing from how a segment is dropped. */
static void denied_ports_look_alike(void)
{
	static const struct row rows[] = {
		{"SYN", TCP(23, SYN), DROPS(DEFAULT), IN(23)},
		{"ACK", TCP(23, ACK), DROPS(DEFAULT), IN(23)},
		{"SYN+ACK", TCP(23, SYN | ACK), DROPS(DEFAULT), IN(23)},
		{"RST", TCP(23, RST), DROPS(DEFAULT), IN(23)},
		{"FIN", TCP(23, FIN | ACK), DROPS(DEFAULT), IN(23)},
		{"ACK to an allowed one", TCP(22, ACK), PASSES(RULE), .rule = 1, IN(22)},
	};

	PLAY("allow in 22", rows);
}

Test(sanity, impossible_packets)
{
	addresses();
	tcp_flags_in();
	tcp_flags_out();
	denied_ports_look_alike();
}
