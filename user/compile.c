// SPDX-License-Identifier: GPL-2.0-only
/* From a ruleset to one compiled policy: the parts in their order (compiler.h), and what of a policy is no cell. */
#include "compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile_forward.h"
#include "compiler.h"
#include "forward.h"
#include "util.h"

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
	return ranges_write(&c->lines, compiler_roots(c, XDPFW_BLOCKED), entries, count, fold_block, NULL);
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

/* The cell that more than half of the ports have, if there is one (Boyer and Moore's vote); else any. */
static __u32 usual_cell(const __u32 *cells)
{
	__u32 candidate = cells[0];
	int lead = 0;

	for (int port = 0; port < XDPFW_PORTS; port++) {
		if (lead == 0)
			candidate = cells[port];
		lead += cells[port] == candidate ? 1 : -1;
	}
	return candidate;
}

static void note_usual(struct xdpfw_port_table *table)
{
	table->usual = usual_cell(table->cells);
	memset(table->have_usual, 0, sizeof(table->have_usual));
	for (int port = 0; port < XDPFW_PORTS; port++)
		table->have_usual[port / 64] |= (__u64)(table->cells[port] == table->usual) << port % 64;
}

/* The last thing that is done to cells. */
static void note_usual_cells(struct policy_image *image)
{
	for (int dir = 0; dir < XDPFW_DIRS; dir++)
		for (int table = 0; table < XDPFW_TABLES; table++)
			note_usual(image->ports[dir][table]);
}

static int begin(struct compiler *c)
{
	int err;

	c->resolved = calloc(c->set->count + 1, sizeof(*c->resolved));
	if (!c->resolved)
		return -ENOMEM;
	lists_init(&c->lists);
	err = resolve_rules(c->set, c->env, c->resolved, c->e);
	if (!err)
		err = classes_init(&c->classes, c->set, c->env);
	return err ? err : compiler_make_painters(c);
}

static void end(struct compiler *c)
{
	compiler_free_painters(c);
	lists_free(&c->lists);
	tree_free(&c->tree);
	classes_free(&c->classes);
	lines_free(&c->lines);
	free(c->resolved);
}

int compile(const struct ruleset *set, const struct environment *env, struct policy_image *image, struct error *e)
{
	struct compiler c = {.set = set, .env = env, .image = image, .e = e};
	struct error ignored = {0};
	int err;

	if (!c.e)
		c.e = &ignored;
	image->lines = (struct address_lines){0};
	err = begin(&c);
	if (!err)
		err = compiler_paint(&c);
	if (!err)
		err = compiler_classify(&c);
	if (!err)
		err = write_blocks(&c);
	if (!err)
		err = compiler_fill_cells(&c);
	if (!err)
		err = compile_forwards(set, env, image, c.e);
	if (!err) {
		image->lines = c.lines;
		c.lines = (struct address_lines){0};
		compile_panic(set, image);
		mark_routed(image);
		note_usual_cells(image);
		compile_timeouts(set, env->hz, image->head);
		image->head->flags = compile_flags(set, image);
	}
	end(&c);
	if (err && !c.e->text[0])
		fail(c.e, err,
		     err == -E2BIG ? "too many addresses: their tables would exceed 64 MiB" : "out of memory");
	return err;
}
