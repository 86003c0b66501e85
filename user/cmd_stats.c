// SPDX-License-Identifier: GPL-2.0-only
/* stats: exact counters of every service port and of every reason. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "counts.h"
#include "util.h"

static const char *const table_names[XDPFW_TABLES] = {
	[XDPFW_TCP] = "tcp",
	[XDPFW_UDP] = "udp",
};

static const char *verdict_name(enum xdpfw_verdict verdict)
{
	static const char *const names[] = {"none", "pass", "drop", "reject"};

	return names[verdict];
}

static json_t *port_json(const struct port_row *row)
{
	return json_pack("{s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:I,s:I}", "dir", dir_name(row->dir), "proto",
			 table_names[row->table], "port", row->port, "rx_packets",
			 (json_int_t)row->sides[XDPFW_RX].packets, "rx_bytes", (json_int_t)row->sides[XDPFW_RX].bytes,
			 "tx_packets", (json_int_t)row->sides[XDPFW_TX].packets, "tx_bytes",
			 (json_int_t)row->sides[XDPFW_TX].bytes, "drop_packets",
			 (json_int_t)row->sides[XDPFW_DROPPED].packets, "drop_bytes",
			 (json_int_t)row->sides[XDPFW_DROPPED].bytes);
}

static json_t *reason_json(const struct reason_row *row)
{
	return json_pack("{s:s,s:s,s:s,s:I,s:I}", "dir", dir_name(row->dir), "reason", reason_name(row->reason),
			 "verdict", verdict_name(row->verdict), "packets", (json_int_t)row->count.packets, "bytes",
			 (json_int_t)row->count.bytes);
}

/* RFC 3339 in UTC with milliseconds. */
static void format_time(__u64 ns, char text[32])
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + strlen(text), 32 - strlen(text), ".%03uZ", (unsigned int)(ns / 1000000 % 1000));
}

static __u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void print_json(const struct counts *c, __u64 since)
{
	char now_text[32], since_text[32];
	json_t *ports = json_array(), *reasons = json_array(), *root;

	for (size_t i = 0; i < c->nr_ports; i++)
		json_array_append_new(ports, port_json(&c->ports[i]));
	for (size_t i = 0; i < c->nr_reasons; i++)
		json_array_append_new(reasons, reason_json(&c->reasons[i]));
	format_time(clock_ns(CLOCK_REALTIME), now_text);
	format_time(since, since_text);
	root = json_pack("{s:s,s:I,s:s,s:n,s:o,s:o}", "time", now_text, "mono_ns",
			 (json_int_t)clock_ns(CLOCK_MONOTONIC), "since", since_text, "interval_s", "ports", ports,
			 "reasons", reasons);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static void print_text(const struct counts *c)
{
	printf("%-4s %-5s %5s %12s %14s %12s %14s %12s %14s\n", "DIR", "PROTO", "PORT", "RX PACKETS", "RX BYTES",
	       "TX PACKETS", "TX BYTES", "DROPPED", "DROPPED BYTES");
	for (size_t i = 0; i < c->nr_ports; i++) {
		const struct port_row *row = &c->ports[i];

		printf("%-4s %-5s %5u", dir_name(row->dir), table_names[row->table], row->port);
		for (int side = 0; side < XDPFW_SIDES; side++)
			printf(" %12llu %14llu", (unsigned long long)row->sides[side].packets,
			       (unsigned long long)row->sides[side].bytes);
		putchar('\n');
	}
	printf("\n%-4s %-7s %-15s %12s %14s  %s\n", "DIR", "VERDICT", "REASON", "PACKETS", "BYTES", "MEANING");
	for (size_t i = 0; i < c->nr_reasons; i++) {
		const struct reason_row *row = &c->reasons[i];

		printf("%-4s %-7s %-15s %12llu %14llu  %s\n", dir_name(row->dir), verdict_name(row->verdict),
		       reason_name(row->reason), (unsigned long long)row->count.packets,
		       (unsigned long long)row->count.bytes, reason_text(row->reason));
	}
}

int cmd_stats(const struct settings *settings, struct words words, struct error *e)
{
	struct counts counts = {};
	struct session s;
	int err;

	if (words.count > 1)
		return fail(e, -EINVAL, "stats: '%s': takes no words", words.list[1]);
	err = require_root(e);
	if (!err)
		err = session_open(settings, false, &s, e);
	if (err)
		return err;
	if (!s.live)
		err = fail(e, -ENOTCONN, "not loaded: no interface is filtered; `xdpfw load IFACE` does that");
	if (!err && counts_read(&s.store, &counts))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err && settings->json)
		print_json(&counts, s.store.control->since_ns);
	else if (!err)
		print_text(&counts);
	counts_free(&counts);
	session_close(&s);
	return err;
}
