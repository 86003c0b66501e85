/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fingerprints: the array that keeps floods away from hash tables and sockets; see flow.h. */
#ifndef XDPFW_BPF_FINGERPRINT_H
#define XDPFW_BPF_FINGERPRINT_H

#include "common.h"
#include "config.h"
#include "maps.h"

/* Another CPU may age or mark the same word; after so many tries the bit is left to the next packet. */
#define MARK_TRIES 4

static __always_inline __u64 fingerprint_age(void)
{
	return bpf_jiffies64() >> cfg_age_shift;
}

/* Has any flow of this local port been marked in this age or the one before? */
static __always_inline bool has_marks(__u32 table, __u16 port, __u64 age)
{
	struct xdpfw_marked_ages *ages = bpf_map_lookup_elem(&marked_ages, &table);
	__u8 marked = ages ? ages->ports[port] : 0;

	return marked && (marked == xdpfw_age_byte(age) || marked == xdpfw_age_byte(age - 1));
}

static __always_inline struct xdpfw_fingerprint *fingerprint(__u32 table, __u16 port)
{
	struct xdpfw_fingerprint_table_value *value = bpf_map_lookup_elem(&fingerprints, &table);

	return part_of(value, ports[port]);
}

/* The bits that count: those of this age and of the one before. */
static __always_inline __u64 young_bits(const struct xdpfw_fingerprint *print, __u64 age)
{
	__u64 bits = 0;

	for (__u32 i = 0; i < 2; i++) {
		__u64 word = print->words[i];
		__u8 behind = (__u8)age - (__u8)(word >> XDPFW_FINGERPRINT_BITS);

		if (behind <= 1)
			bits |= word;
	}
	return bits;
}

/* Is a flow of this local port with this remote endpoint possible? */
static __always_inline bool may_have_flow(__u32 table, const struct pkt *p, __u16 local, __u16 remote)
{
	__u64 age = fingerprint_age();
	struct xdpfw_fingerprint *print;

	if (likely(!has_marks(table, local, age)))
		return false;
	print = fingerprint(table, local);
	return !print || young_bits(print, age) >> xdpfw_fingerprint_bit(remote_addr(p), remote) & 1;
}

static __always_inline void mark_port(__u32 table, __u16 port, __u64 age)
{
	struct xdpfw_marked_ages *ages = bpf_map_lookup_elem(&marked_ages, &table);

	if (ages && ages->ports[port] != xdpfw_age_byte(age))
		ages->ports[port] = xdpfw_age_byte(age);
}

static __always_inline void mark_flow(__u32 table, const struct pkt *p, __u16 local, __u16 remote)
{
	struct xdpfw_fingerprint *print = fingerprint(table, local);
	__u32 bit = xdpfw_fingerprint_bit(remote_addr(p), remote);
	__u64 age = fingerprint_age();
	__u64 *word;

	if (!print || cfg_observe)
		return;
	word = &print->words[age & 1];
	for (int i = 0; i < MARK_TRIES; i++) {
		__u64 old = *(volatile __u64 *)word;
		__u64 new = xdpfw_fingerprint_set(old, age, bit);

		if (old == new || __sync_val_compare_and_swap(word, old, new) == old)
			break;
	}
	mark_port(table, local, age);
}

#endif
