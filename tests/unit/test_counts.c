// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots of counters: differences, filters, and the records that `stats` prints. */
#include "counts.h"
#include "record.h"
#include "ticker.h"
#include "unit.h"

static struct port_row port(int dir, int table, int number, __u64 packets)
{
	return (struct port_row){
		.dir = dir,
		.table = table,
		.port = number,
		.sides = {{packets, packets * 100}, {packets / 2, packets * 10}, {0, 0}},
	};
}

static struct counts snapshot(size_t count, const struct port_row *rows)
{
	struct counts c = {.ports = malloc((count + 1) * sizeof(*rows)), .nr_ports = count};

	memcpy(c.ports, rows, count * sizeof(*rows));
	return c;
}

Test(counts, subtract_keeps_what_has_changed)
{
	const struct port_row then[] = {port(0, 0, 22, 10), port(0, 0, 80, 4), port(1, 1, 53, 8)};
	const struct port_row later[] = {port(0, 0, 22, 10), port(0, 0, 79, 2), port(0, 0, 80, 6), port(1, 0, 443, 1),
					 port(1, 1, 53, 9)};
	const struct port_row change[] = {port(0, 0, 79, 2), port(0, 0, 80, 2), port(1, 0, 443, 1), port(1, 1, 53, 1)};
	struct counts before = snapshot(3, then), after = snapshot(5, later);

	before.nr_reasons = 1;
	before.reasons[0] = (struct reason_row){0, XDPFW_PASS, XDPFW_R_RULE, {5, 500}};
	after.nr_reasons = 2;
	after.reasons[0] = (struct reason_row){0, XDPFW_PASS, XDPFW_R_RULE, {5, 500}};
	after.reasons[1] = (struct reason_row){0, XDPFW_DROP, XDPFW_R_DEFAULT, {7, 700}};
	counts_subtract(&after, &before);
	cr_assert_eq(after.nr_ports, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_expect_eq(port_row_compare(&after.ports[i], &change[i]), 0);
		cr_expect_eq(after.ports[i].sides[XDPFW_RX].packets, change[i].sides[XDPFW_RX].packets);
		cr_expect_eq(after.ports[i].sides[XDPFW_TX].bytes, change[i].sides[XDPFW_TX].bytes);
	}
	cr_assert_eq(after.nr_reasons, 1);
	cr_expect_eq(after.reasons[0].count.packets, 7);
	counts_free(&before);
	counts_free(&after);
}

Test(counts, find)
{
	const struct port_row rows[] = {port(0, 0, 22, 10), port(0, 1, 22, 4), port(1, 0, 22, 8)};
	struct counts c = snapshot(3, rows), none = {0};

	cr_expect_eq(counts_find(&c, 0, 1, 22), &c.ports[1]);
	cr_expect_null(counts_find(&c, 1, 1, 22));
	cr_expect_null(counts_find(&none, 0, 0, 22));
	counts_free(&c);
}

/* A record of one interval of two seconds. */
static struct record record(void)
{
	const struct port_row total[] = {port(0, 0, 22, 10), port(1, 1, 53, 8)};
	const struct port_row change[] = {port(1, 1, 53, 5)};

	return (struct record){
		.time_ns = 1500 * 1000000ULL,
		.mono_ns = 42,
		.interval_ns = 2 * NS_PER_SECOND,
		.total = snapshot(2, total),
		.change = snapshot(1, change),
	};
}

static char *printed(int (*print)(const struct record *, const struct port_filter *, FILE *), const struct record *r,
		     const struct port_filter *filter)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_eq(print(r, filter, out), 0);
	fclose(out);
	return text;
}

Test(record, csv)
{
	struct port_filter all = {0};
	struct record r = record();
	_free_ char *text = printed(record_print_csv, &r, &all);

	cr_expect_str_eq(text, "1970-01-01T00:00:01.500Z,2.000000,in,tcp,22,10,1000,5,100,0,0,0.0,0.0,0.0,0.0,0.0,0.0\n"
			       "1970-01-01T00:00:01.500Z,2.000000,out,udp,53,8,800,4,80,0,0,"
			       "2.5,2000.0,1.0,200.0,0.0,0.0\n");
	counts_free(&r.total);
	counts_free(&r.change);
}

Test(record, csv_of_a_single_record_has_no_rates)
{
	struct port_filter filter = {0};
	struct record r = record();
	_free_ char *text = NULL;

	r.interval_ns = 0;
	cr_assert_eq(parse_port_filter("53/udp", "--port", &filter, NULL), 0);
	text = printed(record_print_csv, &r, &filter);
	cr_expect_str_eq(text, "1970-01-01T00:00:01.500Z,,in,udp,53,0,0,0,0,0,0,,,,,,\n"
			       "1970-01-01T00:00:01.500Z,,out,udp,53,8,800,4,80,0,0,,,,,,\n");
	ports_free(&filter.ports);
	counts_free(&r.total);
	counts_free(&r.change);
}

Test(record, json)
{
	struct port_filter filter = {0};
	struct record r = record();
	_free_ char *text = NULL;

	cr_assert_eq(parse_port_filter("53/udp", "--port", &filter, NULL), 0);
	text = printed(record_print_json, &r, &filter);
	cr_expect_str_eq(text,
			 "{\"time\":\"1970-01-01T00:00:01.500Z\",\"mono_ns\":42,\"since\":\"1970-01-01T00:00:00.000Z\","
			 "\"interval_s\":2.0,\"ports\":["
			 "{\"dir\":\"in\",\"proto\":\"udp\",\"port\":53,\"rx_packets\":0,\"rx_bytes\":0,"
			 "\"tx_packets\":0,\"tx_bytes\":0,\"drop_packets\":0,\"drop_bytes\":0,\"rx_pps\":0.0,"
			 "\"rx_bps\":0.0,\"tx_pps\":0.0,\"tx_bps\":0.0,\"drop_pps\":0.0,\"drop_bps\":0.0},"
			 "{\"dir\":\"out\",\"proto\":\"udp\",\"port\":53,\"rx_packets\":8,\"rx_bytes\":800,"
			 "\"tx_packets\":4,\"tx_bytes\":80,\"drop_packets\":0,\"drop_bytes\":0,\"rx_pps\":2.5,"
			 "\"rx_bps\":2000.0,\"tx_pps\":1.0,\"tx_bps\":200.0,\"drop_pps\":0.0,\"drop_bps\":0.0}],"
			 "\"reasons\":[]}\n");
	ports_free(&filter.ports);
	counts_free(&r.total);
	counts_free(&r.change);
}

Test(record, named_ports_are_shown_in_every_table)
{
	struct port_filter filter = {0};
	struct record r = record();
	struct record_row *rows;
	size_t count;

	cr_assert_eq(parse_port_filter("22,52-53", "--port", &filter, NULL), 0);
	rows = record_rows(&r, &filter, &count);
	cr_assert_eq(count, 12);
	for (size_t i = 1; i < count; i++)
		cr_expect_lt(port_row_compare(&rows[i - 1].total, &rows[i].total), 0);
	cr_expect_eq(rows[0].total.sides[XDPFW_RX].packets, 10);
	free(rows);
	ports_free(&filter.ports);
	counts_free(&r.total);
	counts_free(&r.change);
}

Test(record, port_filter_refuses)
{
	static const struct refusal cases[] = {
		{"99999", "'99999': ports are 0..65535"},
		{"any", "--port 'any': counted are ports of tcp and udp; write 22, 80,443 or 53/udp"},
		{"22/sctp", "--port '22/sctp': counted are ports of tcp and udp; write 22, 80,443 or 53/udp"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_filter filter = {0};
		struct error e = {0};

		cr_expect_eq(parse_port_filter(cases[i].input, "--port", &filter, &e), -EINVAL);
		cr_expect_str_eq(e.text, cases[i].text);
	}
}

Test(ticker, parse_interval)
{
	static const struct {
		const char *word;
		__u64 ms;
	} good[] = {{"1", 1000}, {"0.1", 100}, {"0.25", 250}, {"2.125", 2125}, {"60", 60000}};
	static const char *const bad[] = {"",   "0",      "0.09", "61",  "1s", "-1", "1.",
					  ".5", "1.2345", "1,5",  "1e1", "01", "1.x"};
	__u64 ns = 7;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		cr_expect_eq(parse_interval(good[i].word, "--watch", 100, 60000, &ns, NULL), 0, "%s", good[i].word);
		cr_expect_eq(ns, good[i].ms * 1000000, "%s", good[i].word);
	}
	ns = 7;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = {0};

		cr_expect_eq(parse_interval(bad[i], "--watch", 100, 60000, &ns, &e), -EINVAL, "%s", bad[i]);
		cr_expect_not_null(strstr(e.text, "not an interval; write seconds, 0.1 to 60"));
	}
	cr_expect_eq(ns, 7);
}
