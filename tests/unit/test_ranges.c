// SPDX-License-Identifier: GPL-2.0-only
/* Lists of prefixes as lines, looked up as the data path does, against a reader that tries every prefix. */
#include "ranges.h"

#include "look_up.h"
#include "unit.h"

struct list {
	struct range_entry *entries;
	size_t count;
	struct address_lines lines;
	struct xdpfw_branch roots[2];
};

/* The innermost prefix decides; the number of a prefix is its value. */
static int innermost(void *data, __u32 outer, const struct range_entry *entry, __u32 *value)
{
	(void)data;
	(void)outer;
	*value = entry->what;
	return 0;
}

static struct list list_of(size_t room)
{
	return (struct list){.entries = calloc(room, sizeof(struct range_entry))};
}

static void clear_host_bits(struct prefix *prefix)
{
	for (unsigned int bit = prefix->length; bit < 128; bit++)
		prefix->addr.bytes[bit / 8] &= ~(0x80 >> bit % 8);
}

static void add(struct list *list, struct xdpfw_addr addr, __u8 length, __u32 what)
{
	struct range_entry entry = {.prefix = {.addr = addr, .length = length}, .what = what};

	clear_host_bits(&entry.prefix);
	list->entries[list->count++] = entry;
}

static void write_list(struct list *list)
{
	cr_assert_eq(ranges_write(&list->lines, list->roots, list->entries, list->count, innermost, NULL), 0);
}

static void free_list(struct list *list)
{
	free(list->entries);
	lines_free(&list->lines);
}

static struct xdpfw_addr v4(__u32 address)
{
	return (struct xdpfw_addr){.words = {0, 0, htonl(0xffff), htonl(address)}};
}

static struct xdpfw_addr v6(__u32 a, __u32 b, __u32 c, __u32 d)
{
	return (struct xdpfw_addr){.words = {htonl(a), htonl(b), htonl(c), htonl(d)}};
}

static __u32 random_word(void)
{
	return (__u32)rand() << 16 ^ (__u32)rand();
}

static bool contains(const struct prefix *prefix, const struct xdpfw_addr *addr)
{
	struct prefix other = {.addr = *addr, .length = prefix->length};

	clear_host_bits(&other);
	return !memcmp(&other.addr, &prefix->addr, sizeof(other.addr)) && (!is_v4(addr) || prefix->length >= 96);
}

/* Of equal prefixes the last one, as in the sweep. */
static __u32 read_list(const struct list *list, const struct xdpfw_addr *addr)
{
	const struct range_entry *best = NULL;

	for (size_t i = 0; i < list->count; i++)
		if (contains(&list->entries[i].prefix, addr) &&
		    (!best || list->entries[i].prefix.length >= best->prefix.length))
			best = &list->entries[i];
	return best ? best->what : 0;
}

static void expect_same(const struct list *list, const struct xdpfw_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	cr_assert_eq(look_up(&list->lines, list->roots, addr, NULL), read_list(list, addr), "%s",
		     format_addr(addr, text));
}

/* @addr one up or down; from one end of its family to the other. */
static struct xdpfw_addr beside(struct xdpfw_addr addr, int step)
{
	int end = is_v4(&addr) ? 12 : 0;

	for (int byte = 15; byte >= end; byte--) {
		addr.bytes[byte] += step;
		if (addr.bytes[byte] != (step > 0 ? 0x00 : 0xff))
			break;
	}
	return addr;
}

static struct xdpfw_addr last_of(const struct prefix *prefix)
{
	struct xdpfw_addr last = prefix->addr;

	for (unsigned int bit = prefix->length; bit < 128; bit++)
		last.bytes[bit / 8] |= 0x80 >> bit % 8;
	return last;
}

static void expect_same_at_edges(const struct list *list, const struct prefix *prefix)
{
	const struct xdpfw_addr first = prefix->addr, last = last_of(prefix);
	const struct xdpfw_addr edges[] = {first, last, beside(first, -1), beside(last, 1)};

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		expect_same(list, &edges[i]);
}

/* Both ends of some of the prefixes and their neighbours, the ends of all addresses, and @random ones. */
static void expect_same_everywhere(const struct list *list, size_t stride, struct xdpfw_addr (*random)(void))
{
	const struct xdpfw_addr ends[] = {v4(0), v4(~0U), v6(0, 0, 0, 0), v6(~0U, ~0U, ~0U, ~0U)};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		expect_same(list, &ends[i]);
	for (size_t i = 0; i < list->count; i += stride)
		expect_same_at_edges(list, &list->entries[i].prefix);
	for (size_t i = 0; random && i < 200; i++) {
		struct xdpfw_addr addr = random();

		expect_same(list, &addr);
	}
}

static unsigned int steps_to(const struct list *list, struct xdpfw_addr addr)
{
	unsigned int steps;

	look_up(&list->lines, list->roots, &addr, &steps);
	return steps;
}

static struct xdpfw_addr any_v4(void)
{
	return v4(random_word());
}

Test(ranges, nothing)
{
	struct list list = list_of(1);

	write_list(&list);
	expect_same_everywhere(&list, 1, NULL);
	cr_expect_eq(list.lines.count, 0);
	free_list(&list);
}

/* No line is needed to say the same of all addresses of a family. */
Test(ranges, everything)
{
	struct list list = list_of(2);

	add(&list, v4(0), 96, 1);
	add(&list, v6(0, 0, 0, 0), 0, 2);
	write_list(&list);
	expect_same_everywhere(&list, 1, any_v4);
	cr_expect_eq(list.lines.count, 0);
	free_list(&list);
}

Test(ranges, first_and_last_addresses)
{
	struct list list = list_of(8);

	add(&list, v4(0), 128, 1);
	add(&list, v4(~0U), 128, 2);
	add(&list, v6(0, 0, 0, 0), 128, 3);
	add(&list, v6(~0U, ~0U, ~0U, ~0U), 128, 4);
	add(&list, v6(~0U, ~0U, ~0U, 0), 96, 5);
	add(&list, v6(~0U, 0, 0, 0), 32, 6);
	add(&list, v6(0x20010db8, ~0U, 0, ~0U), 128, 7);
	write_list(&list);
	expect_same_everywhere(&list, 1, NULL);
	free_list(&list);
}

/* Any length, so they nest. */
Test(ranges, random_ipv4)
{
	for (int round = 0; round < 20; round++) {
		size_t count = 1 << rand() % 13;
		struct list list = list_of(count);

		for (size_t i = 0; i < count; i++)
			add(&list, any_v4(), 96 + rand() % 33, 1 + rand() % 5);
		write_list(&list);
		expect_same_everywhere(&list, 1 + count / 200, any_v4);
		free_list(&list);
	}
}

static struct xdpfw_addr near_v4(void)
{
	return v4(0x0a010000 | (random_word() & 0x1ffff));
}

/* Few steps, however near the prefixes lie to each other. */
Test(ranges, dense_ipv4)
{
	struct list list = list_of(100000);

	for (__u32 i = 0; i < 32768; i++)
		add(&list, v4(0x0a010000 | i << 1), 128, 1);
	for (__u32 i = 0; i < 50000; i++)
		add(&list, any_v4(), 112 + rand() % 17, 2);
	write_list(&list);
	expect_same_everywhere(&list, 4999, near_v4);
	for (int i = 0; i < 1000; i++) {
		cr_expect_leq(steps_to(&list, near_v4()), 3);
		cr_expect_leq(steps_to(&list, any_v4()), 3);
	}
	cr_expect_lt(list.lines.count, 100000);
	free_list(&list);
}

/* Neighbours that mean the same are one. */
Test(ranges, neighbours)
{
	struct list list = list_of(65536);

	for (__u32 i = 0; i < 65536; i++)
		add(&list, v4(0x0a010000 | i), 128, 1);
	write_list(&list);
	expect_same_everywhere(&list, 4999, near_v4);
	cr_expect_leq(list.lines.count, 1);
	free_list(&list);
}

/* Clusters of nine, which share as many upper bits as they can: the worst for an index. */
Test(ranges, clusters)
{
	struct list list = list_of(9 * 2048);

	for (__u32 i = 0; i < 2048; i++)
		for (__u32 k = 0; k < 9; k++)
			add(&list, v4(i << 21 | k << 1), 128, 1 + k % 2);
	write_list(&list);
	expect_same_everywhere(&list, 97, any_v4);
	cr_expect_leq(list.lines.count, 9 * 2048 * 2);
	free_list(&list);
}

static struct xdpfw_addr any_v6(void)
{
	return v6(0x20010db8 + rand() % 4, random_word() & 0xff00ff, random_word() & 0x3, random_word() & 0xf);
}

Test(ranges, random_ipv6)
{
	for (int round = 0; round < 20; round++) {
		size_t count = 1 << rand() % 12;
		struct list list = list_of(count);

		for (size_t i = 0; i < count; i++)
			add(&list, any_v6(), 1 + rand() % 128, 1 + rand() % 5);
		write_list(&list);
		expect_same_everywhere(&list, 1 + count / 200, any_v6);
		free_list(&list);
	}
}

/* A /64 each, of one provider and of many; hosts of one network. */
Test(ranges, many_ipv6)
{
	struct list list = list_of(100000);

	for (__u32 i = 0; i < 40000; i++)
		add(&list, v6(0x20010db8, i * 3, 0, 0), 64, 1);
	for (__u32 i = 0; i < 30000; i++)
		add(&list, v6(0x24000000 + i * 5000, random_word(), 0, 0), 64, 2);
	for (__u32 i = 0; i < 30000; i++)
		add(&list, v6(0x20010db9, 1, 0, i * 7), 128, 3);
	write_list(&list);
	expect_same_everywhere(&list, 4999, any_v6);
	for (__u32 i = 0; i < 40000; i += 99)
		cr_expect_leq(steps_to(&list, v6(0x20010db8, i * 3, 0, 1)), 6);
	cr_expect_lt(list.lines.count, 300000);
	free_list(&list);
}

/* Beyond the limit nothing is written half. */
Test(ranges, too_many)
{
	struct address_lines lines = {};
	__u32 place = 7;

	cr_assert_eq(lines_take(&lines, LINES_MAX, 1, &place), 0);
	cr_expect_eq(place, 0);
	cr_expect_eq(lines_take(&lines, 1, XDPFW_LINE_CELLS, &place), -E2BIG);
	cr_expect_eq(place, 0);
	cr_expect_eq(lines.count, LINES_MAX);
	lines_free(&lines);
}
