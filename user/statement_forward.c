// SPDX-License-Identifier: GPL-2.0-only
/*
 * forward LISTEN:TARGET[,TARGET...][/PROTO] [one-way] [keep-source] [from CIDR] [to ADDR] [on IFACE] [comment TEXT]
 *
 * TARGET is PORTS of this host, or ADDR:PORTS of another. PORTS without an address behind ADDR:PORTS belong to that
 * address. As many ranges as LISTEN has are one target, port by port; otherwise each is a target of its own.
 */
#include "statement_forward.h"

#include <errno.h>
#include <string.h>

#include "comment.h"
#include "forward.h"
#include "parse_addr.h"
#include "parse_address.h"
#include "parse_iface.h"
#include "parse_ports.h"
#include "parse_time.h"
#include "util.h"

/* One item of the list of targets. */
struct item {
	bool named; /* it has an address */
	struct xdpfw_addr addr;
	struct port_range ports;
};

/* Longer lists are refused anyway. */
#define ITEMS_MAX 256

static int parse_listen(const char *word, size_t length, struct forward *f, struct error *e)
{
	f->listen = calloc(length / 2 + 1, sizeof(*f->listen));
	if (!f->listen)
		return fail(e, -ENOMEM, "out of memory");
	for (const char *item = word, *end = word + length;; item++) {
		size_t size = strcspn(item, ",");
		int err;

		if (item + size > end)
			size = end - item;
		err = parse_port_range(item, size, &f->listen[f->nr_ranges], e);
		if (err)
			return err;
		f->nr_ranges++;
		item += size;
		if (item == end)
			return 0;
	}
}

/* Where the ports of an item begin: behind "10.0.0.5:" or "[fd00::5]:". NULL, with @e filled, if it cannot be told. */
static const char *find_ports(const char *item, struct error *e)
{
	const char *colon = strchr(item, ':');

	if (*item == '[') {
		const char *end = strchr(item, ']');

		if (end && end[1] == ':')
			return end + 2;
		fail(e, -EINVAL, "'%s': not a target; write [fd00::5]:8443", excerpt(item).text);
		return NULL;
	}
	if (colon && strchr(colon + 1, ':')) {
		fail(e, -EINVAL, "'%s': an IPv6 address stands in brackets; write [fd00::5]:8443", excerpt(item).text);
		return NULL;
	}
	if (!colon && strchr(item, '.')) {
		fail(e, -EINVAL, "'%s': the port of the target is missing; write %s:8443", excerpt(item).text,
		     excerpt(item).text);
		return NULL;
	}
	return colon ? colon + 1 : item;
}

static int parse_item_address(const char *word, const char *text, size_t length, struct item *item, struct error *e)
{
	bool brackets = length && *text == '[';
	_free_ char *addr = strndup(text + brackets, length - 2 * brackets);
	int err;

	if (!addr)
		return fail(e, -ENOMEM, "out of memory");
	err = parse_addr(word, addr, &item->addr, e);
	if (!err && brackets == addr_is_ipv4(&item->addr))
		err = fail(e, -EINVAL, "'%s': only IPv6 addresses stand in brackets", excerpt(word).text);
	item->named = !err;
	return err;
}

static int parse_item(const char *word, const char *text, struct item *item, struct error *e)
{
	const char *ports = find_ports(text, e);
	int err = 0;

	if (!ports)
		return e ? e->code : -EINVAL;
	if (ports != text)
		err = parse_item_address(word, text, ports - text - 1, item, e);
	return err ? err : parse_port_range(ports, strlen(ports), &item->ports, e);
}

static int parse_items(const char *word, char *list, struct item *items, size_t *count, struct error *e)
{
	char *rest = list;

	*count = 0;
	for (char *text = strsep(&rest, ","); text; text = strsep(&rest, ",")) {
		int err;

		if (*count == ITEMS_MAX)
			return fail(e, -EINVAL, "'%s': more than %d targets", excerpt(word).text, ITEMS_MAX);
		items[*count] = (struct item){0};
		err = parse_item(word, text, &items[*count], e);
		if (err)
			return err;
		(*count)++;
	}
	return 0;
}

/* Do the items from @first on pair with the listening ranges, one by one? */
static bool pairs_up(const struct forward *f, const struct item *items, size_t count)
{
	if (count != f->nr_ranges)
		return false;
	for (size_t i = 0; i < count; i++)
		if (range_length(&f->listen[i]) != range_length(&items[i].ports))
			return false;
	return true;
}

static int add_target(struct forward *f, const struct item *named, const struct item *items, struct error *e)
{
	struct forward_target *target = &f->targets[f->nr_targets];

	if (f->nr_targets == FORWARD_TARGETS_MAX)
		return fail(e, -EINVAL, "'forward': more than %d targets", FORWARD_TARGETS_MAX);
	target->ports = calloc(f->nr_ranges, sizeof(*target->ports));
	if (!target->ports)
		return fail(e, -ENOMEM, "out of memory");
	f->nr_targets++;
	target->remote = named->named;
	target->addr = named->addr;
	for (size_t i = 0; i < f->nr_ranges; i++)
		target->ports[i] = items[i].ports;
	return 0;
}

/* The ports of one address (or of this host): one target, or several of the listening range's length. */
static int add_group(const char *word, const struct item *items, size_t count, struct forward *f, struct error *e)
{
	if (pairs_up(f, items, count))
		return add_target(f, items, items, e);
	for (size_t i = 0; i < count; i++) {
		int err;

		if (!pairs_up(f, &items[i], 1))
			return fail(e, -EINVAL,
				    "'%s': as many ports as listen are needed, in ranges of the same length",
				    excerpt(word).text);
		err = add_target(f, items, &items[i], e);
		if (err)
			return err;
	}
	return 0;
}

static int check_targets(const char *word, const struct forward *f, struct error *e)
{
	for (size_t i = 1; i < f->nr_targets; i++) {
		if (f->targets[i].remote != f->targets[0].remote)
			return fail(e, -EINVAL, "'%s': targets are all on this host or all on others",
				    excerpt(word).text);
		if (f->targets[i].remote && addr_is_ipv4(&f->targets[i].addr) != addr_is_ipv4(&f->targets[0].addr))
			return fail(e, -EINVAL, "'%s': targets are of one family; write a forward for each",
				    excerpt(word).text);
	}
	return 0;
}

static int parse_targets(const char *word, const char *text, size_t length, struct forward *f, struct error *e)
{
	_free_ struct item *items = calloc(ITEMS_MAX, sizeof(*items));
	_free_ char *list = strndup(text, length);
	size_t count = 0, group = 0;
	int err;

	f->targets = calloc(FORWARD_TARGETS_MAX, sizeof(*f->targets));
	if (!items || !list || !f->targets)
		return fail(e, -ENOMEM, "out of memory");
	err = parse_items(word, list, items, &count, e);
	for (size_t i = 1; !err && i <= count; i++) {
		if (i < count && !items[i].named)
			continue;
		err = add_group(word, items + group, i - group, f, e);
		group = i;
	}
	return err ? err : check_targets(word, f, e);
}

static int parse_forward_protocol(const char *word, unsigned int *protocols, struct error *e)
{
	const char *protocol = strchr(word, '/');
	unsigned int wanted = PROTO_TCP | PROTO_UDP;

	if (protocol && parse_protocol(protocol + 1, &wanted, NULL))
		return fail(e, -EINVAL, "'%s': not a protocol of forwards; write tcp, udp or sctp",
			    excerpt(protocol + 1).text);
	*protocols = wanted;
	return 0;
}

/* "8080:2988", "8000-8010:9000-9010/tcp", "53:[fd00::53]:53" */
static int parse_ends(const char *word, struct forward *f, struct error *e)
{
	size_t length = strcspn(word, "/"), listen = strcspn(word, ":");
	int err;

	if (listen >= length)
		return fail(e, -EINVAL, "'%s': a forward has two ports; write forward 8080:2988", excerpt(word).text);
	err = parse_listen(word, listen, f, e);
	if (!err)
		err = parse_targets(word, word + listen + 1, length - listen - 1, f, e);
	return err ? err : parse_forward_protocol(word, &f->protocols, e);
}

/* Words behind the ports, as typed; NULL where they are missing. */
struct forward_words {
	const char *from, *to, *on, *comment, *duration, *until;
	bool one_way, keep_source;
};

static int read_value(struct cursor *cursor, const char *name, const char *example, const char **place, struct error *e)
{
	const char *value = cursor_next(cursor);

	if (!value)
		return fail(e, -EINVAL, "'%s': something is missing behind it; write %s %s", name, name, example);
	if (*place)
		return fail(e, -EINVAL, "'%s %s': '%s' is given already", name, excerpt(value).text, name);
	*place = value;
	return 0;
}

static int read_words(struct cursor *cursor, struct forward_words *words, struct error *e)
{
	const struct {
		const char *name, *example;
		const char **place;
	} clauses[] = {
		{"from", "203.0.113.0/24", &words->from},
		{"to", "203.0.113.9", &words->to},
		{"on", "eth0", &words->on},
		{"comment", "'why'", &words->comment},
		{"for", "20m", &words->duration},
		{"until", "2026-11-25T18:00:00Z", &words->until},
	};

	for (const char *word = cursor_peek(cursor); word; word = cursor_peek(cursor)) {
		size_t i = 0;
		int err;

		while (i < ARRAY_SIZE(clauses) && strcmp(word, clauses[i].name))
			i++;
		if (i == ARRAY_SIZE(clauses) && strcmp(word, "one-way") && strcmp(word, "keep-source"))
			return cursor_end(cursor, "behind the ports: one-way, keep-source, from, to, on, comment, for",
					  e);
		cursor_next(cursor);
		words->one_way |= !strcmp(word, "one-way");
		words->keep_source |= !strcmp(word, "keep-source");
		err = i < ARRAY_SIZE(clauses) ? read_value(cursor, word, clauses[i].example, clauses[i].place, e) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int resolve_from(const char *word, struct forward *f, struct error *e)
{
	int err = word ? parse_address_match(word, &f->from, e) : 0;

	if (!err && f->from.kind == ADDRESS_SET) {
		free(f->from.set);
		f->from = (struct address_match){0};
		err = fail(e, -EINVAL, "'%s': a forward is for one prefix; write from 203.0.113.0/24",
			   excerpt(word).text);
	}
	return err;
}

static int resolve_words(const struct forward_words *words, struct forward *f, struct error *e)
{
	int err = resolve_from(words->from, f, e);

	f->keep_source = words->keep_source;
	f->one_way = words->one_way || forward_is_remote(f) || f->nr_targets > 1;
	if (!err && words->to && strcmp(words->to, "any")) {
		err = parse_addr(words->to, words->to, &f->to, e);
		f->has_to = !err;
	}
	if (!err && words->on)
		err = check_iface_name(words->on, e);
	if (!err && words->on && !(f->on = strdup(words->on)))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err)
		err = comment_parse(words->comment, &f->comment, e);
	return err ? err : parse_expiry(words->duration, words->until, &f->expires, e);
}

static bool have_common(const struct port_range *a, const struct port_range *b, __u16 *port)
{
	*port = a->first > b->first ? a->first : b->first;
	return *port <= a->last && *port <= b->last;
}

/* Is a port of @f's number @range listened on once more, or led to as well? Only one-way forwards may share targets. */
static bool is_used_twice(const struct forward *f, size_t range, __u16 *port)
{
	for (size_t i = 0; i < f->nr_ranges; i++) {
		if (i > range && have_common(&f->listen[range], &f->listen[i], port))
			return true;
		for (size_t j = 0; !forward_is_remote(f) && j < f->nr_targets; j++)
			if (have_common(&f->listen[range], &f->targets[j].ports[i], port))
				return true;
		if (i > range && forward_is_link(f) &&
		    have_common(&f->targets[0].ports[range], &f->targets[0].ports[i], port))
			return true;
	}
	return false;
}

static int check_ports(const char *word, const struct forward *f, struct error *e)
{
	__u16 port;

	for (size_t i = 0; !forward_is_remote(f) && i < f->nr_ranges; i++)
		for (size_t j = 0; j < f->nr_targets; j++)
			if (f->listen[i].first == f->targets[j].ports[i].first)
				return fail(e, -EINVAL, "'%s': a port cannot be forwarded to itself",
					    excerpt(word).text);
	for (size_t i = 0; i < f->nr_ranges; i++)
		if (is_used_twice(f, i, &port))
			return fail(e, -EINVAL, "'%s': port %u is in it twice; a forward takes each port once",
				    excerpt(word).text, port);
	return 0;
}

/* Words that do not go together. */
static int check_forward(const char *word, const struct forward *f, struct error *e)
{
	bool families[2];

	forward_families(f, families);
	if (!families[0] && !families[1])
		return fail(e, -EINVAL, "'%s': its addresses are of different families", excerpt(word).text);
	if (f->keep_source && !forward_is_remote(f))
		return fail(e, -EINVAL, "'keep-source': goes with other hosts only; this host sees the client anyway");
	if (forward_is_link(f) && forward_is_conditional(f))
		return fail(e, -EINVAL,
			    "'%s': two ports are linked for everybody and for good; write one-way behind it",
			    excerpt(word).text);
	return check_ports(word, f, e);
}

int parse_forward(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *word = cursor_next(cursor);
	struct forward_words words = {0};
	int err;

	if (!word)
		return fail(e, -EINVAL, "'forward': the ports are missing; write forward 8080:2988");
	err = parse_ends(word, &s->forward, e);
	if (!err)
		err = read_words(cursor, &words, e);
	if (!err)
		err = resolve_words(&words, &s->forward, e);
	return err ? err : check_forward(word, &s->forward, e);
}
