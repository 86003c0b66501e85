// SPDX-License-Identifier: GPL-2.0-only
/* Random forwards of every kind, and what people get wrong about them. */
#include <arpa/inet.h>
#include <string.h>

#include "forward.h"
#include "parse_addr.h"
#include "theme.h"

enum mistake {
	NONE,
	LENGTHS,     /* of a range and what it leads to */
	PORT_TWICE,  /* listened on, or listened on and led to */
	ITSELF,      /* a port leads to itself */
	HERE_TOO,    /* targets here and elsewhere */
	OTHER_KIND,  /* targets of two families */
	KEEP_SOURCE, /* of this host */
	FOR_SOME,    /* a link that is not for everybody */
	OTHER_FROM,  /* a sender of another family than the target */
	FROM_SET,
	PROTOCOL,
	NR_MISTAKES,
};

/* A forward in the making. */
struct draft {
	const struct theme *theme;
	struct candidate *c;
	struct forward *f; /* what it says */
	bool v6;
	enum mistake mistake;
};

static bool meets(const struct port_range *range, const struct port_range *others, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (range->first <= others[i].last && others[i].first <= range->last)
			return true;
	return false;
}

/* Ports that are free of what the forward listens on, and of @others. */
static struct port_range free_range(const struct draft *d, unsigned int length, const struct port_range *others,
				    size_t count)
{
	struct port_range range;

	do {
		range.first = once(d->theme, 3) ? below(d->theme->chance, 65536) : random_port(d->theme);
		if (range.first + length > 65536)
			range.first = 65536 - length;
		range.last = range.first + length - 1;
	} while (meets(&range, d->c->listen, d->f->nr_ranges) || meets(&range, others, count));
	return range;
}

static unsigned int random_length(const struct theme *theme)
{
	if (once(theme, 2))
		return 1;
	return once(theme, 40) ? 1 + below(theme->chance, 3000) : 2 + below(theme->chance, 8);
}

static void choose_ports(struct draft *d)
{
	size_t ranges = once(d->theme, 3) ? 1 + below(d->theme->chance, CANDIDATE_RANGES - 1) : 1;

	for (; d->f->nr_ranges < ranges; d->f->nr_ranges++)
		d->c->listen[d->f->nr_ranges] = free_range(d, random_length(d->theme), NULL, 0);
	for (size_t i = 0; i < d->f->nr_targets; i++)
		for (size_t j = 0; j < ranges; j++)
			d->c->ports[i][j] = free_range(d, range_length(&d->c->listen[j]), d->c->ports[i], j);
}

/* Near the networks of the rules. */
static struct xdpfw_addr random_address(const struct theme *theme, bool v6)
{
	struct xdpfw_addr addr = PICK(theme, theme->networks[v6]);

	addr.bytes[15] ^= below(theme->chance, 4);
	return addr;
}

static void choose_kind(struct draft *d)
{
	enum { LINK, ONE_WAY, SEVERAL, REMOTE } kind = below(d->theme->chance, 5);
	struct forward *f = d->f;

	f->one_way = kind != LINK;
	f->nr_targets = kind == LINK || kind == ONE_WAY ? 1 : 1 + below(d->theme->chance, CANDIDATE_TARGETS - 1);
	choose_ports(d);
	if (kind == SEVERAL && f->nr_ranges > 1)
		f->nr_targets = 1; /* as many local ones as ranges are one target */
	for (size_t i = 0; i < f->nr_targets && kind >= REMOTE; i++) {
		f->targets[i].remote = true;
		f->targets[i].addr = random_address(d->theme, d->v6);
		if (once(d->theme, 4))
			memcpy(d->c->ports[i], d->c->listen, sizeof(d->c->listen));
	}
	f->keep_source = kind >= REMOTE && once(d->theme, 3);
}

/* Where the mistake needs a forward of another kind, there is none. */
static bool make_mistake(struct draft *d)
{
	bool remote = d->f->targets[0].remote;
	struct forward *f = d->f;

	switch (d->mistake) {
	case LENGTHS:
		f->targets[f->nr_targets - 1].ports[0].last++;
		return f->targets[f->nr_targets - 1].ports[0].last;
	case PORT_TWICE:
		d->c->listen[f->nr_ranges] = d->c->listen[below(d->theme->chance, f->nr_ranges)];
		for (size_t i = 0; i < f->nr_targets; i++)
			d->c->ports[i][f->nr_ranges] =
				free_range(d, range_length(&d->c->listen[f->nr_ranges]), d->c->ports[i], f->nr_ranges);
		f->nr_ranges++;
		return remote || f->nr_targets == 1;
	case ITSELF:
		d->c->ports[f->nr_targets - 1][0] = d->c->listen[0];
		return !remote;
	case HERE_TOO:
		f->targets[f->nr_targets - 1].remote ^= true;
		f->targets[f->nr_targets - 1].addr = random_address(d->theme, d->v6);
		return f->nr_targets > 1 && !remote;
	case OTHER_KIND:
		f->targets[f->nr_targets - 1].addr = random_address(d->theme, !d->v6);
		return remote && f->nr_targets > 1;
	case KEEP_SOURCE:
		f->keep_source = true;
		return !remote;
	case FOR_SOME:
		return !f->one_way;
	case OTHER_FROM:
		return remote;
	case FROM_SET:
		return f->one_way;
	default:
		return true;
	}
}

static void write_ranges(FILE *to, const struct port_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(to, ranges[i].first == ranges[i].last ? "%s%u" : "%s%u-%u", i ? "," : "", ranges[i].first,
			ranges[i].last);
}

/* "8000-8010,80:10.0.0.5:9000-9010,80/tcp"; an address need not be said twice, if there is one range. */
static void write_ends(const struct draft *d, FILE *to)
{
	static const char *const suffixes[] = {[PROTO_TCP] = "/tcp", [PROTO_UDP] = "/udp", [PROTO_SCTP] = "/sctp"};
	const struct forward *f = d->f;
	char addr[ADDR_TEXT_MAX];

	write_ranges(to, d->c->listen, f->nr_ranges);
	for (size_t i = 0; i < f->nr_targets; i++) {
		const struct forward_target *t = &f->targets[i];
		bool said = i && f->nr_ranges == 1 && !memcmp(&t->addr, &t[-1].addr, sizeof(t->addr));

		fputc(i ? ',' : ':', to);
		if (t->remote && !(said && once(d->theme, 2)))
			fprintf(to, addr_is_ipv4(&t->addr) ? "%s:" : "[%s]:", format_addr(&t->addr, addr));
		write_ranges(to, d->c->ports[i], f->nr_ranges);
	}
	if (d->mistake == PROTOCOL)
		fprintf(to, "/icmp");
	else if (f->protocols != (PROTO_TCP | PROTO_UDP))
		fprintf(to, "%s", suffixes[f->protocols]);
}

static void write_clauses(const struct draft *d, const struct theme *aside)
{
	static const char *const names[] = {"eth0", "eth1", "eth1", "gone0"};
	char addr[ADDR_TEXT_MAX];
	struct xdpfw_addr to = random_address(aside, d->v6);

	if (d->mistake == FROM_SET) {
		fprintf(aside->to, " from @s0");
	} else if (d->mistake == OTHER_FROM || once(aside, 3)) {
		fprintf(aside->to, " from ");
		write_prefix(aside, d->v6 ^ (d->mistake == OTHER_FROM));
	}
	if (once(aside, 5))
		fprintf(aside->to, " to %s", format_addr(&to, addr));
	if (d->mistake == FOR_SOME || once(aside, 5))
		fprintf(aside->to, " on %s", PICK(aside, names));
	if (once(aside, 8))
		fprintf(aside->to, " comment 'why'");
	if (once(aside, 5))
		write_time(aside);
}

static void write_words(const struct draft *d, FILE *to)
{
	struct theme aside = *d->theme;
	const struct forward *f = d->f;
	bool local = !f->targets[0].remote;

	aside.to = to;
	if (f->one_way && ((local && f->nr_targets == 1) || once(&aside, 4)))
		fprintf(to, " one-way");
	if (f->keep_source)
		fprintf(to, " keep-source");
	if (f->one_way || d->mistake == FOR_SOME)
		write_clauses(d, &aside);
}

static void choose_wrong_word(const struct draft *d, const char *ends)
{
	static const char *const words[NR_MISTAKES] = {
		[KEEP_SOURCE] = "keep-source", [FROM_SET] = "@s0", [PROTOCOL] = "icmp"};

	if (d->mistake != NONE)
		snprintf(d->c->wrong, sizeof(d->c->wrong), "%s", words[d->mistake] ?: ends);
}

static void write_line(const struct draft *d)
{
	FILE *ends = fmemopen(d->c->wrong, sizeof(d->c->wrong), "w"),
	     *line = fmemopen(d->c->line, sizeof(d->c->line), "w");
	char word[sizeof(d->c->wrong)];

	if (!ends || !line)
		abort();
	write_ends(d, ends);
	fclose(ends);
	strcpy(word, d->c->wrong);
	d->c->wrong[0] = '\0';
	choose_wrong_word(d, word);
	fprintf(line, "forward %s", word);
	write_words(d, line);
	fclose(line);
}

static void begin(struct draft *d)
{
	static const unsigned int protocols[] = {PROTO_TCP | PROTO_UDP, PROTO_TCP | PROTO_UDP, PROTO_TCP, PROTO_UDP,
						 PROTO_SCTP};

	*d->c = (struct candidate){.said = {.listen = d->c->listen, .targets = d->c->targets}};
	d->f->protocols = PICK(d->theme, protocols);
	d->v6 = once(d->theme, 2);
	for (size_t i = 0; i < CANDIDATE_TARGETS; i++)
		d->c->targets[i].ports = d->c->ports[i];
	choose_kind(d);
}

void random_forward(const struct theme *theme, struct candidate *candidate)
{
	struct draft d = {.theme = theme, .c = candidate, .f = &candidate->said};

	if (once(theme, 6))
		d.mistake = 1 + below(theme->chance, NR_MISTAKES - 1);
	do
		begin(&d);
	while (!make_mistake(&d));
	write_line(&d);
}
