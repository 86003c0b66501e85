// SPDX-License-Identifier: GPL-2.0-only
#include "counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *reason_name(enum xdpfw_reason reason)
{
	static const char *const names[] = {
#define X(code, name, text) [XDPFW_R_##code] = name,
		XDPFW_REASONS(X)
#undef X
	};

	return names[reason];
}

const char *reason_text(enum xdpfw_reason reason)
{
	static const char *const texts[] = {
#define X(code, name, text) [XDPFW_R_##code] = text,
		XDPFW_REASONS(X)
#undef X
	};

	return texts[reason];
}

const char *table_name(enum xdpfw_table table)
{
	static const char *const names[] = {[XDPFW_TCP] = "tcp", [XDPFW_UDP] = "udp", [XDPFW_SCTP] = "sctp"};

	return names[table];
}

const char *verdict_name(enum xdpfw_verdict verdict)
{
	static const char *const names[] = {"none", "pass", "drop", "reject"};

	return names[verdict];
}

static void add(struct xdpfw_count *sum, const struct xdpfw_count *part)
{
	sum->packets += part->packets;
	sum->bytes += part->bytes;
}

static void read_port(const struct store *st, struct port_row *row)
{
	for (unsigned int cpu = 0; cpu < st->cpus; cpu++) {
		const struct xdpfw_port_counts *sides =
			&st->port_counts[xdpfw_port_counts_index(cpu, row->dir, row->table, 0)];
		const struct xdpfw_drop_deltas *deltas = &st->tallies[cpu].drops[row->dir][row->table];
		struct xdpfw_count dropped =
			store_total(&sides[XDPFW_DROPPED].ports[row->port], &deltas->ports[row->port]);

		add(&row->sides[XDPFW_RX], &sides[XDPFW_RX].ports[row->port]);
		add(&row->sides[XDPFW_TX], &sides[XDPFW_TX].ports[row->port]);
		add(&row->sides[XDPFW_DROPPED], &dropped);
	}
}

static int append(struct counts *c, size_t *room, const struct port_row *row)
{
	if (c->nr_ports == *room) {
		struct port_row *more = realloc(c->ports, (*room = *room * 2 + 64) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->ports = more;
	}
	c->ports[c->nr_ports++] = *row;
	return 0;
}

/* Most ports are silent. Table by table, in the order of the memory, is several times faster than port by port. */
static void mark_active(const struct store *st, int dir, int table, __u8 active[XDPFW_PORTS])
{
	for (unsigned int cpu = 0; cpu < st->cpus; cpu++) {
		const struct xdpfw_drop_deltas *deltas = &st->tallies[cpu].drops[dir][table];

		for (int side = 0; side < XDPFW_SIDES; side++) {
			const struct xdpfw_port_counts *counts =
				&st->port_counts[xdpfw_port_counts_index(cpu, dir, table, side)];

			for (int port = 0; port < XDPFW_PORTS; port++)
				active[port] |= counts->ports[port].packets != 0;
		}
		for (int port = 0; port < XDPFW_PORTS; port++)
			active[port] |= deltas->ports[port] != 0;
	}
}

static int read_table(const struct store *st, struct counts *c, size_t *room, int dir, int table)
{
	__u8 active[XDPFW_PORTS] = {};

	mark_active(st, dir, table, active);
	for (int port = 0; port < XDPFW_PORTS; port++) {
		struct port_row row = {.dir = dir, .table = table, .port = port};

		if (!active[port])
			continue;
		read_port(st, &row);
		if (append(c, room, &row))
			return -ENOMEM;
	}
	return 0;
}

void counts_read_reasons(const struct store *st, struct counts *c)
{
	c->nr_reasons = 0;
	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		for (int verdict = 0; verdict < 4; verdict++) {
			for (int reason = 0; reason < XDPFW_NR_REASONS; reason++) {
				struct xdpfw_count count = store_reason_count(st, dir, verdict, reason);

				if (count.packets)
					c->reasons[c->nr_reasons++] = (struct reason_row){dir, verdict, reason, count};
			}
		}
	}
}

int counts_read(const struct store *st, struct counts *c)
{
	size_t room = 0;

	memset(c, 0, sizeof(*c));
	for (int dir = 0; dir < XDPFW_COUNTED_DIRS; dir++)
		for (int table = 0; table < XDPFW_COUNTED_TABLES; table++)
			if (read_table(st, c, &room, dir, table))
				return -ENOMEM;
	counts_read_reasons(st, c);
	return 0;
}

int counts_copy(const struct counts *from, struct counts *to)
{
	struct port_row *ports = malloc((from->nr_ports + 1) * sizeof(*ports));

	if (!ports)
		return -ENOMEM;
	*to = *from;
	to->ports = ports;
	if (from->nr_ports)
		memcpy(ports, from->ports, from->nr_ports * sizeof(*ports));
	return 0;
}

void counts_free(struct counts *c)
{
	free(c->ports);
	c->ports = NULL;
}

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static __u64 port_key(const struct port_row *row)
{
	return (__u64)row->dir << 32 | (__u64)row->table << 16 | row->port;
}

static __u64 reason_key(const struct reason_row *row)
{
	return (__u64)row->dir << 32 | (__u64)row->verdict << 16 | row->reason;
}

int port_row_compare(const struct port_row *a, const struct port_row *b)
{
	return compare(port_key(a), port_key(b));
}

bool port_row_is_zero(const struct port_row *row)
{
	__u64 any = 0;

	for (int side = 0; side < XDPFW_SIDES; side++)
		any |= row->sides[side].packets | row->sides[side].bytes;
	return !any;
}

const struct port_row *counts_find(const struct counts *c, enum xdpfw_dir dir, enum xdpfw_table table, __u16 port)
{
	struct port_row wanted = {.dir = dir, .table = table, .port = port};

	return c->nr_ports ? bsearch(&wanted, c->ports, c->nr_ports, sizeof(wanted),
				     (int (*)(const void *, const void *))port_row_compare)
			   : NULL;
}

static void subtract(struct xdpfw_count *from, const struct xdpfw_count *count)
{
	from->packets -= count->packets;
	from->bytes -= count->bytes;
}

/* Both lists are in the same order, so one pass over both does it. */
static void subtract_ports(struct counts *c, const struct counts *earlier)
{
	size_t kept = 0, e = 0;

	for (size_t i = 0; i < c->nr_ports; i++) {
		struct port_row row = c->ports[i];

		while (e < earlier->nr_ports && port_row_compare(&earlier->ports[e], &row) < 0)
			e++;
		if (e < earlier->nr_ports && port_row_compare(&earlier->ports[e], &row) == 0)
			for (int side = 0; side < XDPFW_SIDES; side++)
				subtract(&row.sides[side], &earlier->ports[e].sides[side]);
		if (!port_row_is_zero(&row))
			c->ports[kept++] = row;
	}
	c->nr_ports = kept;
}

static void subtract_reasons(struct counts *c, const struct counts *earlier)
{
	size_t kept = 0, e = 0;

	for (size_t i = 0; i < c->nr_reasons; i++) {
		struct reason_row row = c->reasons[i];

		while (e < earlier->nr_reasons && reason_key(&earlier->reasons[e]) < reason_key(&row))
			e++;
		if (e < earlier->nr_reasons && reason_key(&earlier->reasons[e]) == reason_key(&row))
			subtract(&row.count, &earlier->reasons[e].count);
		if (row.count.packets)
			c->reasons[kept++] = row;
	}
	c->nr_reasons = kept;
}

void counts_subtract(struct counts *c, const struct counts *earlier)
{
	subtract_ports(c, earlier);
	subtract_reasons(c, earlier);
}
