// SPDX-License-Identifier: GPL-2.0-only
/* The model behind `top`: changes, the last minute, order, filters; and how numbers look. */
#include "live.h"
#include "live_format.h"
#include "ticker.h"
#include "unit.h"

#define SECOND NS_PER_SECOND

static struct live_row *count(struct live *t, __u32 key, __u64 received, __u64 dropped)
{
	const struct xdpfw_count sides[XDPFW_SIDES] = {
		[XDPFW_RX] = {received, received * 100},
		[XDPFW_DROPPED] = {dropped, dropped * 60},
	};
	struct live_row *row = live_count(t, key, sides);

	cr_assert_not_null(row);
	row->port = key;
	return row;
}

static struct live begin(bool labelled)
{
	struct live t;

	cr_assert_eq(live_init(&t, 70000, labelled), 0);
	live_begin(&t, 10 * SECOND);
	return t;
}

Test(live, changes)
{
	struct live t = begin(false);
	struct live_row *row = count(&t, 22, 1000, 5);

	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, false), 0, "what was before is no change");
	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, true), 1000);
	live_begin(&t, 12 * SECOND);
	row = count(&t, 22, 1010, 6);
	cr_expect_eq(t.interval_ns, 2 * SECOND);
	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, false), 10);
	cr_expect_eq(live_value(row, LIVE_RX_BITS, false), 8000);
	cr_expect_eq(live_value(row, LIVE_RX_BITS, true), 101000, "totals are bytes");
	cr_expect_eq(live_value(row, LIVE_DROP_PACKETS, false), 1);
	cr_expect_eq(live_value(row, LIVE_ACTIVITY, false), 11);
	row = count(&t, 80, 7, 0);
	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, false), 7, "a new row began at zero");
	live_begin(&t, 13 * SECOND);
	cr_expect_eq(live_value(live_find(&t, 22), LIVE_ACTIVITY, false), 0);
	cr_expect_null(live_find(&t, 23));
	live_free(&t);
}

Test(live, totals_begin_at_the_last_reset)
{
	struct live t = begin(false);
	struct live_row *row = count(&t, 22, 1000, 5);

	memcpy(row->base, row->now, sizeof(row->base));
	live_begin(&t, 11 * SECOND);
	row = count(&t, 22, 1003, 5);
	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, true), 3);
	cr_expect_eq(live_value(row, LIVE_RX_BITS, true), 300);
	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, false), 3);
	live_free(&t);
}

Test(live, a_counter_that_fell_is_another_one)
{
	struct live t = begin(false);
	struct live_row *row;

	count(&t, 22, 1000, 0);
	live_begin(&t, 11 * SECOND);
	row = count(&t, 22, 4, 0);
	cr_expect_eq(live_value(row, LIVE_RX_PACKETS, false), 4);
	cr_expect_eq(live_value(row, LIVE_RX_BITS, false), 3200);
	live_free(&t);
}

Test(live, the_last_minute)
{
	struct live t = begin(false);
	__u32 history[LIVE_SECONDS];

	/* A second each, one of them a little early and one a little late. */
	count(&t, 22, 0, 1);
	live_begin(&t, 11 * SECOND - SECOND / 10);
	count(&t, 22, 5, 1);
	live_begin(&t, 12 * SECOND + SECOND / 10);
	count(&t, 22, 11, 1);
	/* Two ticks in one second, then one for three. */
	live_begin(&t, 12 * SECOND + SECOND / 4);
	count(&t, 22, 13, 1);
	live_begin(&t, 15 * SECOND);
	live_history(&t, count(&t, 22, 23, 1), history);
	cr_expect_eq(history[59], 4);
	cr_expect_eq(history[58], 3);
	cr_expect_eq(history[57], 3);
	cr_expect_eq(history[56], 6 + 2);
	cr_expect_eq(history[55], 5);
	cr_expect_eq(history[54], 0);
	/* A minute later all is forgotten. */
	live_begin(&t, 80 * SECOND);
	live_history(&t, live_find(&t, 22), history);
	for (int i = 0; i < LIVE_SECONDS; i++)
		cr_expect_eq(history[i], 0);
	live_free(&t);
}

static void expect_order(const struct live *t, const struct live_filter *filter, const struct live_order *order,
			 const char *expected)
{
	size_t most = 100, matching;
	_free_ __u32 *chosen = malloc(most * sizeof(*chosen));
	size_t n = live_select(t, filter, order, most, chosen, &matching);
	char text[512] = "";

	cr_expect_eq(n, matching);
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "",
			 t->rows[chosen[i]].key);
	cr_expect_str_eq(text, expected);
}

Test(live, order_and_filter)
{
	struct live t = begin(false);
	struct live_filter all = {.dir = -1}, filter;

	count(&t, 80, 10, 0)->dir = XDPFW_IN;
	count(&t, 22, 30, 9)->dir = XDPFW_IN;
	count(&t, 53, 20, 0)->dir = XDPFW_OUT;
	count(&t, 443, 0, 40)->dir = XDPFW_OUT;
	live_begin(&t, 11 * SECOND);
	count(&t, 80, 15, 0);
	count(&t, 443, 0, 41);
	expect_order(&t, &all, &(struct live_order){.column = LIVE_ACTIVITY}, "80 443 22 53");
	expect_order(&t, &all, &(struct live_order){.column = LIVE_NAME}, "22 53 80 443");
	expect_order(&t, &all, &(struct live_order){.column = LIVE_NAME, .reverse = true}, "443 80 53 22");
	expect_order(&t, &all, &(struct live_order){.column = LIVE_RX_PACKETS, .totals = true}, "22 53 80 443");
	expect_order(&t, &all, &(struct live_order){.column = LIVE_DROP_BITS, .totals = true}, "443 22 53 80");
	filter = all, filter.dir = XDPFW_OUT;
	expect_order(&t, &filter, &(struct live_order){.column = LIVE_NAME}, "53 443");
	filter = all, filter.dropped = true;
	expect_order(&t, &filter, &(struct live_order){.column = LIVE_NAME}, "22 443");
	filter = all, filter.passed = true;
	expect_order(&t, &filter, &(struct live_order){.column = LIVE_NAME}, "22 53 80");
	filter = all;
	cr_assert_eq(parse_ports("22,50-80", &filter.ports, NULL), 0);
	expect_order(&t, &filter, &(struct live_order){.column = LIVE_NAME}, "22 53 80");
	ports_free(&filter.ports);
	live_free(&t);
}

Test(live, rules_are_filtered_by_their_text)
{
	struct live t = begin(true);
	struct live_filter filter = {.dir = -1};

	count(&t, 3, 1, 0)->label = "allow in 22";
	count(&t, 1, 0, 0)->label = "allow in 222/tcp";
	count(&t, 2, 5, 0)->label = NULL; /* deleted meanwhile */
	expect_order(&t, &filter, &(struct live_order){.column = LIVE_NAME}, "1 3");
	filter.text = "222";
	expect_order(&t, &filter, &(struct live_order){.column = LIVE_NAME}, "1");
	live_free(&t);
}

/* The first rows of a selection are those of a full sort, whatever the order they came in. */
Test(live, selection_is_the_head_of_the_sorted_list)
{
	struct live t = begin(false);
	struct live_filter all = {.dir = -1};
	struct live_order order = {.column = LIVE_RX_PACKETS, .totals = true};
	_free_ __u32 *sorted = malloc(65536 * sizeof(*sorted)), *some = malloc(65536 * sizeof(*some));
	size_t matching;

	srand(7);
	for (int i = 0; i < 65536; i++)
		count(&t, i, 1 + rand() % 1000, 0);
	cr_assert_eq(live_select(&t, &all, &order, 65536, sorted, &matching), 65536);
	for (size_t i = 1; i < 65536; i++)
		cr_assert_geq(t.rows[sorted[i - 1]].now[0].packets, t.rows[sorted[i]].now[0].packets);
	for (size_t most = 1; most <= 65536; most = most * 3 + 1) {
		cr_assert_eq(live_select(&t, &all, &order, most, some, &matching), most);
		cr_expect_eq(matching, 65536);
		cr_expect_arr_eq(some, sorted, most * sizeof(*some));
	}
	for (int count = 1; count < 6; count++) { /* the smallest ones, where partitions are hard to get right */
		t.count = count;
		for (size_t most = 1; most <= (size_t)count; most++)
			cr_expect_eq(live_select(&t, &all, &order, most, some, &matching), most);
	}
	live_free(&t);
}

Test(live_format, short_numbers)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},         {0.4, "0"},        {9.6, "10"},      {999, "999"},      {999.4, "999"},
		{999.6, "1.00k"}, {1000, "1.00k"},   {1234, "1.23k"},  {9994, "9.99k"},   {9996, "10.0k"},
		{99949, "99.9k"}, {99960, "100k"},   {999499, "999k"}, {999501, "1.00M"}, {12345678, "12.3M"},
		{5e9, "5.00G"},   {1.8e19, "18.0E"},
	};
	char text[SHORT_NUMBER_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_str_eq(format_short(cases[i].value, text), cases[i].text);
}

Test(live_format, sparkline)
{
	static const __u32 samples[8] = {0, 1, 100, 200, 800, 400, 0, 500}, silence[8] = {0};
	char text[64];

	cr_expect_str_eq(format_sparkline(samples, 8, 8, false, text), " ..:#= +");
	cr_expect_str_eq(format_sparkline(samples, 8, 8, true, text), " ▁▁▂█▄ ▅");
	cr_expect_str_eq(format_sparkline(samples, 8, 4, false, text), ".:#+");
	cr_expect_str_eq(format_sparkline(silence, 8, 8, true, text), "        ");
	cr_expect_str_eq(format_sparkline(samples, 8, 0, true, text), "");
}

Test(live_format, clipped)
{
	char text[64];

	cr_expect_str_eq(format_clipped("allow in 22", 8, true, text), "allow in");
	cr_expect_str_eq(format_clipped("für alle", 3, true, text), "für");
	cr_expect_str_eq(format_clipped("für alle", 4, false, text), "f?r ");
	cr_expect_str_eq(format_clipped("a\x1b[31m", 9, true, text), "a?[31m");
	cr_expect_str_eq(format_clipped("", 9, true, text), "");
}
