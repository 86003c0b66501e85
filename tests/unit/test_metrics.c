// SPDX-License-Identifier: GPL-2.0-only
/* Which ports have series of their own, and that sums stay true whatever happens. */
#include "metrics.h"
#include "unit.h"

static struct counts counts_of(size_t count)
{
	return (struct counts){.ports = calloc(count, sizeof(struct port_row)), .nr_ports = count};
}

static void set(struct counts *c, size_t i, int port, __u64 received, __u64 dropped)
{
	c->ports[i] = (struct port_row){.dir = XDPFW_IN, .table = XDPFW_UDP, .port = port};
	c->ports[i].sides[XDPFW_RX] = (struct xdpfw_count){received, received * 100};
	c->ports[i].sides[XDPFW_DROPPED] = (struct xdpfw_count){dropped, dropped * 60};
}

static char *written(struct metrics *m, const struct counts *c, enum metrics_format format)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_eq(metrics_write_ports(m, c, format, out), 0);
	fclose(out);
	return text;
}

/* The value of a sample, -1 if it is not there. */
static long value(const char *text, const char *name, const char *port)
{
	char start[128];
	const char *at;

	snprintf(start, sizeof(start), "\n%s{dir=\"in\",proto=\"udp\",port=\"%s\"} ", name, port);
	at = strstr(text, start);
	return at ? strtol(at + strlen(start), NULL, 10) : -1;
}

#define RECEIVED "xdpfw_port_receive_packets_total"
#define DROPPED  "xdpfw_port_drop_packets_total"

Test(metrics, formats)
{
	struct port_filter all = {0};
	struct counts c = counts_of(1);
	struct metrics m;
	_free_ char *one = NULL, *two = NULL;

	set(&c, 0, 53, 7, 0);
	cr_assert_eq(metrics_init(&m, &all, 10), 0);
	one = written(&m, &c, METRICS_OPENMETRICS);
	two = written(&m, &c, METRICS_PROMETHEUS);
	cr_expect_not_null(
		strstr(one, "# HELP xdpfw_port_receive_bytes Bytes that passed toward the host, by service port.\n"
			    "# TYPE xdpfw_port_receive_bytes counter\n"
			    "# UNIT xdpfw_port_receive_bytes bytes\n"
			    "xdpfw_port_receive_bytes_total{dir=\"in\",proto=\"udp\",port=\"53\"} 700\n"));
	cr_expect_not_null(strstr(two, "# TYPE xdpfw_port_receive_bytes_total counter\n"
				       "xdpfw_port_receive_bytes_total{dir=\"in\",proto=\"udp\",port=\"53\"} 700\n"));
	cr_expect_null(strstr(two, "# UNIT"));
	metrics_free(&m);
	counts_free(&c);
}

Test(metrics, a_scan_of_all_ports_is_bounded)
{
	struct port_filter all = {0};
	struct counts c = counts_of(65536);
	struct metrics m;
	_free_ char *text = NULL;
	size_t lines = 0;

	for (int port = 0; port < 65536; port++)
		set(&c, port, port, 0, port + 1);
	set(&c, 80, 80, 5, 0);
	cr_assert_eq(metrics_init(&m, &all, 10), 0);
	text = written(&m, &c, METRICS_PROMETHEUS);
	for (const char *at = text; (at = strstr(at, "\n" DROPPED "{")); at++)
		lines++;
	cr_expect_eq(lines, 6, "five ports, as port 80 takes one, and the others: %zu", lines);
	cr_expect_eq(value(text, RECEIVED, "80"), 5);
	cr_expect_eq(value(text, DROPPED, "65535"), 65536);
	cr_expect_eq(value(text, DROPPED, "7"), -1);
	metrics_free(&m);
	counts_free(&c);
}

Test(metrics, no_counter_falls_when_a_port_gets_its_own_series)
{
	struct port_filter all = {0};
	struct counts c = counts_of(3);
	struct metrics m;
	_free_ char *before = NULL, *after = NULL;

	set(&c, 0, 1, 0, 50);
	set(&c, 1, 2, 0, 40);
	set(&c, 2, 3, 0, 30);
	cr_assert_eq(metrics_init(&m, &all, 4), 0);
	before = written(&m, &c, METRICS_PROMETHEUS);
	cr_expect_eq(value(before, DROPPED, "3"), -1, "half of the places is for ports where all was dropped");
	cr_expect_eq(value(before, DROPPED, "other"), 30);
	set(&c, 2, 3, 8, 31); /* something passes now */
	after = written(&m, &c, METRICS_PROMETHEUS);
	cr_expect_eq(value(after, RECEIVED, "3"), 8);
	cr_expect_eq(value(after, DROPPED, "3"), 31);
	cr_expect_geq(value(after, DROPPED, "other"), 30);
	cr_expect_eq(value(after, DROPPED, "1"), 50);
	metrics_free(&m);
	counts_free(&c);
}

Test(metrics, chosen_ports_are_there_at_zero)
{
	struct port_filter filter = {0};
	struct counts c = counts_of(1);
	struct metrics m;
	_free_ char *text = NULL;

	set(&c, 0, 53, 7, 0);
	cr_assert_eq(parse_port_filter("22,80/udp", "--ports", &filter, NULL), 0);
	cr_assert_eq(metrics_init(&m, &filter, 10), 0);
	text = written(&m, &c, METRICS_PROMETHEUS);
	cr_expect_eq(value(text, RECEIVED, "22"), 0);
	cr_expect_eq(value(text, RECEIVED, "80"), 0);
	cr_expect_eq(value(text, RECEIVED, "53"), -1);
	cr_expect_eq(value(text, RECEIVED, "other"), 7);
	metrics_free(&m);
	ports_free(&filter.ports);
	counts_free(&c);
}
