// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules are asked from the first to the last, then forwards, port 0, the default. For each direction a painter goes over
 * the stretches of ports between which no rule makes a difference, and one over what has no ports; where
 * rules with conditions are noted, the cell becomes a tree (conditions.h).
 */
#include "compile.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "address_classes.h"
#include "compile_forward.h"
#include "conditions.h"
#include "forward.h"
#include "painter.h"
#include "util.h"

#define PROTOCOLS  256
#define ICMP_TYPES 256

/* What has no ports, as places in one row: protocols, then the types of ICMP, then of ICMPv6. */
#define PORTLESS           (PROTOCOLS + 2 * ICMP_TYPES)
#define ICMP_PLACE(family) (PROTOCOLS + (family)*ICMP_TYPES)

/* Stretches of ports between which no rule or forward of a direction makes a difference. */
struct stretches {
	size_t count;
	__u32 of[XDPFW_PORTS]; /* the stretch of a port */
};

struct compiler {
	const struct ruleset *set;
	const struct environment *env;
	struct policy_image *image;
	struct resolved *resolved;
	struct stretches *stretches[XDPFW_DIRS];
	struct painter ports[XDPFW_DIRS][XDPFW_TABLES];
	struct painter portless[XDPFW_DIRS];
	struct rule_lists lists;
	struct address_classes classes;
	struct tree tree;
	struct address_words words;
	struct error *e;
};

static const unsigned int table_protocols[XDPFW_TABLES] = {
	[XDPFW_TCP] = PROTO_TCP,
	[XDPFW_UDP] = PROTO_UDP,
	[XDPFW_SCTP] = PROTO_SCTP,
};

static __u32 default_decision(const struct ruleset *set, enum xdpfw_dir dir)
{
	return xdpfw_decision(ruleset_default(set, dir), XDPFW_R_DEFAULT, 0);
}

/* Stretches */

static void cut(bool *begins, __u32 first, __u32 last)
{
	begins[first] = true;
	begins[last + 1] = true;
}

static void cut_forward(bool *begins, const struct forward *f)
{
	for (size_t i = 0; i < f->nr_ranges; i++) {
		cut(begins, f->listen[i].first, f->listen[i].last);
		if (forward_is_link(f))
			cut(begins, f->targets[0].ports[i].first, f->targets[0].ports[i].last);
	}
}

static void cut_statement(bool *begins, const struct statement *s, enum xdpfw_dir dir)
{
	if (s->kind == STATEMENT_RULE && s->rule.dir == dir && s->rule.match == MATCH_PORTS) {
		for (size_t i = 0; i < s->rule.ports.count; i++)
			cut(begins, s->rule.ports.ranges[i].first, s->rule.ports.ranges[i].last);
	} else if (s->kind == STATEMENT_FORWARD && dir == XDPFW_IN) {
		cut_forward(begins, &s->forward);
	}
}

static struct stretches *find_stretches(const struct ruleset *set, enum xdpfw_dir dir)
{
	_free_ bool *begins = calloc(XDPFW_PORTS + 1, sizeof(*begins));
	struct stretches *stretches = malloc(sizeof(*stretches));

	if (!begins || !stretches) {
		free(stretches);
		return NULL;
	}
	cut(begins, 0, 0);
	for (size_t i = 0; i < set->count; i++)
		cut_statement(begins, &set->statements[i], dir);
	stretches->count = 0;
	for (__u32 port = 0; port < XDPFW_PORTS; port++) {
		stretches->count += begins[port];
		stretches->of[port] = stretches->count - 1;
	}
	return stretches;
}

/* Painting */

/* Rule number @i over the places [first, last] of a painter. */
static int paint(struct compiler *c, struct painter *painter, __u32 i, size_t first, size_t last)
{
	if (c->resolved[i].conditional)
		return painter_note(painter, &c->lists, first, last, i);
	painter_close(painter, first, last, rule_decision(&c->set->statements[i]));
	return 0;
}

static int paint_ports(struct compiler *c, __u32 i, enum xdpfw_table table)
{
	const struct rule *rule = &c->set->statements[i].rule;
	const struct stretches *stretches = c->stretches[rule->dir];
	struct painter *painter = &c->ports[rule->dir][table];
	int err = 0;

	if (rule->match == MATCH_ANY)
		return paint(c, painter, i, 0, stretches->count - 1);
	if (rule->match != MATCH_PORTS || !(rule->protocols & table_protocols[table]))
		return 0;
	for (size_t r = 0; !err && r < rule->ports.count; r++)
		err = paint(c, painter, i, stretches->of[rule->ports.ranges[r].first],
			    stretches->of[rule->ports.ranges[r].last]);
	return err;
}

static int paint_icmp(struct compiler *c, __u32 i)
{
	const struct rule *rule = &c->set->statements[i].rule;
	struct painter *painter = &c->portless[rule->dir];
	int err = 0;

	for (int family = 0; !err && family < 2; family++) {
		size_t first = ICMP_PLACE(family), last = first + ICMP_TYPES - 1;

		if (!(rule->icmp_families & 1U << family))
			continue;
		if (rule->has_icmp_type)
			first = last = ICMP_PLACE(family) + rule->icmp_type[family];
		err = paint(c, painter, i, first, last);
	}
	return err;
}

/* What has no ports, in the same order as the ports. */
static int paint_portless(struct compiler *c, __u32 i)
{
	const struct rule *rule = &c->set->statements[i].rule;
	struct painter *painter = &c->portless[rule->dir];

	switch (rule->match) {
	case MATCH_ANY:
		return paint(c, painter, i, 0, PORTLESS - 1);
	case MATCH_PROTOCOL:
		return paint(c, painter, i, rule->protocol, rule->protocol);
	case MATCH_ICMP:
		return paint_icmp(c, i);
	default:
		return 0;
	}
}

static int paint_rules(struct compiler *c)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->set->count; i++) {
		if (c->set->statements[i].kind != STATEMENT_RULE || c->resolved[i].never)
			continue;
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = paint_ports(c, i, table);
		if (!err)
			err = paint_portless(c, i);
	}
	return err;
}

static void paint_range(struct compiler *c, enum xdpfw_table table, const struct port_range *range, __u32 decision)
{
	const __u32 *of = c->stretches[XDPFW_IN]->of;

	painter_close(&c->ports[XDPFW_IN][table], of[range->first], of[range->last], decision);
}

/* A forward lets in what it listens for, and a link listens on both its ends. One that is for some requests only lets
 * them in itself, in the data path. */
static void paint_forward(struct compiler *c, const struct statement *s, enum xdpfw_table table)
{
	__u32 decision = xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, s->counter);
	const struct forward *f = &s->forward;

	if (!(f->protocols & table_protocols[table]) || forward_is_conditional(f))
		return;
	for (size_t i = 0; i < f->nr_ranges; i++) {
		paint_range(c, table, &f->listen[i], decision);
		if (forward_is_link(f))
			paint_range(c, table, &f->targets[0].ports[i], decision);
	}
}

static void paint_rest(struct compiler *c, enum xdpfw_dir dir)
{
	size_t last = c->stretches[dir]->count - 1;

	for (int table = 0; table < XDPFW_TABLES; table++) {
		struct painter *painter = &c->ports[dir][table];

		for (size_t i = 0; dir == XDPFW_IN && i < c->set->count; i++)
			if (c->set->statements[i].kind == STATEMENT_FORWARD)
				paint_forward(c, &c->set->statements[i], table);
		painter_close(painter, 0, 0, xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
		painter_close(painter, 1, last, default_decision(c->set, dir));
	}
}

/* Ping is polite unless a rule has spoken; one with conditions may not apply, and ping is what then holds. */
static void paint_ping(struct compiler *c)
{
	static const __u8 requests[] = {ICMP_ECHO, ICMP6_ECHO_REQUEST};

	for (int family = 0; ruleset_option(c->set, OPTION_ALLOW_PING) && family < 2; family++) {
		size_t place = ICMP_PLACE(family) + requests[family];

		painter_close(&c->portless[XDPFW_IN], place, place, xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0));
	}
}

static int paint_all(struct compiler *c)
{
	int err = paint_rules(c);

	if (err)
		return err;
	paint_ping(c);
	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		paint_rest(c, dir);
		painter_close(&c->portless[dir], 0, PORTLESS - 1, default_decision(c->set, dir));
	}
	return 0;
}

/* Addresses that rows are chosen by: those of lists with more prefixes than a packet is asked about one by one. */

static bool is_heavy(const struct compiler *c, const __u32 *rules, size_t count, bool source)
{
	size_t weight = 0;

	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &c->set->statements[rules[i]].rule;

		weight += classes_weight(&c->classes, source ? &rule->from : &rule->to);
	}
	return weight > PREFIXES_ASKED;
}

static int classify_list(struct compiler *c, __u32 list)
{
	size_t count = 0;
	_free_ __u32 *rules = lists_rules(&c->lists, list, &count);
	int err = rules ? 0 : -ENOMEM;

	for (int source = 0; !err && source < 2; source++) {
		if (!is_heavy(c, rules, count, source))
			continue;
		for (size_t i = 0; !err && i < count; i++) {
			const struct rule *rule = &c->set->statements[rules[i]].rule;

			err = classes_add(&c->classes, source ? &rule->from : &rule->to);
		}
	}
	return err;
}

static int classify_painter(struct compiler *c, const struct painter *painter)
{
	__u32 last = 0;
	int err = 0;

	for (size_t place = 0; !err && place < painter->places; place++) {
		if (painter->lists[place] == last)
			continue;
		last = painter->lists[place];
		err = classify_list(c, last);
	}
	return err;
}

static int classify(struct compiler *c)
{
	int err = 0;

	for (int dir = 0; !err && dir < XDPFW_DIRS; dir++) {
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = classify_painter(c, &c->ports[dir][table]);
		if (!err)
			err = classify_painter(c, &c->portless[dir]);
	}
	return err ? err : classes_write(&c->classes, &c->words);
}

/* Cells */

/* From the places of a painter to their cells, in place: `closing` becomes the cell. */
static int grow_trees(struct compiler *c, struct painter *painter)
{
	__u32 list = 0, closing = 0, cell = 0;

	for (size_t place = 0; place < painter->places; place++) {
		if (!painter->lists[place])
			continue;
		if (painter->lists[place] != list || painter->closing[place] != closing) {
			size_t count = 0;
			_free_ __u32 *rules = lists_rules(&c->lists, painter->lists[place], &count);
			int err;

			list = painter->lists[place];
			closing = painter->closing[place];
			err = rules ? tree_cell(&c->tree, rules, count, closing, &cell) : -ENOMEM;
			if (err)
				return err;
		}
		painter->closing[place] = cell;
	}
	return 0;
}

static int fill_ports(struct compiler *c, enum xdpfw_dir dir, enum xdpfw_table table)
{
	__u32 *cells = c->image->ports[dir][table]->cells;
	struct painter *painter = &c->ports[dir][table];
	int err = grow_trees(c, painter);

	for (__u32 port = 0; !err && port < XDPFW_PORTS; port++)
		cells[port] = painter->closing[c->stretches[dir]->of[port]];
	return err;
}

static int fill_portless(struct compiler *c, enum xdpfw_dir dir)
{
	struct xdpfw_policy_head *head = c->image->head;
	const __u32 *cells = c->portless[dir].closing;
	int err = grow_trees(c, &c->portless[dir]);

	if (err)
		return err;
	memcpy(head->protocols[dir], cells, sizeof(head->protocols[dir]));
	for (int family = 0; family < 2; family++)
		memcpy(head->icmp_types[dir][family], cells + ICMP_PLACE(family),
		       sizeof(head->icmp_types[dir][family]));
	return 0;
}

static int fill_cells(struct compiler *c)
{
	int err = 0;

	tree_init(&c->tree, c->set, c->env, c->resolved, &c->classes, &c->words, c->e);
	for (int dir = 0; !err && dir < XDPFW_DIRS; dir++) {
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = fill_ports(c, dir, table);
		if (!err)
			err = fill_portless(c, dir);
	}
	if (!err && c->tree.conditions.count)
		memcpy(c->image->conditions, c->tree.conditions.memory,
		       c->tree.conditions.count * sizeof(struct xdpfw_condition));
	return err;
}

/* Blocks */

static int fold_block(void *data, __u32 around, const struct range_entry *entry, __u32 *value)
{
	(void)data;
	*value = entry->until > around ? entry->until : around;
	return 0;
}

static int write_blocks(struct compiler *c)
{
	_free_ struct range_entry *entries = calloc(ruleset_count(c->set, STATEMENT_BLOCK) + 1, sizeof(*entries));
	size_t count = 0;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < c->set->count; i++) {
		const struct statement *s = &c->set->statements[i];

		if (s->kind == STATEMENT_BLOCK && (!s->block.expires || s->block.expires > c->env->now))
			entries[count++] = (struct range_entry){.prefix = s->block.prefix,
								.until = environment_expiry(c->env, s->block.expires)};
	}
	return ranges_write(&c->words, XDPFW_BLOCKED, entries, count, fold_block, NULL);
}

/* What is no cell */

/* Where both drop, it does not matter which: a flood is not worth the question. Cells that are conditions may
 * mean anything. */
static bool makes_a_difference(__u32 in, __u32 routed)
{
	if (xdpfw_verdict_of(in) != xdpfw_verdict_of(routed))
		return true;
	return (xdpfw_verdict_of(in) == XDPFW_PASS || !xdpfw_verdict_of(in)) && in != routed;
}

static void mark_cells(__u32 *in, const __u32 *routed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (makes_a_difference(in[i], routed[i]))
			in[i] |= XDPFW_ASK_ROUTED;
}

/* Only where it changes the verdict (or what passing counts for) does the data path ask whether a request is for
 * this host. */
static void mark_routed(struct policy_image *image)
{
	struct xdpfw_policy_head *head = image->head;

	for (int table = 0; table < XDPFW_TABLES; table++)
		mark_cells(image->ports[XDPFW_IN][table]->cells, image->ports[XDPFW_ROUTED][table]->cells, XDPFW_PORTS);
	mark_cells(head->protocols[XDPFW_IN], head->protocols[XDPFW_ROUTED], PROTOCOLS);
	for (int family = 0; family < 2; family++)
		mark_cells(head->icmp_types[XDPFW_IN][family], head->icmp_types[XDPFW_ROUTED][family], ICMP_TYPES);
}

static void compile_timeouts(const struct ruleset *set, unsigned int hz, struct xdpfw_policy_head *head)
{
	for (int i = 0; i < XDPFW_NR_TIMEOUTS; i++)
		head->timeouts[i] = (__u64)ruleset_option(set, OPTION_TIMEOUTS + i) * hz;
}

/* Port 0 is left out where no rule speaks of it: nobody can be waiting there for an answer, and
 * with it the flag would always be set. */
static bool some_denied(const __u32 *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (xdpfw_verdict_of(cells[i]) != XDPFW_PASS && xdpfw_reason_of(cells[i]) != XDPFW_R_PORT_ZERO)
			return true;
	return false;
}

/* TCP, ICMP and ICMPv6 answer without a request of their own, so they do not matter here. */
static bool out_denies(const struct policy_image *image)
{
	return some_denied(image->ports[XDPFW_OUT][XDPFW_UDP]->cells, XDPFW_PORTS) ||
	       some_denied(image->ports[XDPFW_OUT][XDPFW_SCTP]->cells, XDPFW_PORTS) ||
	       some_denied(image->head->protocols[XDPFW_OUT], PROTOCOLS);
}

static void shut(__u32 *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cells[i] = xdpfw_decision(XDPFW_DROP, XDPFW_R_PANIC, 0);
}

/* Panic: whatever the rules say, nothing passes. */
static void shut_all(struct policy_image *image)
{
	struct xdpfw_policy_head *head = image->head;

	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		for (int table = 0; table < XDPFW_TABLES; table++)
			shut(image->ports[dir][table]->cells, XDPFW_PORTS);
		shut(head->protocols[dir], PROTOCOLS);
		for (int family = 0; family < 2; family++)
			shut(head->icmp_types[dir][family], ICMP_TYPES);
	}
}

static void compile_panic(const struct ruleset *set, struct policy_image *image)
{
	const struct statement *s = ruleset_panic(set);

	image->head->nr_kept = s ? s->panic.count : 0;
	for (size_t i = 0; i < XDPFW_MAX_KEPT; i++)
		image->head->kept[i] = s ? s->panic.kept[i] : 0;
	if (s)
		shut_all(image);
}

static __u32 compile_flags(const struct ruleset *set, const struct policy_image *image)
{
	__u32 flags = 0;

	if (ruleset_count(set, STATEMENT_BLOCK))
		flags |= XDPFW_HAS_BLOCKS;
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_FORWARD)
			flags |= forward_is_link(&set->statements[i].forward) ? XDPFW_HAS_LINKS : XDPFW_HAS_FORWARDS;
	if (ruleset_panic(set)) /* connections of forwards do not go on */
		flags = (flags & ~XDPFW_HAS_FORWARDS) | XDPFW_PANIC;
	if (out_denies(image))
		flags |= XDPFW_OUT_DENIES;
	if (ruleset_option(set, OPTION_NON_IP))
		flags |= XDPFW_PASS_NOT_IP;
	return flags;
}

static int begin(struct compiler *c)
{
	int err = words_take(&c->words, XDPFW_ROOTS, &(__u32){0});

	c->resolved = calloc(c->set->count + 1, sizeof(*c->resolved));
	if (err || !c->resolved)
		return -ENOMEM;
	lists_init(&c->lists);
	err = resolve_rules(c->set, c->env, c->resolved, c->e);
	if (!err)
		err = classes_init(&c->classes, c->set, c->env);
	for (int dir = 0; !err && dir < XDPFW_DIRS; dir++) {
		c->stretches[dir] = find_stretches(c->set, dir);
		err = c->stretches[dir] ? painter_init(&c->portless[dir], PORTLESS) : -ENOMEM;
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = painter_init(&c->ports[dir][table], c->stretches[dir]->count);
	}
	return err;
}

static void end(struct compiler *c)
{
	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		free(c->stretches[dir]);
		painter_free(&c->portless[dir]);
		for (int table = 0; table < XDPFW_TABLES; table++)
			painter_free(&c->ports[dir][table]);
	}
	lists_free(&c->lists);
	tree_free(&c->tree);
	classes_free(&c->classes);
	words_free(&c->words);
	free(c->resolved);
}

/* The words go to the caller; none where they say nothing. */
static void hand_over_words(struct compiler *c)
{
	if (c->words.count > XDPFW_ROOTS)
		c->image->words = c->words;
	else
		words_free(&c->words);
	c->words = (struct address_words){0};
}

int compile(const struct ruleset *set, const struct environment *env, struct policy_image *image, struct error *e)
{
	struct compiler c = {.set = set, .env = env, .image = image, .e = e};
	struct error ignored = {0};
	int err;

	if (!c.e)
		c.e = &ignored;
	image->words = (struct address_words){0};
	err = begin(&c);
	if (!err)
		err = paint_all(&c);
	if (!err)
		err = classify(&c);
	if (!err)
		err = write_blocks(&c);
	if (!err)
		err = fill_cells(&c);
	if (!err)
		err = compile_forwards(set, env, image, c.e);
	if (!err) {
		hand_over_words(&c);
		compile_panic(set, image);
		mark_routed(image);
		compile_timeouts(set, env->hz, image->head);
		image->head->flags = compile_flags(set, image);
	}
	end(&c);
	if (err && !c.e->text[0])
		fail(c.e, err,
		     err == -E2BIG ? "too many addresses: their tables would exceed 64 MiB" : "out of memory");
	return err;
}
