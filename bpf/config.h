/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is fixed when the programs are loaded. Read-only data: the verifier knows the
 * values and removes the branches that cannot be taken. What changes live is a map.
 */
#ifndef XDPFW_BPF_CONFIG_H
#define XDPFW_BPF_CONFIG_H

#include "common.h"
#include "xdpfw/crc32c.h"

/* The epochs in which these programs filter; see include/xdpfw/policy.h. */
const volatile __u16 cfg_epoch_from = 0;
const volatile __u16 cfg_epoch_window = XDPFW_WINDOW_OPEN;

/* Loaded in a trial with this deadline: past it the interface is as if it had not been loaded. 0: for good. */
const volatile __u64 cfg_trial = 0;

/* An age of the fingerprints is 2^cfg_age_shift jiffies (17 minutes at 250 Hz). */
const volatile __u32 cfg_age_shift = 18;

/* Jiffies in a second. */
const volatile __u32 cfg_hz = 250;

/* The kernel knows XDP fragments and bpf_xdp_get_buff_len() (5.18). */
const volatile __u8 cfg_xdp_frags = 1;

/* Inbound is generic XDP, which sees also what this program turns back into the stack. */
const volatile __u8 cfg_xdp_generic = 0;

/* Answers by XDP_TX reach the sender. Not so on native veth, whose peer takes them
 * only if it runs XDP itself: a reject is a drop there. */
const volatile __u8 cfg_xdp_tx = 1;

/* A twin (xdpfw/twin.h): says what it would do and writes to no map. Whatever writes asks this first. */
const volatile __u8 cfg_observe = 0;

/*
 * The source ports that forwards give to connections, in buckets of XDPFW_WAYS: so many from the first one up, and
 * all from the other one up. Between them lie the ports that the kernel gives to this host's own connections
 * (net.ipv4.ip_local_port_range).
 */
const volatile __u32 cfg_low_bucket = 1024 / XDPFW_WAYS;
const volatile __u32 cfg_low_buckets = (32768 - 1024) / XDPFW_WAYS;
const volatile __u32 cfg_high_bucket = 61000 / XDPFW_WAYS;

/* By which checksums of SCTP are mended: see xdpfw/crc32c.h. */
const volatile __u32 cfg_crc32c[XDPFW_CRC32C_POWERS][XDPFW_CRC32C_NIBBLES][16] = {};

#endif
