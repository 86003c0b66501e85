// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live_format.h"
#include "util.h"

#define TABLE_ROWS 50

/* Colours that people with any colour vision can tell apart (Okabe and Ito), then grey for the others. */
static const char style[] =
	":root{color-scheme:light dark;--fg:#1c1e21;--bg:#fff;--dim:#6a7076;--grid:#e3e6e8}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e6e8ea;--bg:#16181b;--dim:#98a0a6;--grid:#2c3034}}"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:900px;margin:2rem auto;"
	"padding:0 1rem}h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 "
	".4rem}p{color:var(--dim);margin:.3rem 0}"
	"svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:var(--dim)}"
	".grid{stroke:var(--grid)}polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}"
	".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:.3rem 0;font-size:13px}"
	".legend i{display:inline-block;width:12px;height:3px;margin-right:6px;vertical-align:middle}"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}"
	"th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid var(--grid)}"
	"th{color:var(--dim);font-weight:500}td:first-child,th:first-child{text-align:left}"
	".scroll{overflow-x:auto}";

static const char *const colours[] = {"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7",
				      "#56b4e9", "#b8a800", "#7b61c4", "#8a9096"};

void html_escape(const char *text, FILE *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void write_style(FILE *out)
{
	fprintf(out, "<style>%s", style);
	for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
		fprintf(out, ".s%zu{stroke:%s}.b%zu{background:%s}", i, colours[i], i, colours[i]);
	fputs("</style>\n", out);
}

static double total(const struct series_list *list)
{
	double sum = 0;

	for (size_t i = 0; i < list->count; i++)
		sum += list->rows[i].total;
	return sum;
}

static void write_head(const struct recording *r, FILE *out)
{
	char received[SHORT_NUMBER_MAX], sent[SHORT_NUMBER_MAX];

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width\"><title>xdpfw report</title>\n",
	      out);
	write_style(out);
	fputs("</head><body>\n<h1>xdpfw report</h1>\n<p>", out);
	html_escape(r->times[0], out);
	fputs(" to ", out);
	html_escape(r->times[r->count - 1], out);
	fprintf(out, "; %zu intervals, %.1f s. ", r->count, r->seconds[r->count - 1]);
	fprintf(out, "%sB received, %sB sent, %.0f packets dropped or rejected.</p>\n",
		format_short(total(&r->received) / 8, received), format_short(total(&r->sent) / 8, sent),
		total(&r->dropped));
	fputs("<p>A connection counts under the port that its request went to; in: requests from outside. "
	      "Times are UTC.</p>\n",
	      out);
}

/* A table of one list: what all the records come to, on average, and at most. */
static void write_table(const struct recording *r, const struct series_list *list, const char *title, const char *what,
			bool bits, FILE *out)
{
	double whole = r->seconds[r->count - 1];
	char mean[SHORT_NUMBER_MAX], peak[SHORT_NUMBER_MAX];

	if (!list->count)
		return;
	fprintf(out,
		"<section><h2>%s</h2><div class=\"scroll\"><table><tr><th>%s</th><th>%s</th><th>mean %s/s</th>"
		"<th>peak %s/s</th></tr>\n",
		title, what, bits ? "bytes" : "packets", bits ? "bits" : "packets", bits ? "bits" : "packets");
	for (size_t i = 0; i < list->count && i < TABLE_ROWS; i++) {
		const struct series *s = &list->rows[i];

		fputs("<tr><td>", out);
		html_escape(s->name, out);
		fprintf(out, "</td><td>%.0f</td><td>%s</td><td>%s</td></tr>\n", bits ? s->total / 8 : s->total,
			format_short(s->total / whole, mean), format_short(s->peak, peak));
	}
	fputs("</table></div>", out);
	if (list->count > TABLE_ROWS)
		fprintf(out, "<p>and %zu more</p>", list->count - TABLE_ROWS);
	fputs("</section>\n", out);
}

int report_write(struct recording *r, FILE *out)
{
	series_sort(&r->received);
	series_sort(&r->sent);
	series_sort(&r->dropped);
	series_sort(&r->reasons);
	write_head(r, out);
	plot_write(r, &r->received, "Received, by port", "bits/s", out);
	plot_write(r, &r->sent, "Sent, by port", "bits/s", out);
	plot_write(r, &r->dropped, "Dropped, by port", "packets/s", out);
	plot_write(r, &r->reasons, "Dropped, by reason", "packets/s", out);
	write_table(r, &r->received, "All that was received", "port", true, out);
	write_table(r, &r->sent, "All that was sent", "port", true, out);
	write_table(r, &r->dropped, "All that was dropped or rejected", "port", false, out);
	write_table(r, &r->reasons, "Why", "reason", false, out);
	fputs("<p>Made by xdpfw " XDPFW_VERSION ".</p>\n</body></html>\n", out);
	return fflush(out) ? -errno : 0;
}
