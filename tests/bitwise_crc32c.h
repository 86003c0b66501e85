/* SPDX-License-Identifier: GPL-2.0-only */
/* CRC-32C over a whole packet, bit by bit (RFC 9260, appendix A): what mended checksums are compared with. */
#ifndef XDPFW_TESTS_BITWISE_CRC32C_H
#define XDPFW_TESTS_BITWISE_CRC32C_H

#include <linux/types.h>
#include <stddef.h>

static inline __u32 bitwise_crc32c(const unsigned char *bytes, size_t size)
{
	__u32 crc = ~0U;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

#endif
