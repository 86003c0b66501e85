// SPDX-License-Identifier: GPL-2.0-only
#include "conditions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* A rule in a list that a packet may meet: what of its conditions has been answered on the way to here. */
struct item {
	__u32 rule;   /* place in the ruleset */
	__u32 until;  /* the address is in the rule's set until then */
	bool from_ok; /* the sender is one that the rule means */
	bool to_ok;
};

static int build(struct tree *tree, const struct item *items, size_t count, __u32 otherwise, __u32 *cell);

__u32 rule_decision(const struct statement *s)
{
	return xdpfw_decision(s->rule.verdict, XDPFW_R_RULE, s->counter);
}

void tree_init(struct tree *tree, const struct ruleset *set, const struct environment *env,
	       const struct resolved *resolved, const struct address_classes *classes, struct address_lines *lines,
	       struct error *e)
{
	*tree = (struct tree){
		.set = set,
		.env = env,
		.resolved = resolved,
		.classes = classes,
		.conditions.size = sizeof(struct xdpfw_condition),
		.lines = lines,
		.e = e,
	};
}

void tree_free(struct tree *tree)
{
	pool_free(&tree->conditions);
	free(tree->depths);
	*tree = (struct tree){0};
}

static unsigned int depth_of(const struct tree *tree, __u32 cell)
{
	return xdpfw_verdict_of(cell) ? 0 : tree->depths[cell];
}

static unsigned int deeper(unsigned int a, unsigned int b)
{
	return a > b ? a : b;
}

static int refuse(const struct tree *tree, __u32 rule, const char *why)
{
	_free_ char *line = statement_format(&tree->set->statements[rule]);

	return fail(tree->e, -E2BIG, "'%s': %s", line ? excerpt(line).text : "", why);
}

/* The condition's number; @below is how many questions may follow. @rule is for the message. */
static int add_condition(struct tree *tree, const struct xdpfw_condition *c, unsigned int below, __u32 rule,
			 __u32 *number)
{
	size_t known = tree->conditions.count;
	__u8 *depths;

	if (below >= XDPFW_DEEPEST_CONDITION)
		return refuse(tree, rule,
			      "too many conditions on one port: a packet could be asked more than 64 questions; "
			      "put addresses into a set, or join rules");
	if (pool_intern(&tree->conditions, c, number))
		return -ENOMEM;
	if (tree->conditions.count == known)
		return 0;
	if (known == XDPFW_CONDITIONS)
		return refuse(tree, rule,
			      "too many rules with conditions: they need more than 65,536 questions; join "
			      "ports into lists or addresses into sets");
	if (!(known & (known - 1))) {
		depths = realloc(tree->depths, known ? 2 * known : 1);
		if (!depths)
			return -ENOMEM;
		tree->depths = depths;
	}
	tree->depths[known] = below + 1;
	return 0;
}

/* Ask @c, whose yes and no are set; a question whose answer makes no difference is none. */
static int ask(struct tree *tree, const struct xdpfw_condition *c, __u32 rule, __u32 *cell)
{
	if (c->yes == c->no) {
		*cell = c->yes;
		return 0;
	}
	return add_condition(tree, c, deeper(depth_of(tree, c->yes), depth_of(tree, c->no)), rule, cell);
}

/* One rule: what must hold for it, from the last question to the first. */

struct step {
	struct tree *tree;
	__u32 rule;
	__u32 yes; /* what has been built so far: where to go if all that follows holds */
	__u32 no;  /* where to go if something does not */
};

static int ask_in_front(struct step *step, struct xdpfw_condition c)
{
	c.yes = step->yes;
	c.no = step->no;
	return ask(step->tree, &c, step->rule, &step->yes);
}

static int ask_value(struct step *step, enum xdpfw_question question, __u32 value)
{
	return ask_in_front(step, (struct xdpfw_condition){.question = question, .value = value});
}

static int ask_time(struct step *step, __u32 until)
{
	if (until == XDPFW_NEVER)
		return 0;
	return ask_in_front(step, (struct xdpfw_condition){.question = XDPFW_ASK_TIME, .expiry = until});
}

/* One of several must hold: each that does not leads to the next. */
static int ask_source_ports(struct step *step, const struct ports *ports)
{
	struct step any = *step;
	__u32 cell = step->no;

	if (!ports->count)
		return 0;
	for (size_t i = ports->count; i-- > 0;) {
		struct xdpfw_condition c = {.question = XDPFW_ASK_SOURCE_PORT};
		int err;

		c.ports.first = ports->ranges[i].first;
		c.ports.last = ports->ranges[i].last;
		any.no = cell;
		any.yes = step->yes;
		err = ask_in_front(&any, c);
		if (err)
			return err;
		cell = any.yes;
	}
	step->yes = cell;
	return 0;
}

static int ask_prefix(struct step *step, enum xdpfw_question question, const struct prefix *prefix, __u32 until)
{
	int err = ask_time(step, until);

	return err ? err
		   : ask_in_front(step, (struct xdpfw_condition){
						.question = question, .length = prefix->length, .addr = prefix->addr});
}

static int ask_members(struct step *step, enum xdpfw_question question, const struct set_members *members)
{
	struct step any = *step;
	__u32 cell = step->no;

	for (size_t i = 0; members && i < members->count; i++) {
		int err;

		any.no = cell;
		any.yes = step->yes;
		err = ask_prefix(&any, question, &members->entries[i].prefix, members->entries[i].until);
		if (err)
			return err;
		cell = any.yes;
	}
	step->yes = cell;
	return 0;
}

static int ask_address(struct step *step, enum xdpfw_question question, const struct address_match *match)
{
	switch (match->kind) {
	case ADDRESS_PREFIX:
		return ask_prefix(step, question, &match->prefix, XDPFW_NEVER);
	case ADDRESS_SET:
		return ask_members(step, question, classes_find_set(step->tree->classes, match->set));
	default:
		return 0;
	}
}

/* Never more than the limit, and where requests share places, hardly less: 50 x 2 for 100 and for 101. */
static int ask_limit(struct step *step, const struct statement *s)
{
	unsigned int each = (s->rule.limit_count + XDPFW_LIMIT_MAX - 1) / XDPFW_LIMIT_MAX;
	struct xdpfw_condition c = {.question = XDPFW_ASK_LIMIT};
	struct step limit = *step;
	int err;

	if (!s->rule.limited)
		return 0;
	c.limit.count = s->rule.limit_count / each;
	c.limit.each = each;
	c.limit.window = s->rule.limit_seconds * step->tree->env->hz;
	c.limit.rule = s->counter;
	limit.no = xdpfw_decision(XDPFW_DROP, XDPFW_R_LIMIT, s->counter);
	err = ask_in_front(&limit, c);
	step->yes = limit.yes;
	return err;
}

static int ask_owner(struct step *step, const struct rule *rule, const struct resolved *r)
{
	struct xdpfw_condition c = {.question = XDPFW_ASK_CGROUP};
	int err = 0;

	c.cgroup.id = r->cgroup;
	c.cgroup.level = r->cgroup_level;
	if (rule->cgroup)
		err = ask_in_front(step, c);
	if (!err && rule->user)
		err = ask_value(step, XDPFW_ASK_USER, r->user);
	return err;
}

static int ask_interfaces(struct step *step, const struct rule *rule, const struct resolved *r)
{
	int err = rule->on_out ? ask_value(step, XDPFW_ASK_ROUTED_TO, r->iface_out) : 0;

	return err || !rule->on ? err : ask_value(step, XDPFW_ASK_IFACE, r->iface);
}

/* The rule of @item in front of @otherwise. The limit comes last: only what matches in all else counts against it. */
static int ask_rule(struct tree *tree, const struct item *item, __u32 otherwise, __u32 *cell)
{
	const struct statement *s = &tree->set->statements[item->rule];
	const struct resolved *r = &tree->resolved[item->rule];
	struct step step = {.tree = tree, .rule = item->rule, .yes = rule_decision(s), .no = otherwise};
	int err = ask_limit(&step, s);

	if (!err)
		err = ask_owner(&step, &s->rule, r);
	if (!err)
		err = ask_time(&step, environment_expiry(tree->env, s->rule.expires));
	if (!err)
		err = ask_time(&step, item->until);
	if (!err)
		err = ask_source_ports(&step, &s->rule.source_ports);
	if (!err && !item->to_ok)
		err = ask_address(&step, XDPFW_ASK_DESTINATION, &s->rule.to);
	if (!err && !item->from_ok)
		err = ask_address(&step, XDPFW_ASK_SOURCE, &s->rule.from);
	if (!err)
		err = ask_interfaces(&step, &s->rule, r);
	if (!err)
		*cell = step.yes;
	return err;
}

static int ask_each(struct tree *tree, const struct item *items, size_t count, __u32 otherwise, __u32 *cell)
{
	__u32 next = otherwise;

	for (size_t i = count; i-- > 0;) {
		int err = ask_rule(tree, &items[i], next, &next);

		if (err)
			return err;
	}
	*cell = next;
	return 0;
}

/* Many rules: by the class of an address. */

static const struct address_match *match_of(const struct tree *tree, const struct item *item, bool source)
{
	const struct rule *rule = &tree->set->statements[item->rule].rule;

	return source ? &rule->from : &rule->to;
}

static bool is_open(const struct item *item, bool source)
{
	return source ? !item->from_ok : !item->to_ok;
}

static size_t weight(const struct tree *tree, const struct item *items, size_t count, bool source)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (is_open(&items[i], source))
			sum += classes_weight(tree->classes, match_of(tree, &items[i], source));
	return sum;
}

/* Which items an owner lets match; sorted by owner. */
struct owned {
	__u32 owner;
	__u32 item;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

struct by_class {
	struct tree *tree;
	const struct item *items;
	bool source;
	struct owned *owned; /* items with a condition on the address */
	size_t nr_owned;
	__u32 *always; /* those without */
	size_t nr_always;
	struct item *chosen; /* room for all */
};

static void sort_items(struct by_class *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct address_match *match = match_of(b->tree, &b->items[i], b->source);

		if (!is_open(&b->items[i], b->source) || match->kind == ADDRESS_ANY)
			b->always[b->nr_always++] = i;
		else if (classes_weight(b->tree->classes, match))
			b->owned[b->nr_owned++] = (struct owned){classes_owner(b->tree->classes, match), i};
	}
	qsort(b->owned, b->nr_owned, sizeof(*b->owned), compare_owned);
}

/* The first entry of @owner, or where it would be. */
static size_t find_owned(const struct by_class *b, __u32 owner)
{
	size_t low = 0, high = b->nr_owned;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (b->owned[middle].owner < owner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct item answered(struct item item, bool source, __u32 until)
{
	item.from_ok |= source;
	item.to_ok |= !source;
	if (until < item.until)
		item.until = until;
	return item;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return x->until < y->until ? 1 : x->until > y->until ? -1 : 0; /* the longest membership first */
}

/* The items that addresses of a class can match, in the order of the rules. */
static size_t choose_items(const struct by_class *b, __u32 class)
{
	struct membership in[PREFIXES_DEEP];
	size_t nr_in = classes_memberships(b->tree->classes, class, in, ARRAY_SIZE(in)), count = 0, kept = 0;

	for (size_t i = 0; i < b->nr_always; i++)
		b->chosen[count++] = answered(b->items[b->always[i]], b->source, XDPFW_NEVER);
	for (size_t i = 0; i < nr_in; i++)
		for (size_t at = find_owned(b, in[i].owner); at < b->nr_owned && b->owned[at].owner == in[i].owner;
		     at++)
			b->chosen[count++] = answered(b->items[b->owned[at].item], b->source, in[i].until);
	qsort(b->chosen, count, sizeof(*b->chosen), compare_items);
	for (size_t i = 0; i < count; i++)
		if (!kept || b->chosen[kept - 1].rule != b->chosen[i].rule)
			b->chosen[kept++] = b->chosen[i];
	return kept;
}

static int fill_row(struct by_class *b, __u32 otherwise, __u32 place, struct xdpfw_condition *c, unsigned int *depth)
{
	for (__u32 class = 0; class < classes_count(b->tree->classes); class ++) {
		size_t count = choose_items(b, class);
		__u32 cell = 0;
		int err = build(b->tree, b->chosen, count, otherwise, &cell);

		if (err)
			return err;
		/* Building may have moved the lines. */
		b->tree->lines->at[place + class / XDPFW_LINE_CELLS].cells[class % XDPFW_LINE_CELLS] = cell;
		if (class < XDPFW_FIRST_CELLS)
			c->first[class] = cell;
		*depth = deeper(*depth, depth_of(b->tree, cell));
	}
	return 0;
}

static int ask_class(struct tree *tree, const struct item *items, size_t count, bool source, __u32 otherwise,
		     __u32 *cell)
{
	_free_ struct owned *owned = calloc(count, sizeof(*owned));
	_free_ __u32 *always = calloc(count, sizeof(*always));
	/* A rule can be chosen once for each prefix of its set around an address. */
	_free_ struct item *chosen = calloc(count + PREFIXES_DEEP * count, sizeof(*chosen));
	struct by_class b = {
		.tree = tree, .items = items, .source = source, .owned = owned, .always = always, .chosen = chosen};
	struct xdpfw_condition c = {
		.question = source ? XDPFW_ASK_SOURCE_CLASS : XDPFW_ASK_DESTINATION_CLASS,
	};
	unsigned int depth = 0;
	__u32 place;
	int err;

	if (!owned || !always || !chosen)
		return -ENOMEM;
	sort_items(&b, count);
	err = lines_take(tree->lines, classes_count(tree->classes), XDPFW_LINE_CELLS, &place);
	if (err == -E2BIG)
		return refuse(tree, items[0].rule,
			      "too many rules with many addresses: the tables would exceed 64 MiB; join "
			      "addresses into sets or ports into lists");
	if (!err)
		err = fill_row(&b, otherwise, place, &c, &depth);
	c.value = place * XDPFW_LINE_CELLS;
	return err ? err : add_condition(tree, &c, depth, items[0].rule, cell);
}

/* Does the rule of @item match whatever comes to here? */
static bool is_certain(const struct tree *tree, const struct item *item)
{
	const struct rule *rule = &tree->set->statements[item->rule].rule;

	return (item->from_ok || rule->from.kind == ADDRESS_ANY) && (item->to_ok || rule->to.kind == ADDRESS_ANY) &&
	       item->until == XDPFW_NEVER && !rule->source_ports.count && !rule->on && !rule->on_out && !rule->user &&
	       !rule->cgroup && !rule->limited && !rule->expires;
}

static int build(struct tree *tree, const struct item *items, size_t count, __u32 otherwise, __u32 *cell)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_certain(tree, &items[i]))
			continue;
		otherwise = rule_decision(&tree->set->statements[items[i].rule]);
		count = i;
	}
	if (weight(tree, items, count, true) > PREFIXES_ASKED)
		return ask_class(tree, items, count, true, otherwise, cell);
	if (weight(tree, items, count, false) > PREFIXES_ASKED)
		return ask_class(tree, items, count, false, otherwise, cell);
	return ask_each(tree, items, count, otherwise, cell);
}

int tree_cell(struct tree *tree, const __u32 *rules, size_t count, __u32 otherwise, __u32 *cell)
{
	_free_ struct item *items = calloc(count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		items[i] = (struct item){.rule = rules[i], .until = XDPFW_NEVER};
	return build(tree, items, count, otherwise, cell);
}
