// SPDX-License-Identifier: GPL-2.0-only
/* top: a live view of ports and rules. Reads keys and ticks; top.c reads counters, top_screen.c draws. */
#define _GNU_SOURCE
#include <errno.h>
#include <ncurses.h>
#include <string.h>

#include "command.h"
#include "ticker.h"
#include "top.h"
#include "top_screen.h"
#include "util.h"

#define ESCAPE    27
#define BACKSPACE 127

static void no_filter(struct top_view *view)
{
	ports_free(&view->filter.ports);
	view->filter = (struct live_filter){.dir = -1};
	view->text[0] = '\0';
	view->scroll = 0;
}

/* What was typed becomes the filter, or is said to be none. */
static void take_filter(struct top_view *view)
{
	struct error e = {};

	view->typing = false;
	view->scroll = 0;
	view->filter.text = NULL;
	ports_free(&view->filter.ports);
	if (view->rules) {
		view->filter.text = view->text[0] ? view->text : NULL;
	} else if (view->text[0] && parse_ports(view->text, &view->filter.ports, &e)) {
		snprintf(view->message, sizeof(view->message), "%.120s", e.text);
		view->text[0] = '\0';
	}
}

static void drop_text(struct top_view *view)
{
	view->text[0] = '\0';
	take_filter(view);
}

static void type(struct top_view *view, int key)
{
	size_t length = strlen(view->text);

	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		take_filter(view);
	else if (key == ESCAPE)
		drop_text(view);
	else if ((key == KEY_BACKSPACE || key == BACKSPACE || key == '\b') && length)
		view->text[length - 1] = '\0';
	else if (key >= ' ' && key < BACKSPACE && length + 1 < sizeof(view->text))
		strcpy(view->text + length, (char[]){key, '\0'});
}

static void toggle_rules(struct top_view *view)
{
	view->rules = !view->rules;
	drop_text(view); /* ports and texts are not the same */
}

static void next_dir(struct live_filter *filter)
{
	filter->dir = filter->dir + 1 < XDPFW_DIRS ? filter->dir + 1 : -1;
}

/* All, passed, dropped. */
static void next_verdict(struct live_filter *filter)
{
	bool passed = filter->passed;

	filter->passed = !filter->passed && !filter->dropped;
	filter->dropped = passed;
}

static void change_interval(struct top_view *view, struct ticker *ticker, int step)
{
	static const unsigned int steps_ms[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
	int last = ARRAY_SIZE(steps_ms) - 1, i = 0;

	while (i < last && steps_ms[i] * 1000000ULL < view->interval_ns)
		i++;
	i += step;
	view->interval_ns = steps_ms[i < 0 ? 0 : i > last ? last : i] * 1000000ULL;
	ticker_set(ticker, view->interval_ns);
}

static void scroll_by(struct top_view *view, long rows)
{
	view->scroll = rows < 0 && (size_t)-rows > view->scroll ? 0 : view->scroll + rows;
}

static void press(struct top_view *view, struct ticker *ticker, int key)
{
	struct live_order *order = &view->order;

	switch (key) {
	case ' ':
		view->paused = !view->paused;
		break;
	case 'h':
	case '?':
		view->help = !view->help;
		break;
	case '\t':
	case 'p':
		toggle_rules(view);
		break;
	case 't':
		order->totals = !order->totals;
		break;
	case '<':
		order->column = order->column ? order->column - 1 : LIVE_COLUMNS - 1;
		break;
	case '>':
		order->column = (order->column + 1) % LIVE_COLUMNS;
		break;
	case 'r':
		order->reverse = !order->reverse;
		break;
	case 'd':
		next_dir(&view->filter);
		break;
	case 'v':
		next_verdict(&view->filter);
		break;
	case '/':
		drop_text(view);
		view->typing = true;
		break;
	case 'x':
	case ESCAPE:
		view->help = false;
		no_filter(view);
		break;
	case '+':
		change_interval(view, ticker, 1);
		break;
	case '-':
		change_interval(view, ticker, -1);
		break;
	case KEY_UP:
		scroll_by(view, -1);
		break;
	case KEY_DOWN:
		scroll_by(view, 1);
		break;
	case KEY_PPAGE:
		scroll_by(view, -(long)screen_rows());
		break;
	case KEY_NPAGE:
		scroll_by(view, screen_rows());
		break;
	case KEY_HOME:
		view->scroll = 0;
		break;
	case KEY_END:
		view->scroll = view->rules ? XDPFW_MAX_RULES : XDPFW_PORTS * 4; /* the screen knows better */
		break;
	default:
		break;
	}
}

/* false: quit */
static bool read_keys(struct top_view *view, struct ticker *ticker)
{
	int key;

	while ((key = getch()) != ERR) {
		view->message[0] = '\0';
		if (view->typing)
			type(view, key);
		else if (key == 'q' || key == 'Q')
			return false;
		else
			press(view, ticker, key);
	}
	return true;
}

static int run(struct top *top, struct top_view *view, struct ticker *ticker, struct error *e)
{
	int err = top_tick(top, e);

	while (!err) {
		screen_draw(top, view);
		switch (ticker_wait(ticker, STDIN_FILENO)) {
		case TICK_TIME:
			if (!view->paused)
				err = top_tick(top, e);
			break;
		case TICK_INPUT:
			if (!read_keys(view, ticker))
				return 0;
			break;
		case TICK_RESIZE:
			screen_resize();
			break;
		case TICK_END:
			return 0;
		}
	}
	return err;
}

static int show(struct top *top, struct top_view *view, struct error *e)
{
	struct ticker ticker = {-1, -1};
	int err = ticker_open(&ticker, view->interval_ns);

	if (err)
		return fail(e, err, "top: %s", strerror(-err));
	err = screen_open(e);
	if (!err) {
		err = run(top, view, &ticker, e);
		screen_close();
	}
	ticker_close(&ticker);
	return err;
}

static int parse_words(const struct settings *settings, struct words *words, struct top_view *view, struct error *e)
{
	const char *interval = NULL;
	int err = take_option(words, "--interval S", &interval, e);

	if (err)
		return err;
	if (words->count > 1)
		return fail(e, -EINVAL, "top: '%s': takes no words but --interval SECONDS",
			    excerpt(words->list[1]).text);
	if (settings->json)
		return fail(e, -EINVAL, "top: --json: is for people; scripts take `xdpfw stats --watch 1 --json`");
	return interval ? parse_interval(interval, "--interval", 100, 60000, &view->interval_ns, e) : 0;
}

int cmd_top(const struct settings *settings, struct words words, struct error *e)
{
	struct top_view view = {
		.interval_ns = NS_PER_SECOND,
		.order.column = LIVE_ACTIVITY,
		.filter.dir = -1,
	};
	struct top top;
	int err = parse_words(settings, &words, &view, e);

	if (!err)
		err = require_root(e);
	if (!err)
		err = top_open(settings, &top, e);
	if (err)
		return err;
	err = show(&top, &view, e);
	ports_free(&view.filter.ports);
	top_close(&top);
	return err;
}
