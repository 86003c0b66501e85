/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checksum of SCTP, CRC-32c over the whole packet (RFC 9260 appendix A), when only the first four bytes of the packet
 * change: its two ports.
 *
 * A CRC is linear: the CRCs of two packets of one length differ by what the difference of the two leaves in a register
 * that began as zero. So the payload need not be read. The difference of the ports, with zeros behind it up to the
 * end of the packet, is moved through the register; and that a register has moved over 2^k bytes is
 * a linear map of its 32 bits, which is looked up: four bits at a time, for each k.
 *
 *	a packet of 28 bytes (16 + 8 + 4): three moves of eight lookups each
 *
 * Bits are reflected (bit 0 of a register is the highest power), so a difference enters as its four bytes in
 * little-endian order, which is also how the checksum stands in the packet.
 */
#ifndef XDPFW_CRC32C_H
#define XDPFW_CRC32C_H

#include <linux/types.h>

#define XDPFW_CRC32C_POWERS  16 /* packets of less than 2^16 bytes */
#define XDPFW_CRC32C_NIBBLES 8  /* of a register */

/* The register @crc, 2^@power bytes later. @moves[k][i][v] is what becomes of v << 4i in 2^k bytes. */
static inline __u32 xdpfw_crc32c_move(const volatile __u32 moves[][XDPFW_CRC32C_NIBBLES][16], __u32 power, __u32 crc)
{
	__u32 moved = 0;

	for (__u32 i = 0; i < XDPFW_CRC32C_NIBBLES; i++)
		moved ^= moves[power][i][crc >> 4 * i & 15];
	return moved;
}

/* What the checksum of a packet of @length bytes changes by (xor) if its first four bytes change by @difference. */
static inline __u32 xdpfw_crc32c_change(const volatile __u32 moves[][XDPFW_CRC32C_NIBBLES][16], __u32 difference,
					__u32 length)
{
#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (__u32 power = 0; power < XDPFW_CRC32C_POWERS; power++)
		if (length >> power & 1)
			difference = xdpfw_crc32c_move(moves, power, difference);
	return difference;
}

#endif
