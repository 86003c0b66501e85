// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "baseline.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "util.h"

/* Element 0 of the map `baseline`. */
struct header {
	__u64 begun_ns; /* names the counters that the rows are of: control's since_ns */
	__u64 since_ns;
	__u32 ports;
	__u32 reasons;
	__u64 pad[5];
};

/* Then the rows of ports, then those of reasons. */
struct row {
	__u8 dir;
	__u8 of; /* protocol table of a port, verdict of a reason */
	__u16 number;
	__u32 pad;
	struct xdpfw_count counts[XDPFW_SIDES]; /* of a reason, the first */
	__u64 pad2;
};

union element {
	struct header header;
	struct row row;
};
_Static_assert(sizeof(union element) == 64, "an element of the baseline is 64 bytes");

static void *map_elements(int fd, size_t count)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t size = (count * sizeof(union element) + page - 1) & ~(page - 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap_elements(void *memory, size_t count)
{
	munmap(memory, count * sizeof(union element));
}

static int copy_rows(const union element *elements, struct counts *base)
{
	const struct header *header = &elements->header;
	const struct row *row = &elements[1].row;

	base->ports = malloc((header->ports + 1) * sizeof(*base->ports));
	if (!base->ports)
		return -ENOMEM;
	for (; base->nr_ports < header->ports; row++) {
		struct port_row *port = &base->ports[base->nr_ports++];

		*port = (struct port_row){.dir = row->dir, .table = row->of, .port = row->number};
		memcpy(port->sides, row->counts, sizeof(port->sides));
	}
	for (; base->nr_reasons < header->reasons; row++)
		base->reasons[base->nr_reasons++] = (struct reason_row){row->dir, row->of, row->number, row->counts[0]};
	return 0;
}

int baseline_read(const struct store *st, struct counts *base, __u64 *since_ns)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	_close_ int fd = bpf_obj_get(instance_pin(st->instance, "baseline", path));
	union element *elements;
	int err = 0;

	memset(base, 0, sizeof(*base));
	*since_ns = st->control->since_ns;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) || info.value_size != sizeof(*elements))
		return -EPROTO;
	elements = map_elements(fd, info.max_entries);
	if (!elements)
		return -errno;
	if (elements->header.begun_ns == st->control->since_ns) { /* else left by an unload that died */
		*since_ns = elements->header.since_ns;
		err = copy_rows(elements, base);
	}
	unmap_elements(elements, info.max_entries);
	return err;
}

__u64 baseline_since(const struct store *st)
{
	char path[PATH_MAX];
	_close_ int fd = bpf_obj_get(instance_pin(st->instance, "baseline", path));
	union element first;
	__u32 zero = 0;

	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &first) || first.header.begun_ns != st->control->since_ns)
		return st->control->since_ns;
	return first.header.since_ns;
}

static void fill(const struct store *st, union element *elements, const struct counts *now, __u64 since_ns)
{
	struct row *row = &elements[1].row;

	elements->header = (struct header){
		.begun_ns = st->control->since_ns,
		.since_ns = since_ns,
		.ports = now->nr_ports,
		.reasons = now->nr_reasons,
	};
	for (size_t i = 0; i < now->nr_ports; i++, row++) {
		*row = (struct row){.dir = now->ports[i].dir, .of = now->ports[i].table, .number = now->ports[i].port};
		memcpy(row->counts, now->ports[i].sides, sizeof(row->counts));
	}
	for (size_t i = 0; i < now->nr_reasons; i++, row++) {
		const struct reason_row *reason = &now->reasons[i];

		*row = (struct row){reason->dir, reason->verdict, reason->reason, 0, {reason->count}, 0};
	}
}

/* A map of its own, filled aside and renamed into place: a reader sees the old one or the new one. */
int baseline_write(const struct store *st, const struct counts *now, __u64 since_ns, struct error *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	size_t count = 1 + now->nr_ports + now->nr_reasons;
	char path[PATH_MAX], beside[PATH_MAX];
	_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "baseline", sizeof(__u32), sizeof(union element), count, &options);
	union element *elements = fd < 0 ? NULL : map_elements(fd, count);

	if (!elements)
		return fail(e, -errno, "baseline: cannot make its map: %s", strerror(errno));
	fill(st, elements, now, since_ns);
	unmap_elements(elements, count);
	instance_pin(st->instance, "baseline_new", beside);
	instance_pin(st->instance, "baseline", path);
	unlink(beside); /* of a command that died */
	if (bpf_obj_pin(fd, beside) || rename(beside, path))
		return fail(e, -errno, "%s: cannot pin: %s", path, strerror(errno));
	return 0;
}
