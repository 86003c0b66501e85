// SPDX-License-Identifier: GPL-2.0-only
/* pcapng blocks, byte for byte; tests/e2e/test_log.py lets tshark read whole files. */
#include <stdio.h>

#include "pcapng.h"
#include "unit.h"

struct written {
	char *bytes;
	size_t size;
	FILE *file;
};

static struct written w;

static void begin(void)
{
	w.file = open_memstream(&w.bytes, &w.size);
	cr_assert(w.file);
}

static void expect_bytes(const void *bytes, size_t size)
{
	fflush(w.file);
	cr_assert_eq(w.size, size, "%zu bytes instead of %zu", w.size, size);
	if (size)
		cr_expect_arr_eq(w.bytes, bytes, size);
	fclose(w.file);
	free(w.bytes);
}

/* The file is in the byte order of the machine that writes it, which the magic number tells. */
static unsigned char *put(unsigned char *end, const void *bytes, size_t size)
{
	memcpy(end, bytes, size);
	return end + size;
}

#define PUT16(value) end = put(end, &(__u16){value}, 2)
#define PUT32(value) end = put(end, &(__u32){value}, 4)
#define PUT64(value) end = put(end, &(__u64){value}, 8)
#define PUTS(text)   end = put(end, text, sizeof(text) - 1)

Test(pcapng, section)
{
	unsigned char expected[64], *end = expected;

	begin();
	cr_assert_eq(pcapng_begin(w.file, "xdpfw 1"), 0);
	PUT32(0x0a0d0d0a);
	PUT32(44);
	PUT32(0x1a2b3c4d);
	PUT16(1);
	PUT16(0);
	PUT64(~0ULL);
	PUT16(4);
	PUT16(7);
	PUTS("xdpfw 1\0");
	PUT32(0);
	PUT32(44);
	expect_bytes(expected, end - expected);
}

Test(pcapng, interface_without_ethernet)
{
	unsigned char expected[64], *end = expected;

	begin();
	cr_assert_eq(pcapng_interface(w.file, "tun0", PCAPNG_RAW, 256), 0);
	PUT32(1);
	PUT32(40);
	PUT16(101);
	PUT16(0);
	PUT32(256);
	PUT16(2);
	PUT16(4);
	PUTS("tun0");
	PUT16(9);
	PUT16(1);
	PUTS("\x09\0\0\0");
	PUT32(0);
	PUT32(40);
	expect_bytes(expected, end - expected);
}

Test(pcapng, packet)
{
	unsigned char expected[128], *end = expected;
	const struct pcapng_packet packet = {
		.interface = 2,
		.time_ns = 0x1122334455667788ULL,
		.bytes = "abcde",
		.captured = 5,
		.length = 99,
		.outbound = 1,
		.hook = PCAPNG_XDP,
		.verdict = 1,
		.comment = "why",
	};

	begin();
	cr_assert_eq(pcapng_packet(w.file, &packet), 0);
	PUT32(6);
	PUT32(76);
	PUT32(2);
	PUT32(0x11223344);
	PUT32(0x55667788);
	PUT32(5);
	PUT32(99);
	PUTS("abcde\0\0\0");
	PUT16(1);
	PUT16(3);
	PUTS("why\0");
	PUT16(2);
	PUT16(4);
	PUT32(2);
	PUT16(7);
	PUT16(9);
	PUTS("\x02");
	PUT64(1);
	PUTS("\0\0\0");
	PUT32(0);
	PUT32(76);
	expect_bytes(expected, end - expected);
}

/* A block is whole or not there. */
Test(pcapng, too_long)
{
	static char comment[5000];
	const struct pcapng_packet packet = {.bytes = "", .comment = comment};

	begin();
	memset(comment, 'x', sizeof(comment) - 1);
	cr_expect_eq(pcapng_packet(w.file, &packet), -EMSGSIZE);
	expect_bytes("", 0);
}
