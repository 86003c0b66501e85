// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "store.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "datapath.h"
#include "util.h"

int store_map(struct store *st, const char *name, size_t element, bool write, void *result, struct error *e)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	_close_ int fd = bpf_obj_get(instance_pin(st->instance, name, path));
	struct mapping *m = &st->mappings[st->mapped];
	long page = sysconf(_SC_PAGESIZE);

	if (st->mapped == ARRAY_SIZE(st->mappings))
		return fail(e, -ENOMEM, "%s: too many maps", path);
	if (fd < 0 && errno == ENOENT)
		return fail(e, -ENOTCONN, "not loaded: no interface is filtered; `xdpfw load IFACE` does that");
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	if (info.value_size != element)
		return fail(
			e, -EPROTO,
			"%s was made by another version of xdpfw; `xdpfw unload --all` with that version, then load",
			path);
	m->size = ((size_t)info.max_entries * ((element + 7) & ~7UL) + page - 1) & ~(page - 1);
	m->memory = mmap(NULL, m->size, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (m->memory == MAP_FAILED)
		return fail(e, -errno, "%s: cannot map: %s", path, strerror(errno));
	st->mapped++;
	memcpy(result, &m->memory, sizeof(m->memory));
	return 0;
}

static int map_all(struct store *st, struct error *e)
{
	const struct {
		const char *name;
		size_t element;
		bool write;
		void *place;
	} arrays[] = {
		{"control", sizeof(*st->control), true, &st->control},
		{"heads", sizeof(*st->heads), true, &st->heads},
		{"ports", sizeof(*st->ports), true, &st->ports},
		{"links", sizeof(*st->links), true, &st->links},
		{"conditions", sizeof(*st->conditions), true, &st->conditions},
		{"rule_ids", sizeof(*st->rule_ids), true, &st->rule_ids},
		{"ifaces", sizeof(*st->ifaces), true, &st->ifaces},
		{"port_counts", sizeof(*st->port_counts), false, &st->port_counts},
		{"tallies", sizeof(*st->tallies), true, &st->tallies},
		{"rule_counts", sizeof(*st->rule_counts), true, &st->rule_counts},
		{"fingerprints", sizeof(*st->fingerprints), true, &st->fingerprints},
		{"marked_ages", sizeof(*st->marked_ages), true, &st->marked_ages},
		{"sockets", sizeof(*st->sockets), true, &st->sockets},
		{"rule_logs", sizeof(*st->rule_logs), true, &st->rule_logs},
		{"listeners", sizeof(*st->listeners), true, &st->listeners},
		{"forwards", sizeof(*st->forwards), true, &st->forwards},
		{"dead_targets", sizeof(*st->dead_targets), true, &st->dead_targets},
		{"translations", sizeof(*st->translations), true, &st->translations},
		{"translation_ends", sizeof(*st->translation_ends), false, &st->translation_ends},
		{"log_cpus", sizeof(*st->log_cpus), true, &st->log_cpus},
	};

	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		int err = store_map(st, arrays[i].name, arrays[i].element, arrays[i].write, arrays[i].place, e);

		if (err)
			return err;
	}
	/* Only one mapping's size tells how many CPUs the arrays were made for. */
	st->cpus = st->mappings[8].size / sizeof(*st->tallies);
	return 0;
}

int store_open(const struct instance *in, struct store *st, struct error *e)
{
	char path[PATH_MAX];
	__u64 word;
	int err;

	memset(st, 0, sizeof(*st));
	st->instance = in;
	st->addresses = -1;
	err = map_all(st, e);
	if (!err) {
		st->addresses = bpf_obj_get(instance_pin(in, "addresses", path));
		if (st->addresses < 0)
			err = fail(e, -errno, "%s: %s", path, strerror(errno));
	}
	if (!err && st->control->abi != 0 && st->control->abi != XDPFW_ABI)
		err = fail(e, -EPROTO,
			   "%s holds maps of layout %u, this program wants %u; `xdpfw unload --all` with the "
			   "version that made them, then load",
			   in->pin_dir, st->control->abi, XDPFW_ABI);
	if (err) {
		store_close(st);
		return err;
	}
	word = st->control->word;
	st->trial_over = xdpfw_control_deadline(word) && xdpfw_trial_is_over(word, datapath_jiffies());
	return 0;
}

void store_close(struct store *st)
{
	while (st->mapped > 0) {
		struct mapping *m = &st->mappings[--st->mapped];

		munmap(m->memory, m->size);
	}
	if (st->addresses >= 0)
		close(st->addresses);
	st->addresses = -1;
}

/* Loaded in a trial that is over: its programs pass everything. */
static bool was_tried(const struct store *st, const struct xdpfw_iface *iface)
{
	return st->trial_over && iface->trial && iface->trial == xdpfw_control_deadline(st->control->word);
}

bool iface_is_live(const struct store *st, const struct xdpfw_iface *iface)
{
	return iface->ifindex && xdpfw_armed(st->control->word, iface->epoch, iface->window) && !was_tried(st, iface);
}

bool store_is_live(const struct store *st)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++)
		if (iface_is_live(st, &st->ifaces[i]))
			return true;
	return false;
}

/* The text lives in a map of its own for each slot, as long as the text: one element, one string. */
static void text_name(unsigned int slot, const char *suffix, char name[32])
{
	snprintf(name, 32, "text_%u%s", slot, suffix);
}

char *store_read_text(const struct store *st, unsigned int slot)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0;
	char path[PATH_MAX], name[32], *text;
	_close_ int fd = -1;

	text_name(slot, "", name);
	fd = bpf_obj_get(instance_pin(st->instance, name, path));
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return NULL;
	text = malloc(info.value_size);
	if (text && bpf_map_lookup_elem(fd, &zero, text)) {
		free(text);
		return NULL;
	}
	return text;
}

int store_write_text(const struct store *st, unsigned int slot, const char *text, struct error *e)
{
	char path[PATH_MAX], beside[PATH_MAX], name[32];
	__u32 zero = 0;
	_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "text", sizeof(zero), strlen(text) + 1, 1, NULL);

	if (fd < 0 || bpf_map_update_elem(fd, &zero, text, BPF_ANY))
		return fail(e, -errno, "cannot store the rules: %s", strerror(errno));
	text_name(slot, "_new", name);
	instance_pin(st->instance, name, beside);
	text_name(slot, "", name);
	instance_pin(st->instance, name, path);
	unlink(beside); /* of a command that died */
	if (bpf_obj_pin(fd, beside) || rename(beside, path))
		return fail(e, -errno, "%s: cannot pin: %s", path, strerror(errno));
	return 0;
}

struct xdpfw_count store_total(const struct xdpfw_count *count, const __u16 *delta)
{
	struct xdpfw_count total;
	__u16 before, after = __atomic_load_n(delta, __ATOMIC_ACQUIRE);

	do {
		before = after;
		total = xdpfw_delta_count(before);
		total.packets += __atomic_load_n(&count->packets, __ATOMIC_RELAXED);
		total.bytes += __atomic_load_n(&count->bytes, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(delta, __ATOMIC_RELAXED);
	} while (after != before);
	return total;
}

struct xdpfw_count store_rule_count(const struct store *st, __u32 counter)
{
	struct xdpfw_count sum = {};

	for (unsigned int cpu = 0; counter && cpu < st->cpus; cpu++) {
		struct xdpfw_count part =
			store_total(&st->rule_counts[cpu].rules[counter], &st->tallies[cpu].rules.rules[counter]);

		sum.packets += part.packets;
		sum.bytes += part.bytes;
	}
	return sum;
}

struct xdpfw_count store_reason_count(const struct store *st, enum xdpfw_dir dir, enum xdpfw_verdict verdict,
				      enum xdpfw_reason reason)
{
	struct xdpfw_count sum = {};

	for (unsigned int cpu = 0; cpu < st->cpus; cpu++) {
		sum.packets += st->tallies[cpu].reasons.at[dir][verdict][reason].packets;
		sum.bytes += st->tallies[cpu].reasons.at[dir][verdict][reason].bytes;
	}
	return sum;
}
