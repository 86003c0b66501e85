// SPDX-License-Identifier: GPL-2.0-only
/* Reading recorded runs of `stats --watch --json`, and drawing them. */
#include "recording.h"
#include "report.h"
#include "unit.h"

#define LINE(time, mono, interval, rx, drop)                                                                           \
	"{\"time\":\"2026-11-25T18:00:0" time "Z\",\"mono_ns\":" mono ",\"since\":\"x\",\"interval_s\":" interval      \
	",\"ports\":[{\"dir\":\"in\",\"proto\":\"tcp\",\"port\":22,\"rx_bps\":" rx ",\"tx_bps\":0,\"drop_pps\":0}],"   \
	"\"reasons\":[{\"dir\":\"in\",\"reason\":\"default\",\"verdict\":\"drop\",\"pps\":" drop "},"                  \
	"{\"dir\":\"in\",\"reason\":\"rule\",\"verdict\":\"pass\",\"pps\":5}]}\n"

static int read_text(const char *text, struct recording *r, struct error *e)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int err = recording_read(in, "run", r, e);

	fclose(in);
	return err;
}

Test(recording, series)
{
	struct recording r;
	struct error e = {0};
	int err = read_text(
		LINE("1", "10000000000", "1.0", "800", "3") "\n" LINE("3", "12000000000", "2", "1600.5", "0"), &r, &e);

	cr_assert_eq(err, 0, "%s", e.text);
	cr_assert_eq(r.count, 2);
	cr_expect_float_eq(r.seconds[0], 1, 1e-9);
	cr_expect_float_eq(r.seconds[1], 3, 1e-9);
	cr_expect_str_eq(r.times[1], "2026-11-25T18:00:03Z");
	cr_assert_eq(r.received.count, 1);
	cr_expect_str_eq(r.received.rows[0].name, "in tcp 22");
	cr_expect_float_eq(r.received.rows[0].values[1], 1600.5, 1e-9);
	cr_expect_float_eq(r.received.rows[0].total, 800 + 2 * 1600.5, 1e-9);
	cr_expect_float_eq(r.received.rows[0].peak, 1600.5, 1e-9);
	cr_expect_eq(r.sent.count, 0, "what is always zero is no series");
	cr_assert_eq(r.reasons.count, 1, "what passes is no drop");
	cr_expect_str_eq(r.reasons.rows[0].name, "in default (drop)");
	cr_expect_float_eq(r.reasons.rows[0].total, 3, 1e-9);
	recording_free(&r);
}

/* A port that begins late was silent before, however long the recording. */
Test(recording, long_ones)
{
	struct recording r;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 1; i <= 1000; i++)
		fprintf(out,
			"{\"time\":\"t\",\"mono_ns\":%d000000000,\"interval_s\":1.0,\"ports\":[{\"dir\":\"in\","
			"\"proto\":\"udp\",\"port\":%d,\"rx_bps\":1,\"tx_bps\":2,\"drop_pps\":3}],\"reasons\":[]}\n",
			i, i / 100);
	fclose(out);
	cr_assert_eq(read_text(text, &r, NULL), 0);
	cr_expect_eq(r.count, 1000);
	cr_assert_eq(r.received.count, 11);
	cr_expect_float_eq(r.received.rows[10].values[999], 1, 1e-9);
	for (int i = 0; i < 999; i++)
		cr_expect_float_eq(r.received.rows[10].values[i], 0, 1e-9);
	free(text);
	recording_free(&r);
}

Test(recording, refuses)
{
	static const struct refusal cases[] = {
		{"\n", "run: no interval recorded; write `xdpfw stats --watch 1 --count 60 --json` first"},
		{LINE("1", "1", "null", "0", "0"),
		 "run: no interval recorded; write `xdpfw stats --watch 1 --count 60 --json` first"},
		{"\n{}\n", "run:2: not a record of `xdpfw stats --watch S --json`"},
		{"[1]\n", "run:1: not a record of `xdpfw stats --watch S --json`"},
		{"time,interval_s\n", "run:1: not a record of `xdpfw stats --watch S --json`"},
		{LINE("1", "10", "1", "0", "0") LINE("1", "10", "1", "0", "0"),
		 "run:2: not a record of `xdpfw stats --watch S --json`"},
		{LINE("1", "10", "-1", "0", "0"), "run:1: not a record of `xdpfw stats --watch S --json`"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recording r;
		struct error e = {0};

		cr_expect_eq(read_text(cases[i].input, &r, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
	}
}

Test(plot, nice_ceiling)
{
	static const double cases[][2] = {{1, 1},   {1.1, 2},    {3, 5},       {7, 10},    {10, 10},
					  {11, 20}, {999, 1000}, {1234, 2000}, {0.3, 0.5}, {0.07, 0.1}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_float_eq(nice_ceiling(cases[i][0]), cases[i][1], 1e-9, "%g", cases[i][0]);
}

Test(report, names_from_a_file_are_escaped)
{
	static const char line[] =
		"{\"time\":\"<b>\",\"mono_ns\":9000000000,\"interval_s\":1,\"ports\":[{\"dir\":\"<script>\","
		"\"proto\":\"&\",\"port\":1,\"rx_bps\":1,\"tx_bps\":2,\"drop_pps\":3}],\"reasons\":[]}\n";
	struct recording r;
	_free_ char *page = NULL;
	size_t size;
	FILE *out = open_memstream(&page, &size);

	cr_assert_eq(read_text(line, &r, NULL), 0);
	cr_expect_eq(report_write(&r, out), 0);
	fclose(out);
	cr_expect_null(strstr(page, "<script>"));
	cr_expect_null(strstr(page, "<b>"));
	cr_expect_not_null(strstr(page, "&lt;script&gt; &amp; 1"));
	recording_free(&r);
}
