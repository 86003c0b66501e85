/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables by which the data path mends checksums of SCTP. */
#ifndef XDPFW_USER_CRC32C_H
#define XDPFW_USER_CRC32C_H

#include "xdpfw/crc32c.h"

void crc32c_fill(__u32 moves[XDPFW_CRC32C_POWERS][XDPFW_CRC32C_NIBBLES][16]);

#endif
