// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "top_screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "interfaces.h"
#include "live_format.h"
#include "ticker.h"
#include "util.h"

enum line {
	LINE_TITLE,
	LINE_INTERFACES,
	LINE_IN,
	LINE_OUT,
	LINE_DROPS,
	LINE_COLUMNS,
	LINE_ROWS, /* the first of them; the last line of the screen has the keys */
};

enum colour {
	PLAIN,
	COLOUR_PASSED,
	COLOUR_DROPPED,
	COLOUR_SPARKLINE,
};

/* Where things stand, by the width of the screen. */
struct layout {
	int name, value, sparkline; /* widths */
};

static bool utf8, coloured;

size_t screen_rows(void)
{
	return LINES > LINE_ROWS + 1 ? LINES - LINE_ROWS - 1 : 0;
}

static struct layout layout(const struct top_view *view)
{
	struct layout l = {.value = COLS < 100 ? 8 : COLS < 140 ? 10 : 13};
	int left = COLS - (LIVE_ACTIVITY - LIVE_RX_PACKETS) * l.value - 1;

	l.name = !view->rules ? 14 : left / 2 < 72 ? left * 7 / 10 : 72;
	l.sparkline = left - l.name < LIVE_SECONDS ? left - l.name : LIVE_SECONDS;
	return l;
}

static int sparkline_at(const struct layout *l)
{
	return l->name + (LIVE_ACTIVITY - LIVE_RX_PACKETS) * l->value + 1;
}

static int colour(enum colour pair)
{
	return coloured ? (int)COLOR_PAIR(pair) : 0;
}

static void start_colours(void)
{
	const char *no_color = getenv("NO_COLOR");

	coloured = (!no_color || !*no_color) && has_colors();
	if (!coloured)
		return;
	start_color();
	use_default_colors();
	init_pair(COLOUR_PASSED, COLOR_GREEN, -1);
	init_pair(COLOUR_DROPPED, COLOR_RED, -1);
	init_pair(COLOUR_SPARKLINE, COLOR_CYAN, -1);
}

int screen_open(struct error *e)
{
	const char *terminal = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail(e, -ENOTTY, "top: not a terminal; for scripts there is `xdpfw stats --watch 1`");
	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	set_escdelay(50);
	if (!newterm(NULL, stdout, stdin))
		return fail(e, -ENOTTY, "top: TERM '%s': this kind of terminal is not known",
			    excerpt(terminal ? terminal : "").text);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	start_colours();
	return 0;
}

void screen_close(void)
{
	endwin();
}

void screen_resize(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	clear();
}

static void put(int line, int column, const char *text)
{
	if (line >= 0 && line < LINES && column < COLS)
		mvaddnstr(line, column, text, -1);
}

static void put_clipped(int line, int column, size_t width, const char *text)
{
	_free_ char *clipped = malloc(4 * width + 1);

	if (clipped)
		put(line, column, format_clipped(text, width, utf8, clipped));
}

static const char *order_name(const struct live_order *order)
{
	static const char *const rates[LIVE_COLUMNS] = {"name",   "rx pps",   "rx b/s",   "tx pps",
							"tx b/s", "drop pps", "drop b/s", "activity"};
	static const char *const totals[LIVE_COLUMNS] = {"name",     "rx packets",   "rx bytes",   "tx packets",
							 "tx bytes", "drop packets", "drop bytes", "activity"};

	return (order->totals ? totals : rates)[order->column];
}

static void draw_title(const struct top *top, const struct top_view *view)
{
	static const char *const dirs[] = {"", " in", " out", " routed"};
	const struct live_filter *f = &view->filter;
	char title[512], right[64], clock[16];
	time_t now = time(NULL);
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	snprintf(right, sizeof(right), "%severy %g s  %s", view->paused ? "PAUSED  " : "",
		 (double)view->interval_ns / NS_PER_SECOND, clock);
	snprintf(title, sizeof(title), "xdpfw %s: %s by %s%s%s%s%s%s%s", top->session.instance.name,
		 view->rules ? "rules" : "ports", order_name(&view->order), view->order.reverse ? ", least first" : "",
		 dirs[f->dir + 1], f->passed ? " passed" : "", f->dropped ? " dropped" : "", view->text[0] ? " /" : "",
		 view->text);
	attron(A_BOLD);
	put_clipped(LINE_TITLE, 0, COLS - strlen(right) - 1, title);
	put_clipped(LINE_TITLE, COLS - strlen(right), strlen(right), right);
	attroff(A_BOLD);
}

static void draw_interfaces(const struct top *top)
{
	const struct session *s = &top->session;
	char text[512] = "";

	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &s->store.ifaces[i];
		size_t length = strlen(text);

		if (!iface_is_live(&s->store, r))
			continue;
		if (strcmp(record_state(s, r), "up") == 0)
			snprintf(text + length, sizeof(text) - length, "%s%s: in %s, out %s", length ? "; " : "",
				 r->name, in_hook_text(r->in_hook), out_hook_text(r->out_hook));
		else
			snprintf(text + length, sizeof(text) - length, "%s%s: GONE", length ? "; " : "", r->name);
	}
	put_clipped(LINE_INTERFACES, 0, COLS, text);
}

static void draw_flow(const struct top *top, enum line line, enum xdpfw_dir dir)
{
	struct xdpfw_count passed = top_flow(top, dir, false), dropped = top_flow(top, dir, true);
	double seconds = (double)top->ports.interval_ns / NS_PER_SECOND;
	char text[128], numbers[4][SHORT_NUMBER_MAX];

	if (!top->ports.interval_ns)
		seconds = 1;
	format_short(passed.packets / seconds, numbers[0]);
	format_short(passed.bytes * 8 / seconds, numbers[1]);
	format_short(dropped.packets / seconds, numbers[2]);
	format_short(dropped.bytes * 8 / seconds, numbers[3]);
	snprintf(text, sizeof(text), "%-4s passed %5s packets/s %5s bits/s   ", dir_name(dir), numbers[0], numbers[1]);
	put(line, 0, text);
	attron(colour(dropped.packets ? COLOUR_DROPPED : PLAIN));
	snprintf(text, sizeof(text), "dropped %5s packets/s %5s bits/s", numbers[2], numbers[3]);
	addstr(text);
	attroff(colour(dropped.packets ? COLOUR_DROPPED : PLAIN));
}

static void draw_drops(const struct top *top)
{
	double seconds = (double)top->ports.interval_ns / NS_PER_SECOND;
	char text[256] = "drops: none", number[SHORT_NUMBER_MAX];
	struct reason_row rows[4];
	size_t count = top_drops(top, rows, ARRAY_SIZE(rows)), length = strlen("drops: ");

	for (size_t i = 0; i < count; i++)
		length += snprintf(text + length, sizeof(text) - length, "%s%s %s %s/s", i ? ", " : "",
				   dir_name(rows[i].dir), reason_name(rows[i].reason),
				   format_short(rows[i].count.packets / seconds, number));
	put_clipped(LINE_DROPS, 0, COLS, text);
}

static void draw_columns(const struct top_view *view, const struct layout *l)
{
	static const char *const rates[] = {"RX PPS", "RX B/S", "TX PPS", "TX B/S", "DRP PPS", "DRP B/S"};
	static const char *const totals[] = {"RX PKT", "RX BYT", "TX PKT", "TX BYT", "DRP PKT", "DRP BYT"};

	attron(A_REVERSE);
	mvhline(LINE_COLUMNS, 0, ' ', COLS);
	put(LINE_COLUMNS, 0, view->rules ? "RULE" : "DIR PRO  PORT");
	for (int i = 0; i < LIVE_ACTIVITY - LIVE_RX_PACKETS; i++) {
		bool sorted = view->order.column == (enum live_column)(LIVE_RX_PACKETS + i);

		(sorted ? attron : attroff)(A_BOLD);
		mvprintw(LINE_COLUMNS, l->name + i * l->value, "%*s", l->value,
			 (view->order.totals ? totals : rates)[i]);
	}
	(view->order.column == LIVE_ACTIVITY ? attron : attroff)(A_BOLD);
	put_clipped(LINE_COLUMNS, sparkline_at(l), l->sparkline, "LAST MINUTE");
	attroff(A_REVERSE | A_BOLD);
}

static void format_value(const struct live *t, const struct live_row *row, const struct top_view *view,
			 enum live_column column, int width, char text[32])
{
	__u64 value = live_value(row, column, view->order.totals);
	char number[SHORT_NUMBER_MAX];

	if (view->order.totals) {
		snprintf(text, 32, "%llu", (unsigned long long)value);
		if ((int)strlen(text) >= width)
			snprintf(text, 32, "%s", format_short(value, number));
		return;
	}
	snprintf(text, 32, "%s",
		 t->interval_ns ? format_short((double)value * NS_PER_SECOND / t->interval_ns, number) : "-");
}

static void draw_sparkline(const struct live *t, const struct live_row *row, const struct layout *l, int line)
{
	__u32 history[LIVE_SECONDS];
	char text[LIVE_SECONDS * 4 + 1];

	if (l->sparkline <= 0)
		return;
	live_history(t, row, history);
	attron(colour(COLOUR_SPARKLINE));
	put(line, sparkline_at(l), format_sparkline(history, LIVE_SECONDS, l->sparkline, utf8, text));
	attroff(colour(COLOUR_SPARKLINE));
}

static void draw_row(const struct live *t, const struct live_row *row, const struct top_view *view,
		     const struct layout *l, int line)
{
	char name[32], text[32];

	snprintf(name, sizeof(name), "%-3s %-3s %5u", dir_name(row->dir),
		 table_name(row->key / XDPFW_PORTS % XDPFW_COUNTED_TABLES), row->port);
	put_clipped(line, 0, l->name - (row->label ? 1 : 0), row->label ? row->label : name);
	for (int i = LIVE_RX_PACKETS; i < LIVE_ACTIVITY; i++) {
		enum colour pair = i < LIVE_DROP_PACKETS ? COLOUR_PASSED : COLOUR_DROPPED;

		if (!live_value(row, i, view->order.totals))
			pair = PLAIN;
		format_value(t, row, view, i, l->value, text);
		attron(colour(pair));
		mvprintw(line, l->name + (i - LIVE_RX_PACKETS) * l->value, "%*s", l->value, text);
		attroff(colour(pair));
	}
	draw_sparkline(t, row, l, line);
}

static void draw_rows(const struct live *t, struct top_view *view)
{
	struct layout l = layout(view);
	size_t fit = screen_rows(), matching, count;
	_free_ __u32 *chosen = malloc((view->scroll + fit + 1) * sizeof(*chosen));

	draw_columns(view, &l);
	count = chosen ? live_select(t, &view->filter, &view->order, view->scroll + fit, chosen, &matching) : 0;
	if (chosen && view->scroll && view->scroll >= matching)
		view->scroll = matching > fit ? matching - fit : 0; /* shown with the next draw */
	for (size_t i = view->scroll; i < count; i++)
		draw_row(t, &t->rows[chosen[i]], view, &l, LINE_ROWS + i - view->scroll);
	if (!count)
		put(LINE_ROWS, 0,
		    view->rules ? "no rule, or none that the filter lets through"
				: "no packet counted, or none that the filter lets through");
}

static void draw_last_line(const struct top_view *view)
{
	char prompt[128];

	if (view->typing) {
		snprintf(prompt, sizeof(prompt), "%s: %s_", view->rules ? "text" : "ports", view->text);
		put_clipped(LINES - 1, 0, COLS - 1, prompt);
	} else if (view->message[0]) {
		put_clipped(LINES - 1, 0, COLS - 1, view->message);
	} else {
		put_clipped(
			LINES - 1, 0, COLS - 1,
			"q quit  h help  Tab rules/ports  t totals  < > sort  d dir  v verdict  / filter  space pause");
	}
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"",
		"  q        quit                       Tab p    rules or ports",
		"  space    pause                      t        rates or totals",
		"  + -      refresh less or more often r        reverse the order",
		"  < >      sort by the column before or after",
		"  d        in, out, routed, all       v        passed, dropped, all",
		"  /        filter: ports (22,80-90) or text of a rule; Enter takes it",
		"  x Esc    no filter                  h ?      this page",
		"  arrows PgUp PgDn Home End           scroll",
		"",
		"  RX: passed, toward this host. TX: passed, from it. DRP: dropped or rejected.",
		"  PPS: packets, B/S: bits in a second. A connection counts under the port",
		"  that its request went to. LAST MINUTE: packets in each second, in",
		"  proportion to the busiest one.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		put_clipped(LINE_COLUMNS + i, 0, COLS - 1, lines[i]);
}

void screen_draw(const struct top *top, struct top_view *view)
{
	erase();
	draw_title(top, view);
	draw_interfaces(top);
	draw_flow(top, LINE_IN, XDPFW_IN);
	draw_flow(top, LINE_OUT, XDPFW_OUT);
	draw_drops(top);
	if (view->help)
		draw_help();
	else
		draw_rows(view->rules ? &top->rules : &top->ports, view);
	draw_last_line(view);
	refresh();
}
