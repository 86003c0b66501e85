// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench: what a packet costs under the policy that is in force: nanoseconds in the twins of the live programs, by test
 * runs. Twins do not count, so neither do these figures contain it.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <string.h>

#include "command.h"
#include "counts.h"
#include "explain.h"
#include "interfaces.h"
#include "samples.h"
#include "util.h"

#define ROUNDS  5 /* in turns, so that what disturbs the machine disturbs all rows alike */
#define REPEAT  20000
#define REPEATS 10000000

struct timing {
	unsigned int ns[ROUNDS]; /* sorted at the end */
};

struct bench {
	struct explainer ex;
	struct twins bare; /* the smallest programs: what a test run costs by itself */
	unsigned int repeat;
	struct sample samples[SAMPLES_MAX];
	struct explanation met[SAMPLES_MAX];
	struct timing timings[SAMPLES_MAX];
	size_t count;
	struct twin_frame frame;       /* for the bare programs */
	struct timing bare_timings[2]; /* [0] in, [1] out */
};

static int load_bare(enum bpf_prog_type type, int result)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(type, "bare", "GPL", code, ARRAY_SIZE(code), NULL);
}

static int open_bare(const struct twins *like, struct twins *bare, struct error *e)
{
	*bare = *like;
	bare->swap = -1;
	bare->in = load_bare(like->xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, like->xdp ? XDP_PASS : -1);
	bare->out = load_bare(BPF_PROG_TYPE_SCHED_CLS, -1);
	if (bare->in >= 0 && bare->out >= 0)
		return 0;
	twins_close(bare);
	return fail(e, -EIO, "cannot load a program to compare with: %s", strerror(errno));
}

/* What becomes of each, before any of them is timed. */
static int judge(struct bench *b, struct error *e)
{
	int err = 0;

	b->count = samples_choose(&b->ex, b->samples);
	if (b->count == 0)
		return fail(e, -EADDRNOTAVAIL, "%s: has no address, so there is no packet for it", b->ex.iface->name);
	for (size_t i = 0; !err && i < b->count; i++) {
		struct twin_frame f;

		packet_build(&b->samples[i].packet, &f);
		b->frame = f;
		err = explain(&b->ex, b->samples[i].dir, 0, &f, &b->met[i], e);
	}
	return err;
}

static int time_round(struct bench *b, int round, struct error *e)
{
	int err = twins_time(&b->bare, XDPFW_IN, &b->frame, b->repeat, &b->bare_timings[0].ns[round], e);

	if (!err)
		err = twins_time(&b->bare, XDPFW_OUT, &b->frame, b->repeat, &b->bare_timings[1].ns[round], e);
	for (size_t i = 0; !err && i < b->count; i++) {
		struct twin_frame f;

		packet_build(&b->samples[i].packet, &f);
		err = twins_time(&b->ex.twins, b->samples[i].dir, &f, b->repeat, &b->timings[i].ns[round], e);
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

static void sort(struct timing *t)
{
	qsort(t->ns, ROUNDS, sizeof(*t->ns), compare);
}

static unsigned int median(const struct timing *t)
{
	return t->ns[ROUNDS / 2];
}

static int time_all(struct bench *b, struct error *e)
{
	int err = 0;

	for (int round = 0; !err && round < ROUNDS; round++)
		err = time_round(b, round, e);
	for (size_t i = 0; i < b->count; i++)
		sort(&b->timings[i]);
	sort(&b->bare_timings[0]);
	sort(&b->bare_timings[1]);
	return err;
}

static void print_text(const struct bench *b)
{
	const struct timing *bare = b->bare_timings;

	printf("%s, in by %s: ns a packet, median of %d runs of %u, least and most, less the bare program's (in %u, "
	       "out %u)\n"
	       "Neither counting nor the way to the hook is in these figures.\n\n",
	       b->ex.iface->name, in_hook_text(b->ex.iface->in_hook), ROUNDS, b->repeat, median(&bare[0]),
	       median(&bare[1]));
	printf("%5s %5s %5s %5s  %-3s %-2s %-34s %-7s %-9s %s\n", "NET", "NS", "MIN", "MAX", "DIR", "IP", "KIND",
	       "VERDICT", "REASON", "PACKET");
	for (size_t i = 0; i < b->count; i++) {
		const struct timing *t = &b->timings[i];
		const struct sample *s = &b->samples[i];
		const struct explanation *x = &b->met[i];
		char text[PACKET_TEXT_MAX];

		printf("%5d %5u %5u %5u  %-3s v%d %-34s %-7s %-9s %s\n",
		       (int)median(t) - (int)median(&bare[s->dir == XDPFW_OUT]), median(t), t->ns[0], t->ns[ROUNDS - 1],
		       dir_name(s->dir), s->packet.family, s->name, verdict_name(x->verdict), reason_name(x->reason),
		       packet_text(&s->packet, text));
	}
}

static json_t *timing_json(const struct timing *t)
{
	return json_pack("{s:i,s:i,s:i}", "median", (int)median(t), "min", (int)t->ns[0], "max",
			 (int)t->ns[ROUNDS - 1]);
}

static void print_json(const struct bench *b)
{
	json_t *packets = json_array(), *root;

	for (size_t i = 0; i < b->count; i++) {
		const struct sample *s = &b->samples[i];
		char text[PACKET_TEXT_MAX];

		json_array_append_new(
			packets, json_pack("{s:s,s:s,s:i,s:s,s:s,s:s,s:o}", "kind", s->name, "dir", dir_name(s->dir),
					   "family", s->packet.family, "packet", packet_text(&s->packet, text),
					   "verdict", verdict_name(b->met[i].verdict), "reason",
					   reason_name(b->met[i].reason), "ns", timing_json(&b->timings[i])));
	}
	root = json_pack("{s:s,s:s,s:i,s:i,s:{s:o,s:o},s:o}", "interface", b->ex.iface->name, "mode",
			 in_hook_name(b->ex.iface->in_hook), "rounds", ROUNDS, "repeat", (int)b->repeat, "bare_ns",
			 "in", timing_json(&b->bare_timings[0]), "out", timing_json(&b->bare_timings[1]), "packets",
			 packets);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static int bench(const struct session *s, const char *interface, unsigned int repeat, struct error *e)
{
	_free_ struct bench *b = calloc(1, sizeof(*b));
	int err = b ? explainer_open(s, interface, NULL, &b->ex, e) : fail(e, -ENOMEM, "out of memory");

	if (err)
		return err;
	b->repeat = repeat;
	err = judge(b, e);
	if (!err)
		err = open_bare(&b->ex.twins, &b->bare, e);
	if (!err) {
		err = time_all(b, e);
		twins_close(&b->bare);
	}
	if (!err && s->settings.json)
		print_json(b);
	else if (!err)
		print_text(b);
	explainer_close(&b->ex);
	return err;
}

static int parse_bench(struct words *words, const char **interface, unsigned int *repeat, struct error *e)
{
	const char *value = NULL;
	char *end;
	int err = take_option(words, "--repeat N", &value, e);

	*repeat = REPEAT;
	if (!err && value) {
		unsigned long number = strtoul(value, &end, 10);

		if (!*value || strspn(value, "0123456789") != strlen(value) || number < 1 || number > REPEATS)
			return fail(e, -EINVAL, "bench: '%s': --repeat is a number, 1..%u", excerpt(value).text,
				    REPEATS);
		*repeat = number;
	}
	if (err || words->count == 1)
		return err;
	if (words->count != 3 || strcmp(words->list[1], "on") != 0)
		return fail(e, -EINVAL, "bench: '%s': not expected here; write `bench on eth0 [--repeat N]`",
			    excerpt(words->list[strcmp(words->list[1], "on") == 0 && words->count > 3 ? 3 : 1]).text);
	*interface = words->list[2];
	return 0;
}

int cmd_bench(const struct settings *settings, struct words words, struct error *e)
{
	const char *interface = NULL;
	unsigned int repeat;
	_session_ struct session s = SESSION_CLOSED;
	int err = parse_bench(&words, &interface, &repeat, e);

	if (!err)
		err = begin_session(settings, false, &s, e);
	return err ? err : bench(&s, interface, repeat, e);
}
