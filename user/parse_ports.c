// SPDX-License-Identifier: GPL-2.0-only
/* Ports, ranges and lists of them. */
#include "parse_ports.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parse_number.h"
#include "util.h"

static int refuse_port(const char *text, size_t length, enum number_fault fault, struct error *e)
{
	bool negative = length > 1 && *text == '-' && all_digits(text + 1, length - 1);
	struct excerpt shown = excerpt_part(text, length);

	if (!length)
		return fail(e, -EINVAL, "'': a port is missing; write a number, 0..65535");
	if (fault == NUMBER_TOO_BIG || negative)
		return fail(e, -EINVAL, "'%s': ports are 0..65535", shown.text);
	if (fault == NUMBER_NONE)
		return fail(e, -EINVAL, "'%s': not a port; write a number, 0..65535", shown.text);
	text = skip_zeros(text, &length);
	return fail(e, -EINVAL, "'%s': a port has no leading zeros; write %.*s", shown.text, (int)length, text);
}

int parse_port_part(const char *text, size_t length, __u16 *port, struct error *e)
{
	unsigned long value = 0;
	enum number_fault fault = parse_number(text, length, UINT16_MAX, &value);

	if (fault != NUMBER_OK)
		return refuse_port(text, length, fault, e);
	*port = value;
	return 0;
}

int parse_port(const char *word, __u16 *port, struct error *e)
{
	return parse_port_part(word, strlen(word), port, e);
}

/* The sign between two ports. Not at the very start: "-5" is a negative number, no range. */
static const char *find_separator(const char *text, const char *end, bool colon)
{
	for (; text < end; text++)
		if (*text == '-' || (colon && *text == ':'))
			return text;
	return NULL;
}

static int parse_range(const char *text, size_t length, bool colon, struct port_range *range, struct error *e)
{
	const char *end = text + length, *separator = length ? find_separator(text + 1, end, colon) : NULL;
	struct port_range parsed = {0};
	int err;

	if (!separator) {
		err = parse_port_part(text, length, &parsed.first, e);
		if (!err)
			*range = (struct port_range){parsed.first, parsed.first};
		return err;
	}
	if (separator + 1 == end || (all_digits(separator + 1, 1) && find_separator(separator + 1, end, colon)))
		return fail(e, -EINVAL, "'%s': a range has two ports, as 6000-6010", excerpt_part(text, length).text);
	err = parse_port_part(text, separator - text, &parsed.first, e);
	if (err)
		return err;
	err = parse_port_part(separator + 1, end - separator - 1, &parsed.last, e);
	if (err)
		return err;
	if (parsed.first > parsed.last)
		return fail(e, -EINVAL, "'%s': a range ascends; write %u-%u", excerpt_part(text, length).text,
			    parsed.last, parsed.first);
	*range = parsed;
	return 0;
}

int parse_port_range(const char *text, size_t length, struct port_range *range, struct error *e)
{
	return parse_range(text, length, false, range, e);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *left = a, *right = b;

	return (int)left->first - right->first;
}

static void sort_and_merge(struct ports *ports)
{
	size_t kept = 0;

	qsort(ports->ranges, ports->count, sizeof(*ports->ranges), compare_ranges);
	for (size_t i = 1; i < ports->count; i++) {
		struct port_range *before = &ports->ranges[kept], *range = &ports->ranges[i];

		if (range->first > before->last + 1)
			ports->ranges[++kept] = *range;
		else if (range->last > before->last)
			before->last = range->last;
	}
	ports->count = kept + 1;
}

static size_t count_items(const char *text, size_t length)
{
	size_t items = 1;

	for (size_t i = 0; i < length; i++)
		items += text[i] == ',';
	return items;
}

int parse_port_list(const char *text, size_t length, bool colon, struct ports *ports, struct error *e)
{
	_free_ struct port_range *ranges = calloc(count_items(text, length), sizeof(*ranges));
	const char *end = text + length;
	struct ports parsed = {ranges, 0};

	if (!ranges)
		return fail(e, -ENOMEM, "out of memory");
	for (const char *item = text;;) {
		const char *comma = memchr(item, ',', end - item);
		size_t size = (comma ? comma : end) - item;
		int err;

		if (!size && length)
			return fail(e, -EINVAL, "'%s': an item of the list is empty; write it as 80,443,8000-8010",
				    excerpt_part(text, length).text);
		err = parse_range(item, size, colon, &ranges[parsed.count++], e);
		if (err)
			return err;
		if (!comma)
			break;
		item = comma + 1;
	}
	sort_and_merge(&parsed);
	*ports = parsed;
	steal_pointer(&ranges);
	return 0;
}

int parse_ports(const char *word, struct ports *ports, struct error *e)
{
	return parse_port_list(word, strlen(word), false, ports, e);
}

int ports_of_range(__u16 first, __u16 last, struct ports *ports, struct error *e)
{
	struct ports made = {malloc(sizeof(*made.ranges)), 1};

	if (!made.ranges)
		return fail(e, -ENOMEM, "out of memory");
	made.ranges[0] = (struct port_range){first, last};
	*ports = made;
	return 0;
}

void ports_free(struct ports *ports)
{
	free(ports->ranges);
	*ports = (struct ports){0};
}

bool ports_equal(const struct ports *a, const struct ports *b)
{
	return a->count == b->count && (!a->count || !memcmp(a->ranges, b->ranges, a->count * sizeof(*a->ranges)));
}
