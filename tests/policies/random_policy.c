// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "compiled.h"
#include "theme.h"
#include "util.h"

__u16 random_port(const struct theme *theme)
{
	static const __u16 ends[] = {0, 1, 65534, 65535};

	if (theme->wide || once(theme, 8))
		return below(theme->chance, 65536);
	return once(theme, 10) ? PICK(theme, ends) : PICK(theme, theme->ports) + below(theme->chance, 3);
}

static void write_ports(const struct theme *theme)
{
	int items = once(theme, 4) ? 2 + below(theme->chance, 3) : 1;

	for (int i = 0; i < items; i++) {
		unsigned int first = random_port(theme), last = first;

		if (once(theme, 4))
			last += once(theme, 3) ? below(theme->chance, 65536) : below(theme->chance, 6);
		fprintf(theme->to, "%s%u", i ? "," : "", first);
		if (last > first)
			fprintf(theme->to, "-%u", last < 65535 ? last : 65535);
	}
}

static void write_target(const struct theme *theme)
{
	static const char *const protocols[] = {"", "", "/tcp", "/tcp", "/udp", "/sctp"};
	static const char *const portless[] = {"icmp",       "icmp4",      "icmp6",     "icmp/echo-request",
					       "icmp4/8",    "icmp6/128",  "proto gre", "proto 50",
					       "proto sctp", "proto icmp", "proto tcp"};

	if (!theme->wide && once(theme, 8))
		fprintf(theme->to, " any");
	else if (!theme->wide && once(theme, 6))
		fprintf(theme->to, " %s", PICK(theme, portless));
	else {
		fprintf(theme->to, " ");
		write_ports(theme);
		fprintf(theme->to, "%s", PICK(theme, protocols));
	}
}

static void clear_host_bits(struct prefix *prefix)
{
	for (int bit = prefix->length; bit < 128; bit++)
		prefix->addr.bytes[bit / 8] &= ~(0x80 >> bit % 8);
}

/* In or beside one of the policy's networks, so that prefixes nest and touch. */
void write_prefix(const struct theme *theme, int family)
{
	static const char *const ends[2][8] = {
		{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "255.255.255.255", "0.0.0.0", "10.0.0.0/8", "192.0.0.0/2",
		 "224.0.0.0/4"},
		{"::/0", "::/1", "8000::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/64", "::1:0:0:0/80",
		 "fe80::/10", "2000::/3"},
	};
	struct prefix prefix = {.addr = PICK(theme, theme->networks[family])};
	char text[ADDR_TEXT_MAX];
	int first = family ? 0 : 96;

	if (once(theme, 8)) {
		fprintf(theme->to, "%s", PICK(theme, ends[family]));
		return;
	}
	prefix.length = first + (once(theme, 3) ? 128U - first : 8 + below(theme->chance, 128 - first - 7));
	for (int flips = below(theme->chance, 3); flips; flips--) {
		int bit = prefix.length - 1 - below(theme->chance, 6);

		prefix.addr.bytes[bit / 8] ^= 0x80 >> bit % 8;
	}
	clear_host_bits(&prefix);
	fprintf(theme->to, "%s", format_prefix(&prefix, text));
}

/* s0 to s3, of which some have no members. */
static void write_end(const struct theme *theme, const char *word, int family)
{
	fprintf(theme->to, " %s ", word);
	if (once(theme, 3))
		fprintf(theme->to, "@s%u", below(theme->chance, 4));
	else
		write_prefix(theme, family);
}

void write_time(const struct theme *theme)
{
	static const int seconds[] = {-50, 1, 100, 101, 5000};
	char text[TIME_TEXT_MAX];

	fprintf(theme->to, " until %s", format_timestamp(COMPILED_NOW + PICK(theme, seconds), text));
}

static void write_owner(const struct theme *theme)
{
	static const char *const cgroups[] = {"a.slice", "a.slice/b.service", "a.slice/b.service/c", "gone.slice/d"};

	if (once(theme, 5))
		fprintf(theme->to, " user %u", 1000 + below(theme->chance, 3));
	if (once(theme, 5))
		fprintf(theme->to, " cgroup %s", PICK(theme, cgroups));
}

static void write_interfaces(const struct theme *theme, bool routed)
{
	static const char *const names[] = {"eth0", "eth1", "eth1", "gone0"};

	if (once(theme, 6))
		fprintf(theme->to, routed ? " in on %s" : " on %s", PICK(theme, names));
	if (routed && once(theme, 6))
		fprintf(theme->to, " out on %s", PICK(theme, names));
}

static void write_conditions(const struct theme *theme, const char *dir)
{
	int family = below(theme->chance, 2);

	if (theme->deep || once(theme, 2)) {
		write_end(theme, "from", family);
		if (once(theme, 5)) {
			fprintf(theme->to, " port ");
			write_ports(theme);
		}
	}
	if (once(theme, 4))
		write_end(theme, "to", family);
	write_interfaces(theme, !*dir);
	if (!strcmp(dir, " out"))
		write_owner(theme);
	if (once(theme, 6))
		write_time(theme);
}

static void write_rule(const struct theme *theme)
{
	static const char *const actions[] = {"allow", "allow", "allow", "deny", "deny", "reject", "limit"};
	static const char *const dirs[] = {" in", " in", " out", " out", ""};
	const char *dir = PICK(theme, dirs);

	fprintf(theme->to, "%s%s%s%s", once(theme, 20) ? "disabled " : "", *dir ? "" : "route ", PICK(theme, actions),
		dir);
	write_target(theme);
	write_conditions(theme, dir);
}

/* @write until it can be parsed: chance may have chosen ends of two families, or ICMP with ports. */
static void write_line(const struct theme *theme, void (*write)(const struct theme *theme))
{
	struct theme aside = *theme;
	struct statement s;
	char *line = NULL;
	size_t size;

	do {
		free(line);
		aside.to = open_memstream(&line, &size);
		if (!aside.to)
			abort();
		write(&aside);
		fclose(aside.to);
	} while (statement_parse_line(line, &s, NULL));
	statement_free(&s);
	fprintf(theme->to, "%s\n", line);
	free(line);
}

static void write_member(const struct theme *theme)
{
	fprintf(theme->to, "set add s%u ", below(theme->chance, 3));
	write_prefix(theme, below(theme->chance, 2));
	if (once(theme, 8))
		write_time(theme);
}

static void write_block(const struct theme *theme)
{
	fprintf(theme->to, "block ");
	write_prefix(theme, below(theme->chance, 2));
	if (once(theme, 2))
		write_time(theme);
}

static void write_default(const struct theme *theme)
{
	static const char *const actions[] = {"allow", "deny", "reject"};
	static const char *const dirs[] = {"in", "out", "routed"};

	fprintf(theme->to, "default %s %s", PICK(theme, actions), PICK(theme, dirs));
}

static void write_times(const struct theme *theme, int times, void (*write)(const struct theme *theme))
{
	while (times-- > 0)
		write_line(theme, write);
}

static struct xdpfw_addr random_network(struct chance *chance, int family)
{
	struct xdpfw_addr addr = {.bytes = {[10] = 0xff, [11] = 0xff}};

	for (int byte = family ? 0 : 12; byte < 16; byte++)
		addr.bytes[byte] = below(chance, 256);
	if (family)
		addr.bytes[0] = 0x20;
	return addr;
}

/* Of a thousand policies 940 have up to 8 rules, 50 up to 40, and 10 hundreds. */
static struct theme random_theme(struct chance *chance)
{
	struct theme theme = {.chance = chance};
	int kind = below(chance, 1000);

	theme.rules = 1 + below(chance, kind < 940 ? 8 : kind < 990 ? 40 : 400);
	theme.wide = kind >= 990;
	theme.deep = kind >= 970 && kind < 990;
	theme.forwards = once_in(chance, 4) ? 1 + below(chance, FORWARDS_TRIED) : 0;
	theme.members = once_in(chance, 3) ? below(chance, kind < 990 ? 30 : 1000) : 0;
	for (int i = 0; i < PORTS_SHARED; i++)
		theme.ports[i] = below(chance, 65533);
	for (int i = 0; i < NETWORKS_SHARED; i++)
		for (int family = 0; family < 2; family++)
			theme.networks[family][i] = random_network(chance, family);
	return theme;
}

char *random_policy(struct chance *chance, struct forwards *forwards)
{
	struct theme theme = random_theme(chance);
	char *text = NULL;
	size_t size;

	theme.to = open_memstream(&text, &size);
	if (!theme.to)
		return NULL;
	write_times(&theme, once(&theme, 3), write_default);
	write_times(&theme, once(&theme, 6) ? 1 + below(chance, 12) : 0, write_block);
	write_times(&theme, theme.members, write_member);
	write_times(&theme, theme.rules, write_rule);
	if (once(&theme, 10))
		fprintf(theme.to, "option allow-ping off\n");
	fclose(theme.to);
	for (forwards->count = 0; forwards->count < theme.forwards; forwards->count++)
		random_forward(&theme, &forwards->tried[forwards->count]);
	return text;
}
