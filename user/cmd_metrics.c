// SPDX-License-Identifier: GPL-2.0-only
/* metrics: for Prometheus, once on stdout or at an HTTP endpoint. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "command.h"
#include "http.h"
#include "metrics.h"
#include "parse_number.h"
#include "util.h"

struct request {
	const struct settings *settings;
	struct port_filter filter;
	unsigned long most;
	enum metrics_format format;
	const char *listen; /* NULL: once, on stdout */
	struct metrics metrics;
};

static int parse_format(const char *word, struct request *rq, struct error *e)
{
	if (strcmp(word, "prometheus") == 0)
		rq->format = METRICS_PROMETHEUS;
	else if (strcmp(word, "openmetrics") != 0)
		return fail(e, -EINVAL, "--format '%s': write openmetrics or prometheus", excerpt(word).text);
	return 0;
}

static int parse_most(const char *word, struct request *rq, struct error *e)
{
	if (parse_number(word, strlen(word), XDPFW_PORTS * 4, &rq->most) != NUMBER_OK)
		return fail(e, -EINVAL, "--max-ports '%s': write how many ports may have series of their own",
			    excerpt(word).text);
	return 0;
}

static int parse_request(struct words *words, struct request *rq, struct error *e)
{
	const char *ports = NULL, *format = NULL, *most = NULL;
	int err = take_option(words, "--ports PORTS", &ports, e);

	if (!err)
		err = take_option(words, "--format openmetrics|prometheus", &format, e);
	if (!err)
		err = take_option(words, "--max-ports N", &most, e);
	if (!err)
		err = take_option(words, "--listen ADDR:PORT", &rq->listen, e);
	if (!err && words->count > 1)
		err = fail(e, -EINVAL,
			   "metrics: '%s': write --listen ADDR:PORT, --ports PORTS, --max-ports N or --format FORMAT",
			   excerpt(words->list[1]).text);
	if (!err && rq->settings->json)
		err = fail(e, -EINVAL, "metrics: --json: metrics are text; JSON is `xdpfw stats --json`");
	if (!err && format && rq->listen)
		err = fail(e, -EINVAL, "metrics: --format: at an endpoint the client chooses, by its Accept header");
	if (!err && format)
		err = parse_format(format, rq, e);
	if (!err && most)
		err = parse_most(most, rq, e);
	if (!err && rq->listen)
		err = http_check_address(rq->listen, e);
	if (!err && ports)
		err = parse_port_filter(ports, "--ports", &rq->filter, e);
	return err;
}

static int print_once(struct request *rq, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(rq->settings, false, &s, e);

	if (err)
		return err;
	if (metrics_write(&rq->metrics, &s, rq->format, stdout))
		return fail(e, -ENOMEM, "out of memory");
	return session_require_live(&s, e);
}

/* Each scrape looks anew: the firewall may be loaded, changed and unloaded while the endpoint is there. */
static int write_page(struct request *rq, enum metrics_format format, FILE *out, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(rq->settings, false, &s, e);

	return err ? err : metrics_write(&rq->metrics, &s, format, out);
}

static void make_page(const char *accept, struct page *page, void *data)
{
	bool openmetrics = strstr(accept, "application/openmetrics-text") != NULL;
	FILE *out = open_memstream(&page->text, &page->length);
	struct error e = {};
	int err;

	if (!out)
		return;
	page->type = openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				 : "text/plain; version=0.0.4; charset=utf-8";
	err = write_page(data, openmetrics ? METRICS_OPENMETRICS : METRICS_PROMETHEUS, out, &e);
	if (err) { /* what was written is not the truth: say why instead */
		fclose(out);
		free(page->text);
		page->status = 503;
		page->type = "text/plain; charset=utf-8";
		page->text = strdup(e.text);
		page->length = page->text ? strlen(page->text) : 0;
		return;
	}
	fclose(out);
}

/* The socket belongs to the namespace that we were started in: there Prometheus is, and -n may name one that it cannot reach. */
static int serve(struct request *rq, struct error *e)
{
	char where[WHERE_TEXT_MAX];
	int listener = http_listen(rq->listen, where, e);

	if (listener < 0)
		return listener;
	if (!rq->settings->quiet) {
		printf("metrics at http://%s/metrics\n", where);
		fflush(stdout);
	}
	return http_serve(listener, "/metrics", make_page, rq, e);
}

int cmd_metrics(const struct settings *settings, struct words words, struct error *e)
{
	struct request rq = {.settings = settings, .most = METRICS_MOST_PORTS};
	int err = parse_request(&words, &rq, e);

	if (!err)
		err = require_root(e);
	if (!err && metrics_init(&rq.metrics, &rq.filter, rq.most))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err)
		err = rq.listen ? serve(&rq, e) : print_once(&rq, e);
	metrics_free(&rq.metrics);
	ports_free(&rq.filter.ports);
	return err;
}
