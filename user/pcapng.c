// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "pcapng.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum block_type {
	SECTION_HEADER = 0x0a0d0d0a,
	INTERFACE_DESCRIPTION = 1,
	ENHANCED_PACKET = 6,
};

/* Option codes are those of the block they stand in, but for these two, which are the same in all. */
enum option_code {
	END_OF_OPTIONS = 0,
	COMMENT = 1,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_TIME_RESOLUTION = 9,
	PACKET_FLAGS = 2,
	PACKET_VERDICT = 7,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define UNKNOWN_LENGTH   (~0ULL) /* of a section */
#define NANOSECONDS      9       /* 10^-9 */

/* A block as it grows. Its total length stands at its beginning and its end; everything is padded to 32 bits. */
struct block {
	size_t size;
	int full;
	unsigned char bytes[4096];
};

static void put(struct block *b, const void *bytes, size_t size)
{
	size_t padded = (size + 3) & ~3UL;

	if (b->full || padded > sizeof(b->bytes) - b->size) {
		b->full = 1;
		return;
	}
	memcpy(b->bytes + b->size, bytes, size);
	memset(b->bytes + b->size + size, 0, padded - size);
	b->size += padded;
}

static void put_u32(struct block *b, __u32 value)
{
	put(b, &value, sizeof(value));
}

static void put_two(struct block *b, __u16 first, __u16 second)
{
	const __u16 pair[] = {first, second};

	put(b, pair, sizeof(pair));
}

static void put_option(struct block *b, enum option_code code, const void *bytes, size_t size)
{
	put_two(b, code, size);
	put(b, bytes, size);
}

static void begin(struct block *b, enum block_type type)
{
	b->size = 0;
	b->full = 0;
	put_u32(b, type);
	put_u32(b, 0); /* the length, filled in at the end */
}

static int end(struct block *b, FILE *file)
{
	__u32 total;

	put_two(b, END_OF_OPTIONS, 0);
	total = b->size + sizeof(total);
	put_u32(b, total);
	if (b->full)
		return -EMSGSIZE;
	memcpy(b->bytes + sizeof(__u32), &total, sizeof(total));
	return fwrite(b->bytes, 1, b->size, file) == b->size && fflush(file) == 0 ? 0 : -EIO;
}

int pcapng_begin(FILE *file, const char *application)
{
	const __u64 length = UNKNOWN_LENGTH;
	struct block b;

	begin(&b, SECTION_HEADER);
	put_u32(&b, BYTE_ORDER_MAGIC);
	put_two(&b, 1, 0); /* version */
	put(&b, &length, sizeof(length));
	put_option(&b, SECTION_APPLICATION, application, strlen(application));
	return end(&b, file);
}

int pcapng_interface(FILE *file, const char *name, enum pcapng_link link, __u32 snap)
{
	const __u8 resolution = NANOSECONDS;
	struct block b;

	begin(&b, INTERFACE_DESCRIPTION);
	put_two(&b, link, 0);
	put_u32(&b, snap);
	put_option(&b, INTERFACE_NAME, name, strlen(name));
	put_option(&b, INTERFACE_TIME_RESOLUTION, &resolution, sizeof(resolution));
	return end(&b, file);
}

int pcapng_packet(FILE *file, const struct pcapng_packet *packet)
{
	const __u32 flags = packet->outbound ? 2 : 1;
	unsigned char verdict[1 + sizeof(packet->verdict)] = {packet->hook};
	struct block b;

	memcpy(verdict + 1, &packet->verdict, sizeof(packet->verdict));
	begin(&b, ENHANCED_PACKET);
	put_u32(&b, packet->interface);
	put_u32(&b, packet->time_ns >> 32);
	put_u32(&b, (__u32)packet->time_ns);
	put_u32(&b, packet->captured);
	put_u32(&b, packet->length);
	put(&b, packet->bytes, packet->captured);
	put_option(&b, COMMENT, packet->comment, strlen(packet->comment));
	put_option(&b, PACKET_FLAGS, &flags, sizeof(flags));
	put_option(&b, PACKET_VERDICT, verdict, sizeof(verdict));
	return end(&b, file);
}
