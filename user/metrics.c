// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "metrics.h"

#include <errno.h>
#include <string.h>

#include "interfaces.h"
#include "util.h"

#define PORT_KEYS (XDPFW_COUNTED_DIRS * XDPFW_COUNTED_TABLES * XDPFW_PORTS)

enum place {
	PLACE_UNSEEN,
	PLACE_OTHER,
	PLACE_NAMED,
};

/* One metric, and where it is written. */
struct family {
	FILE *out;
	enum metrics_format format;
	const char *name; /* without _total */
	const char *type; /* counter, gauge */
	const char *unit; /* the last part of the name, NULL if it has none */
	const char *help;
};

static size_t port_key(int dir, int table, unsigned int port)
{
	return (dir * XDPFW_COUNTED_TABLES + table) * XDPFW_PORTS + port;
}

static unsigned int table_bit(int table)
{
	return table == XDPFW_TCP ? PROTO_TCP : PROTO_UDP;
}

static void name_chosen_ports(struct metrics *m)
{
	for (size_t i = 0; i < m->filter.ports.count; i++)
		for (unsigned int port = m->filter.ports.ranges[i].first; port <= m->filter.ports.ranges[i].last;
		     port++)
			for (int dir = 0; dir < XDPFW_COUNTED_DIRS; dir++)
				for (int table = 0; table < XDPFW_COUNTED_TABLES; table++)
					if (m->filter.protocols & table_bit(table))
						m->places[port_key(dir, table, port)] = PLACE_NAMED;
}

int metrics_init(struct metrics *m, const struct port_filter *filter, size_t most)
{
	*m = (struct metrics){.filter = *filter, .most = most, .places = calloc(PORT_KEYS, 1)};
	if (!m->places)
		return -ENOMEM;
	name_chosen_ports(m);
	return 0;
}

void metrics_free(struct metrics *m)
{
	free(m->places);
	m->places = NULL;
}

static bool has_passed(const struct port_row *row)
{
	return row->sides[XDPFW_RX].packets || row->sides[XDPFW_TX].packets;
}

static __u64 all_packets(const struct port_row *row)
{
	return row->sides[XDPFW_RX].packets + row->sides[XDPFW_TX].packets + row->sides[XDPFW_DROPPED].packets;
}

static int busiest_first(const void *a, const void *b)
{
	const struct port_row *one = *(const struct port_row *const *)a, *two = *(const struct port_row *const *)b;

	if (has_passed(one) != has_passed(two))
		return has_passed(one) ? -1 : 1;
	if (all_packets(one) != all_packets(two))
		return all_packets(one) > all_packets(two) ? -1 : 1;
	return port_row_compare(one, two);
}

static void add(struct xdpfw_count *sum, const struct xdpfw_count *count)
{
	sum->packets += count->packets;
	sum->bytes += count->bytes;
}

static void add_sides(struct xdpfw_count sum[XDPFW_SIDES], const struct port_row *row)
{
	for (int side = 0; side < XDPFW_SIDES; side++)
		add(&sum[side], &row->sides[side]);
}

/* Ports where something passed come first. Where all was dropped, somebody may be scanning: those get half of the places. */
static void place_row(struct metrics *m, const struct port_row *row)
{
	__u8 *place = &m->places[port_key(row->dir, row->table, row->port)];

	if (m->named >= (has_passed(row) ? m->most : m->most / 2)) {
		*place = PLACE_OTHER;
		return;
	}
	if (*place == PLACE_OTHER)
		add_sides(m->left[row->dir][row->table], row);
	*place = PLACE_NAMED;
	m->named++;
}

void metrics_choose(struct metrics *m, const struct counts *counts)
{
	_free_ const struct port_row **rows = malloc((counts->nr_ports + 1) * sizeof(const struct port_row *));
	size_t count = 0;

	if (m->filter.ports.count || !rows)
		return;
	for (size_t i = 0; i < counts->nr_ports; i++) {
		const struct port_row *row = &counts->ports[i];

		if (m->places[port_key(row->dir, row->table, row->port)] != PLACE_NAMED)
			rows[count++] = row;
	}
	qsort(rows, count, sizeof(const struct port_row *), busiest_first);
	for (size_t i = 0; i < count; i++)
		place_row(m, rows[i]);
}

/* A counter's samples end in _total. OpenMetrics names the family without it, the older format with it. */
static void begin(const struct family *f)
{
	const char *total = strcmp(f->type, "counter") == 0 && f->format == METRICS_PROMETHEUS ? "_total" : "";

	fprintf(f->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", f->name, total, f->help, f->name, total, f->type);
	if (f->unit && f->format == METRICS_OPENMETRICS)
		fprintf(f->out, "# UNIT %s %s\n", f->name, f->unit);
}

static void sample(const struct family *f, const char *labels, __u64 value)
{
	bool counter = strcmp(f->type, "counter") == 0;

	fprintf(f->out, "%s%s%s%s%s %llu\n", f->name, counter ? "_total" : "", *labels ? "{" : "", labels,
		*labels ? "}" : "", (unsigned long long)value);
}

/* The text of a label's value. */
static char *escape(const char *text)
{
	char *escaped = malloc(2 * strlen(text) + 1), *end = escaped;

	for (; escaped && *text; text++) {
		if (*text == '\\' || *text == '"' || *text == '\n')
			*end++ = '\\';
		*end++ = *text == '\n' ? 'n' : *text;
	}
	if (escaped)
		*end = '\0';
	return escaped;
}

static void port_sample(const struct family *f, const struct port_row *row, const char *port, int side, bool bytes)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "dir=\"%s\",proto=\"%s\",port=\"%s\"", dir_name(row->dir),
		 table_name(row->table), port);
	sample(f, labels, bytes ? row->sides[side].bytes : row->sides[side].packets);
}

/* The ports of one table that have series of their own, then the sum of the others. */
static void write_table(struct metrics *m, const struct counts *counts, const struct family *f, int dir, int table,
			int side, bool bytes)
{
	struct port_row other = {.dir = dir, .table = table};
	bool any_other = false;

	memcpy(other.sides, m->left[dir][table], sizeof(other.sides));
	for (size_t i = 0; i < counts->nr_ports; i++) {
		const struct port_row *row = &counts->ports[i];

		if ((int)row->dir != dir || (int)row->table != table)
			continue;
		if (m->places[port_key(dir, table, row->port)] == PLACE_NAMED)
			continue;
		any_other = true;
		add_sides(other.sides, row);
	}
	for (unsigned int port = 0; port < XDPFW_PORTS; port++) {
		const struct port_row *row, zero = {.dir = dir, .table = table, .port = port};
		char name[8];

		if (m->places[port_key(dir, table, port)] != PLACE_NAMED)
			continue;
		row = counts_find(counts, dir, table, port);
		snprintf(name, sizeof(name), "%u", port);
		port_sample(f, row ? row : &zero, name, side, bytes);
	}
	if (any_other || !port_row_is_zero(&other))
		port_sample(f, &other, "other", side, bytes);
}

int metrics_write_ports(struct metrics *m, const struct counts *counts, enum metrics_format format, FILE *out)
{
	static const struct {
		const char *name, *help;
		enum xdpfw_flow_side side;
		bool bytes;
	} all[] = {
		{"xdpfw_port_receive_packets", "Packets that passed toward the host, by service port.", XDPFW_RX,
		 false},
		{"xdpfw_port_receive_bytes", "Bytes that passed toward the host, by service port.", XDPFW_RX, true},
		{"xdpfw_port_transmit_packets", "Packets that passed from the host, by service port.", XDPFW_TX, false},
		{"xdpfw_port_transmit_bytes", "Bytes that passed from the host, by service port.", XDPFW_TX, true},
		{"xdpfw_port_drop_packets", "Packets dropped or rejected, by the port they were for.", XDPFW_DROPPED,
		 false},
		{"xdpfw_port_drop_bytes", "Bytes dropped or rejected, by the port they were for.", XDPFW_DROPPED, true},
	};

	metrics_choose(m, counts);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct family f = {out,        format, all[i].name, "counter", all[i].bytes ? "bytes" : "packets",
				   all[i].help};

		begin(&f);
		for (int dir = 0; dir < XDPFW_COUNTED_DIRS; dir++)
			for (int table = 0; table < XDPFW_COUNTED_TABLES; table++)
				write_table(m, counts, &f, dir, table, all[i].side, all[i].bytes);
	}
	return 0;
}

static void write_reasons(const struct counts *counts, bool bytes, enum metrics_format format, FILE *out)
{
	struct family f = {
		out,
		format,
		bytes ? "xdpfw_judged_bytes" : "xdpfw_judged_packets",
		"counter",
		bytes ? "bytes" : "packets",
		bytes ? "Bytes of all packets judged, by direction, verdict and reason."
		      : "Packets judged, by direction, verdict and reason.",
	};

	begin(&f);
	for (size_t i = 0; i < counts->nr_reasons; i++) {
		const struct reason_row *row = &counts->reasons[i];
		char labels[96];

		snprintf(labels, sizeof(labels), "dir=\"%s\",verdict=\"%s\",reason=\"%s\"", dir_name(row->dir),
			 verdict_name(row->verdict), reason_name(row->reason));
		sample(&f, labels, bytes ? row->count.bytes : row->count.packets);
	}
}

static void rule_sample(const struct family *f, const struct statement *s, __u64 value)
{
	_free_ char *text = statement_format(s), *escaped = text ? escape(text) : NULL, *labels = NULL;

	if (escaped && asprintf(&labels, "id=\"%016llx\",rule=\"%s\"", (unsigned long long)s->id, escaped) > 0)
		sample(f, labels, value);
}

/* Rules and forwards; those beyond the first thousand as one. */
static void write_rules(const struct session *s, bool bytes, enum metrics_format format, FILE *out)
{
	struct family f = {
		out,
		format,
		bytes ? "xdpfw_rule_bytes" : "xdpfw_rule_packets",
		"counter",
		bytes ? "bytes" : "packets",
		bytes ? "Bytes decided by a rule or forward." : "Packets decided by a rule or forward.",
	};
	size_t count = 0;
	__u64 other = 0;

	begin(&f);
	for (size_t i = 0; i < s->now.count; i++) {
		const struct statement *line = &s->now.statements[i];
		struct xdpfw_count counted;

		if ((line->kind != STATEMENT_RULE && line->kind != STATEMENT_FORWARD) || !line->counter)
			continue;
		counted = store_rule_count(&s->store, line->counter);
		if (count++ < METRICS_MOST_RULES)
			rule_sample(&f, line, bytes ? counted.bytes : counted.packets);
		else
			other += bytes ? counted.bytes : counted.packets;
	}
	if (count > METRICS_MOST_RULES)
		sample(&f, "id=\"other\",rule=\"other\"", other);
}

static void write_interfaces(const struct session *s, enum metrics_format format, FILE *out)
{
	struct family f = {out,     format, "xdpfw_interface_up",
			   "gauge", NULL,   "Whether a loaded interface is there and filtered."};

	begin(&f);
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &s->store.ifaces[i];
		_free_ char *name = NULL;
		char labels[128];

		if (!iface_is_live(&s->store, r))
			continue;
		name = escape(r->name);
		snprintf(labels, sizeof(labels), "interface=\"%s\",in=\"%s\",out=\"%s\"", name ? name : "",
			 in_hook_name(r->in_hook), out_hook_name(r->out_hook));
		sample(&f, labels, strcmp(record_state(s, r), "up") == 0);
	}
}

static void write_gauge(const char *name, const char *unit, const char *help, const char *labels, __u64 value,
			enum metrics_format format, FILE *out)
{
	struct family f = {out, format, name, "gauge", unit, help};

	begin(&f);
	sample(&f, labels, value);
}

static int write_loaded(struct metrics *m, const struct session *s, enum metrics_format format, FILE *out)
{
	struct counts counts;
	int err = counts_read(&s->store, &counts);

	if (err)
		return err;
	write_gauge("xdpfw_policy_generation", NULL, "Number of the policy in force.", "", s->store.control->generation,
		    format, out);
	write_gauge("xdpfw_rules_file_in_sync", NULL, "Whether the rules file says what is in force.", "",
		    session_in_sync(s), format, out);
	write_gauge("xdpfw_counters_start_time_seconds", "seconds", "When the counters began, in Unix time.", "",
		    s->store.control->since_ns / 1000000000, format, out);
	write_interfaces(s, format, out);
	write_reasons(&counts, false, format, out);
	write_reasons(&counts, true, format, out);
	write_rules(s, false, format, out);
	write_rules(s, true, format, out);
	err = metrics_write_ports(m, &counts, format, out);
	counts_free(&counts);
	return err;
}

int metrics_write(struct metrics *m, const struct session *s, enum metrics_format format, FILE *out)
{
	int err = 0;

	write_gauge("xdpfw_build_info", NULL, "The program that wrote this.", "version=\"" XDPFW_VERSION "\"", 1,
		    format, out);
	write_gauge("xdpfw_loaded", NULL, "Whether any interface is filtered.", "", s->live, format, out);
	if (s->live)
		err = write_loaded(m, s, format, out);
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
	return err;
}
