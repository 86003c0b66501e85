// SPDX-License-Identifier: GPL-2.0-only
#include "crc32c.h"

/* Castagnoli's polynomial, reflected. */
#define POLYNOMIAL 0x82f63b78U

static __u32 move_one_byte(__u32 crc)
{
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	return crc;
}

/* Over one byte, bit by bit; over twice as many bytes, by moving twice. */
void crc32c_fill(__u32 moves[XDPFW_CRC32C_POWERS][XDPFW_CRC32C_NIBBLES][16])
{
	for (__u32 power = 0; power < XDPFW_CRC32C_POWERS; power++)
		for (__u32 i = 0; i < XDPFW_CRC32C_NIBBLES; i++)
			for (__u32 value = 0; value < 16; value++) {
				__u32 crc = value << 4 * i;

				moves[power][i][value] =
					power == 0 ? move_one_byte(crc)
						   : xdpfw_crc32c_move(moves, power - 1,
								       xdpfw_crc32c_move(moves, power - 1, crc));
			}
}
