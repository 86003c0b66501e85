// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "ruleset.h"
#include "ticker.h"
#include "util.h"

static const char *const side_names[XDPFW_SIDES] = {
	[XDPFW_RX] = "rx",
	[XDPFW_TX] = "tx",
	[XDPFW_DROPPED] = "drop",
};

int parse_port_filter(const char *word, const char *what, struct port_filter *filter, struct error *e)
{
	struct port_filter read = {};
	int err = parse_target(word, &read.ports, &read.protocols, e);

	read.protocols &= PROTO_TCP | PROTO_UDP;
	if (!err && (!read.ports.count || !read.protocols))
		err = fail(e, -EINVAL, "%s '%s': counted are ports of tcp and udp; write 22, 80,443 or 53/udp", what,
			   excerpt(word).text);
	if (err)
		ports_free(&read.ports);
	else
		*filter = read;
	return err;
}

char *format_stamp(__u64 ns, char text[STAMP_TEXT_MAX])
{
	time_t seconds = ns / NS_PER_SECOND;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, STAMP_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + strlen(text), STAMP_TEXT_MAX - strlen(text), ".%03uZ", (unsigned int)(ns / 1000000 % 1000));
	return text;
}

double per_second(__u64 count, __u64 interval_ns)
{
	return interval_ns ? (double)count * NS_PER_SECOND / interval_ns : 0;
}

static struct record_row row_of(const struct record *r, const struct port_row *place)
{
	const struct port_row *total = counts_find(&r->total, place->dir, place->table, place->port);
	const struct port_row *change = counts_find(&r->change, place->dir, place->table, place->port);
	struct port_row zero = {.dir = place->dir, .table = place->table, .port = place->port};

	return (struct record_row){total ? *total : zero, change ? *change : zero};
}

static size_t count_ports(const struct ports *ports)
{
	size_t count = 0;

	for (size_t i = 0; i < ports->count; i++)
		count += ports->ranges[i].last - ports->ranges[i].first + 1;
	return count;
}

/* The named ports of one table, in order. */
static size_t named_rows(const struct record *r, const struct port_filter *filter, int dir, int table,
			 struct record_row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < filter->ports.count; i++) {
		const struct port_range *range = &filter->ports.ranges[i];

		for (unsigned int port = range->first; port <= range->last; port++) {
			struct port_row place = {.dir = dir, .table = table, .port = port};

			rows[count++] = row_of(r, &place);
		}
	}
	return count;
}

struct record_row *record_rows(const struct record *r, const struct port_filter *filter, size_t *count)
{
	static const unsigned int protocols[XDPFW_COUNTED_TABLES] = {[XDPFW_TCP] = PROTO_TCP, [XDPFW_UDP] = PROTO_UDP};
	size_t most = filter->ports.count ? count_ports(&filter->ports) * XDPFW_COUNTED_DIRS * XDPFW_COUNTED_TABLES
					  : r->total.nr_ports;
	struct record_row *rows = malloc((most + 1) * sizeof(*rows));

	if (!rows)
		return NULL;
	*count = 0;
	if (!filter->ports.count)
		while (*count < r->total.nr_ports) {
			rows[*count] = row_of(r, &r->total.ports[*count]);
			++*count;
		}
	else
		for (int dir = 0; dir < XDPFW_COUNTED_DIRS; dir++)
			for (int table = 0; table < XDPFW_COUNTED_TABLES; table++)
				if (filter->protocols & protocols[table])
					*count += named_rows(r, filter, dir, table, rows + *count);
	return rows;
}

static void set_number(json_t *object, const char *side, const char *what, json_t *number)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_%s", side, what);
	json_object_set_new(object, key, number);
}

static json_t *port_json(const struct record *r, const struct record_row *row)
{
	json_t *object = json_pack("{s:s,s:s,s:i}", "dir", dir_name(row->total.dir), "proto",
				   table_name(row->total.table), "port", row->total.port);

	for (int side = 0; side < XDPFW_SIDES; side++) {
		const struct xdpfw_count *total = &row->total.sides[side];

		set_number(object, side_names[side], "packets", json_integer(total->packets));
		set_number(object, side_names[side], "bytes", json_integer(total->bytes));
	}
	for (int side = 0; r->interval_ns && side < XDPFW_SIDES; side++) {
		const struct xdpfw_count *change = &row->change.sides[side];

		set_number(object, side_names[side], "pps", json_real(per_second(change->packets, r->interval_ns)));
		set_number(object, side_names[side], "bps", json_real(per_second(change->bytes * 8, r->interval_ns)));
	}
	return object;
}

/* What the reason has gained over the interval. */
static struct xdpfw_count reason_change(const struct record *r, const struct reason_row *row)
{
	const struct counts *c = &r->change;

	for (size_t i = 0; i < c->nr_reasons; i++)
		if (c->reasons[i].dir == row->dir && c->reasons[i].verdict == row->verdict &&
		    c->reasons[i].reason == row->reason)
			return c->reasons[i].count;
	return (struct xdpfw_count){};
}

static json_t *reason_json(const struct record *r, const struct reason_row *row)
{
	struct xdpfw_count change = reason_change(r, row);
	json_t *object = json_pack("{s:s,s:s,s:s,s:I,s:I}", "dir", dir_name(row->dir), "reason",
				   reason_name(row->reason), "verdict", verdict_name(row->verdict), "packets",
				   (json_int_t)row->count.packets, "bytes", (json_int_t)row->count.bytes);

	if (r->interval_ns) {
		json_object_set_new(object, "pps", json_real(per_second(change.packets, r->interval_ns)));
		json_object_set_new(object, "bps", json_real(per_second(change.bytes * 8, r->interval_ns)));
	}
	return object;
}

int record_print_json(const struct record *r, const struct port_filter *filter, FILE *out)
{
	char now[STAMP_TEXT_MAX], since[STAMP_TEXT_MAX];
	json_t *ports = json_array(), *reasons = json_array(), *root;
	size_t count;
	_free_ struct record_row *rows = record_rows(r, filter, &count);
	int err;

	for (size_t i = 0; rows && i < count; i++)
		json_array_append_new(ports, port_json(r, &rows[i]));
	for (size_t i = 0; i < r->total.nr_reasons; i++)
		json_array_append_new(reasons, reason_json(r, &r->total.reasons[i]));
	root = json_pack("{s:s,s:I,s:s,s:o,s:o,s:o}", "time", format_stamp(r->time_ns, now), "mono_ns",
			 (json_int_t)r->mono_ns, "since", format_stamp(r->since_ns, since), "interval_s",
			 r->interval_ns ? json_real((double)r->interval_ns / NS_PER_SECOND) : json_null(), "ports",
			 ports, "reasons", reasons);
	err = rows && root ? 0 : -ENOMEM;
	if (!err)
		json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
	fputc('\n', out);
	json_decref(root);
	return err;
}

void record_print_csv_head(FILE *out)
{
	fputs("time,interval_s,dir,proto,port,rx_packets,rx_bytes,tx_packets,tx_bytes,drop_packets,drop_bytes,"
	      "rx_pps,rx_bps,tx_pps,tx_bps,drop_pps,drop_bps\n",
	      out);
}

/* Without an interval its column and those of rates are empty. */
static void print_csv_row(const struct record *r, const struct record_row *row, FILE *out)
{
	char now[STAMP_TEXT_MAX];

	fprintf(out, "%s,", format_stamp(r->time_ns, now));
	if (r->interval_ns)
		fprintf(out, "%.6f", (double)r->interval_ns / NS_PER_SECOND);
	fprintf(out, ",%s,%s,%u", dir_name(row->total.dir), table_name(row->total.table), row->total.port);
	for (int side = 0; side < XDPFW_SIDES; side++)
		fprintf(out, ",%llu,%llu", (unsigned long long)row->total.sides[side].packets,
			(unsigned long long)row->total.sides[side].bytes);
	for (int side = 0; side < XDPFW_SIDES; side++) {
		const struct xdpfw_count *change = &row->change.sides[side];

		if (r->interval_ns)
			fprintf(out, ",%.1f,%.1f", per_second(change->packets, r->interval_ns),
				per_second(change->bytes * 8, r->interval_ns));
		else
			fputs(",,", out);
	}
	fputc('\n', out);
}

int record_print_csv(const struct record *r, const struct port_filter *filter, FILE *out)
{
	size_t count;
	_free_ struct record_row *rows = record_rows(r, filter, &count);

	for (size_t i = 0; rows && i < count; i++)
		print_csv_row(r, &rows[i], out);
	return rows ? 0 : -ENOMEM;
}

static void print_totals(const struct record_row *rows, size_t count, FILE *out)
{
	fprintf(out, "%-4s %-5s %5s %12s %14s %12s %14s %12s %14s\n", "DIR", "PROTO", "PORT", "RX PACKETS", "RX BYTES",
		"TX PACKETS", "TX BYTES", "DROPPED", "DROPPED BYTES");
	for (size_t i = 0; i < count; i++) {
		const struct port_row *row = &rows[i].total;

		fprintf(out, "%-4s %-5s %5u", dir_name(row->dir), table_name(row->table), row->port);
		for (int side = 0; side < XDPFW_SIDES; side++)
			fprintf(out, " %12llu %14llu", (unsigned long long)row->sides[side].packets,
				(unsigned long long)row->sides[side].bytes);
		fputc('\n', out);
	}
}

static void print_reasons(const struct counts *total, FILE *out)
{
	fprintf(out, "\n%-4s %-7s %-15s %12s %14s  %s\n", "DIR", "VERDICT", "REASON", "PACKETS", "BYTES", "MEANING");
	for (size_t i = 0; i < total->nr_reasons; i++) {
		const struct reason_row *row = &total->reasons[i];

		fprintf(out, "%-4s %-7s %-15s %12llu %14llu  %s\n", dir_name(row->dir), verdict_name(row->verdict),
			reason_name(row->reason), (unsigned long long)row->count.packets,
			(unsigned long long)row->count.bytes, reason_text(row->reason));
	}
}

/* Of an interval, people read rates, and only of ports where something happened (or that they named). */
static void print_rates(const struct record *r, const struct record_row *rows, size_t count, bool named, FILE *out)
{
	char now[STAMP_TEXT_MAX];

	fprintf(out, "%s  %.3f s\n%-4s %-5s %5s %12s %14s %12s %14s %12s %14s\n", format_stamp(r->time_ns, now),
		(double)r->interval_ns / NS_PER_SECOND, "DIR", "PROTO", "PORT", "RX PACKETS/s", "RX BITS/s",
		"TX PACKETS/s", "TX BITS/s", "DROPPED/s", "DROPPED BITS/s");
	for (size_t i = 0; i < count; i++) {
		const struct port_row *row = &rows[i].change;

		if (!named && port_row_is_zero(row))
			continue;
		fprintf(out, "%-4s %-5s %5u", dir_name(row->dir), table_name(row->table), row->port);
		for (int side = 0; side < XDPFW_SIDES; side++)
			fprintf(out, " %12.1f %14.0f", per_second(row->sides[side].packets, r->interval_ns),
				per_second(row->sides[side].bytes * 8, r->interval_ns));
		fputc('\n', out);
	}
	fputc('\n', out);
}

int record_print_text(const struct record *r, const struct port_filter *filter, FILE *out)
{
	size_t count;
	_free_ struct record_row *rows = record_rows(r, filter, &count);

	if (!rows)
		return -ENOMEM;
	if (r->interval_ns) {
		print_rates(r, rows, count, filter->ports.count, out);
		return 0;
	}
	print_totals(rows, count, out);
	print_reasons(&r->total, out);
	return 0;
}
