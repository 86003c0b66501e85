// SPDX-License-Identifier: GPL-2.0-only
#include "addresses.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "util.h"

/* Its type is that of the template in bpf/maps.h. */
static int make_map(const struct address_lines *lines)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	size_t size = lines->count * sizeof(*lines->at);
	_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "lines", sizeof(__u32), sizeof(*lines->at), lines->count, &opts);
	void *memory;

	if (fd < 0)
		return -errno;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, lines->at, size);
	munmap(memory, size);
	return steal_fd(&fd);
}

int addresses_install(int outer, __u32 slot, const struct address_lines *lines, struct error *e)
{
	_close_ int fd = -1;
	__u32 there;
	int err;

	if (!lines->count) {
		if (bpf_map_lookup_elem(outer, &slot, &there) == 0)
			bpf_map_delete_elem(outer, &slot);
		return 0;
	}
	fd = make_map(lines);
	err = fd < 0 ? fd : bpf_map_update_elem(outer, &slot, &fd, BPF_ANY);
	return err ? fail(e, err, "cannot store the addresses: %s", strerror(-err)) : 0;
}

unsigned long long addresses_bytes(int outer, __u32 slot)
{
	struct bpf_map_info info = {};
	__u32 id, size = sizeof(info);
	_close_ int fd = bpf_map_lookup_elem(outer, &slot, &id) ? -1 : bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	return (unsigned long long)info.max_entries * info.value_size;
}
