/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map. All of them are pinned below the instance's directory under their own
 * name and outlive the programs. Sizes of 1 marked "per CPU" are multiplied by the
 * number of possible CPUs at load.
 *
 * Big tables are plain arrays whose *element* is a whole table: user space maps them
 * into memory, and the lookup is a multiplication that the kernel inlines.
 *
 * What each packet reads and has one element is a variable in a section of its own, ".data.NAME": libbpf makes
 * such an array of it, pinned as NAME, and the program has its address as a constant.
 */
#ifndef XDPFW_BPF_MAPS_H
#define XDPFW_BPF_MAPS_H

#include "common.h"
#include "xdpfw/condition.h"

/* Policy: written by user space only. */

struct xdpfw_control control SEC(".data.control");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS);
	__type(key, __u32);
	__type(value, struct xdpfw_policy_head);
} heads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS *XDPFW_DIRS *XDPFW_TABLES);
	__type(key, __u32);
	__type(value, struct xdpfw_port_table);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS *XDPFW_TABLES);
	__type(key, __u32);
	__type(value, struct xdpfw_link_table);
} links SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS *XDPFW_CONDITIONS);
	__type(key, __u32);
	__type(value, struct xdpfw_condition);
} conditions SEC(".maps");

/* The lines about addresses of each slot, made to measure with the policy; none where it names few addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, XDPFW_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(union xdpfw_line));
		});
} addresses SEC(".maps");

/* Counter numbers: which statement id (0 = free) has which number. User space only; pinned
 * with the counters so that the two cannot part. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_MAX_RULES);
	__type(key, __u32);
	__type(value, __u64);
} rule_ids SEC(".maps");

/* The loaded interfaces as `load` knew them, for those that are gone. User space only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_MAX_IFACES);
	__type(key, __u32);
	__type(value, struct xdpfw_iface);
} ifaces SEC(".maps");

/* Counters: written by the data path, read through mmap. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_PORT_COUNTS_PER_CPU); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_port_counts);
} port_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_tallies);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_rule_counts);
} rule_counts SEC(".maps");

/* What was dropped last: written by the data path, read through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_history);
} history SEC(".maps");

/* Events: see xdpfw/log.h. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS);
	__type(key, __u32);
	__type(value, struct xdpfw_rule_logs);
} rule_logs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdpfw_log_state);
} log_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_log_cpu);
} log_cpus SEC(".maps");

/* A ring buffer for each reader, who makes it and takes it away. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, XDPFW_LOG_READERS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, XDPFW_LOG_RING);
		});
} log_rings SEC(".maps");

/* State: written by the data path. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_FP_TABLES);
	__type(key, __u32);
	__type(value, struct xdpfw_fingerprint_table_value);
} fingerprints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_FP_TABLES);
	__type(key, __u32);
	__type(value, struct xdpfw_marked_ages);
} marked_ages SEC(".maps");

/* Flows that this host began. Only its own requests write here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct xdpfw_flow_key);
	__type(value, struct xdpfw_flow);
} flows SEC(".maps");

/* Flows that outsiders began and whose answers the outbound policy would drop. A table of
 * its own: a flood of requests must not evict what this host depends on. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct xdpfw_flow_key);
	__type(value, struct xdpfw_flow);
} guests SEC(".maps");

/* Sources that rules with a limit have let in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct xdpfw_limit_key);
	__type(value, struct xdpfw_limit);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdpfw_limit);
} empty_limit SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct xdpfw_fragment_key);
	__type(value, struct xdpfw_fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);              /* user space empties it when it cuts connections */
	__uint(max_entries, XDPFW_SOCKET_SETS_PER_CPU); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_socket_set);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPFW_ROUTES_PER_CPU); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_route);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_budget);
} budgets SEC(".maps");

/* Forwards with state. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS *XDPFW_LISTENER_TABLES *XDPFW_LISTENER_FAMILIES);
	__type(key, __u32);
	__type(value, struct xdpfw_listener_table);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_SLOTS *XDPFW_FORWARDS);
	__type(key, __u32);
	__type(value, struct xdpfw_forward);
} forwards SEC(".maps");

/* Written by user space only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdpfw_dead_targets);
} dead_targets SEC(".maps");

/* User space lists and cuts connections. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_TRANSLATIONS);
	__type(key, __u32);
	__type(value, struct xdpfw_translation);
} translations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_TRANSLATIONS);
	__type(key, __u32);
	__type(value, struct xdpfw_ends);
} translation_ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDPFW_BUCKETS);
	__type(key, __u32);
	__type(value, struct xdpfw_bucket);
} translation_tags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPFW_HOPS_PER_CPU); /* per CPU */
	__type(key, __u32);
	__type(value, struct xdpfw_hop);
} hops SEC(".maps");

/* Interfaces that take frames from XDP, by ifindex. User space fills it. (No DEVMAP: the kernel adds a flag of its own
 * to those, and libbpf then does not find the pinned one to be the same.) */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPFW_MAX_IFACES);
	__type(key, __u32);
	__type(value, __u32);
} exits SEC(".maps");

#endif
