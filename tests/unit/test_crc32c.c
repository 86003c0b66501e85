// SPDX-License-Identifier: GPL-2.0-only
/* Mended checksums of SCTP beside such that are reckoned anew. */
#include <stdlib.h>
#include <string.h>

#include "../bitwise_crc32c.h"
#include "crc32c.h"
#include "unit.h"

#define LONGEST 65535

static __u32 little_endian(const unsigned char *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (__u32)bytes[3] << 24;
}

/* Other ports in front of the same packet. */
static void expect_mended(const __u32 moves[][XDPFW_CRC32C_NIBBLES][16], unsigned char *packet, size_t size)
{
	__u32 before = bitwise_crc32c(packet, size), old = little_endian(packet), change;

	for (int i = 0; i < 4; i++)
		packet[i] ^= rand() % 3 ? rand() : 0; /* some bytes stay */
	change = xdpfw_crc32c_change(moves, old ^ little_endian(packet), size);
	cr_expect_eq(before ^ change, bitwise_crc32c(packet, size), "%zu bytes: %08x changed by %08x, not to %08x",
		     size, before, change, bitwise_crc32c(packet, size));
}

Test(crc32c, known_answer)
{
	cr_expect_eq(bitwise_crc32c((const unsigned char *)"123456789", 9), 0xe3069283, "the check value of CRC-32c");
}

Test(crc32c, every_length_of_packets)
{
	static __u32 moves[XDPFW_CRC32C_POWERS][XDPFW_CRC32C_NIBBLES][16];
	static unsigned char packet[LONGEST];

	srand(1);
	crc32c_fill(moves);
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = rand();
	for (size_t size = 12; size <= 1500; size++)
		expect_mended(moves, packet, size);
	for (int i = 0; i < 200; i++)
		expect_mended(moves, packet, 12 + rand() % (LONGEST - 11));
	expect_mended(moves, packet, LONGEST);
}

Test(crc32c, nothing_changes)
{
	static __u32 moves[XDPFW_CRC32C_POWERS][XDPFW_CRC32C_NIBBLES][16];

	crc32c_fill(moves);
	for (__u32 length = 12; length <= LONGEST; length++)
		cr_assert_eq(xdpfw_crc32c_change(moves, 0, length), 0);
}
