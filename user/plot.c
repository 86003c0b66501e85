// SPDX-License-Identifier: GPL-2.0-only
/* Line charts as SVG. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "live_format.h"
#include "report.h"
#include "util.h"

#define WIDTH    860
#define HEIGHT   240
#define LEFT     58
#define RIGHT    10
#define TOP      24
#define BOTTOM   26
#define LINES    8   /* series with a line of their own */
#define POINTS   800 /* as many as there is room for */
#define Y_TICKS  4
#define X_TICKS  5
#define CLOCK_AT 11 /* where "18:00:00" begins in RFC 3339 */

struct chart {
	const struct recording *recording;
	double top;  /* of the y axis */
	size_t step; /* records that one point stands for */
};

double nice_ceiling(double value)
{
	double unit = 1;

	while (unit * 10 <= value)
		unit *= 10;
	while (unit > value && unit > 1e-9)
		unit /= 10;
	if (value <= unit)
		return unit;
	return value <= 2 * unit ? 2 * unit : value <= 5 * unit ? 5 * unit : 10 * unit;
}

static double x_of(const struct chart *c, double seconds)
{
	const struct recording *r = c->recording;
	double whole = r->seconds[r->count - 1];

	return LEFT + (WIDTH - LEFT - RIGHT) * seconds / whole;
}

static double y_of(const struct chart *c, double value)
{
	return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / c->top;
}

/* The mean over the records that one point stands for. */
static double mean(const double *values, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += values[i];
	return sum / (to - from);
}

static void draw_axes(const struct chart *c, const char *unit, FILE *out)
{
	const struct recording *r = c->recording;
	char text[SHORT_NUMBER_MAX], clock[sizeof("18:00:00")];

	for (int i = 0; i <= Y_TICKS; i++) {
		double value = c->top * i / Y_TICKS, y = y_of(c, value);

		fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT,
			y, y);
		if (c->top < Y_TICKS * 2 && c->top > 0)
			fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>", LEFT - 6, y + 4, value);
		else
			fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 6, y + 4,
				format_short(value, text));
	}
	fprintf(out, "<text class=\"unit\" x=\"%d\" y=\"%d\">%s</text>", LEFT, TOP - 10, unit);
	for (int i = 0; i < X_TICKS; i++) {
		size_t at = (r->count - 1) * i / (X_TICKS - 1);
		const char *anchor = i == 0 ? "start" : i == X_TICKS - 1 ? "end" : "middle";
		double x = r->count > 1 ? x_of(c, r->seconds[at]) : i ? WIDTH - RIGHT : LEFT;

		if (r->count < X_TICKS && i && i < X_TICKS - 1)
			continue;
		fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", x, HEIGHT - 8, anchor);
		snprintf(clock, sizeof(clock), "%s", r->times[at] + (strlen(r->times[at]) > CLOCK_AT ? CLOCK_AT : 0));
		html_escape(clock, out);
		fputs("</text>", out);
	}
}

/* Over each interval a level line, as a rate is known for an interval only. */
static void draw_line(const struct chart *c, const double *values, int number, FILE *out)
{
	const struct recording *r = c->recording;
	double begin = r->seconds[0] - r->interval[0];

	fprintf(out, "<polyline class=\"s%d\" points=\"", number);
	for (size_t i = 0; i < r->count; i += c->step) {
		size_t end = i + c->step < r->count ? i + c->step : r->count;
		double y = y_of(c, mean(values, i, end));

		fprintf(out, "%.1f,%.1f %.1f,%.1f ", x_of(c, begin), y, x_of(c, r->seconds[end - 1]), y);
		begin = r->seconds[end - 1];
	}
	fputs("\"/>", out);
}

static double highest(const struct chart *c, const double *values)
{
	double most = 0;

	for (size_t i = 0; i < c->recording->count; i += c->step) {
		size_t end = i + c->step < c->recording->count ? i + c->step : c->recording->count;
		double value = mean(values, i, end);

		most = value > most ? value : most;
	}
	return most;
}

/* What the series without a line of their own sum up to; a new array. */
static double *sum_others(const struct recording *r, const struct series_list *list)
{
	double *sum = calloc(r->count, sizeof(*sum));

	for (size_t i = LINES; sum && i < list->count; i++)
		for (size_t j = 0; j < r->count; j++)
			sum[j] += list->rows[i].values[j];
	return sum;
}

static void write_legend(const struct series_list *list, FILE *out)
{
	fputs("<ul class=\"legend\">", out);
	for (size_t i = 0; i < list->count && i < LINES; i++) {
		fprintf(out, "<li><i class=\"b%zu\"></i>", i);
		html_escape(list->rows[i].name, out);
		fputs("</li>", out);
	}
	if (list->count > LINES)
		fprintf(out, "<li><i class=\"b%d\"></i>%zu others together</li>", LINES, list->count - LINES);
	fputs("</ul>\n", out);
}

void plot_write(const struct recording *r, const struct series_list *list, const char *title, const char *unit,
		FILE *out)
{
	struct chart c = {.recording = r, .step = (r->count + POINTS - 1) / POINTS};
	_free_ double *others = sum_others(r, list);
	double most = others ? highest(&c, others) : 0;
	size_t lines = list->count < LINES ? list->count : LINES;

	fprintf(out, "<section><h2>%s</h2>\n", title);
	if (!list->count) {
		fputs("<p class=\"none\">Nothing in this recording.</p></section>\n", out);
		return;
	}
	for (size_t i = 0; i < lines; i++) {
		double value = highest(&c, list->rows[i].values);

		most = value > most ? value : most;
	}
	c.top = nice_ceiling(most);
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", WIDTH, HEIGHT, title);
	draw_axes(&c, unit, out);
	if (others && list->count > LINES)
		draw_line(&c, others, LINES, out);
	for (size_t i = lines; i-- > 0;) /* the biggest on top */
		draw_line(&c, list->rows[i].values, i, out);
	fputs("</svg>\n", out);
	write_legend(list, out);
	fputs("</section>\n", out);
}
