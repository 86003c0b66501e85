// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "log_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ticker.h"
#include "util.h"

#define READER_LIFE_NS 3000000000ULL

/* A place is free for another only so long after its time is over: who leaves still clears up. */
#define LEAVING_NS 1000000000ULL

static int on_event(void *data, void *sample, size_t size)
{
	struct log_reader *reader = data;

	if (size >= sizeof(struct xdpfw_event))
		reader->fn(sample, reader->data);
	return 0;
}

static bool claim(struct log_reader *reader, __u32 place)
{
	__u64 *until = &reader->state->readers[place].until, now = clock_ns(CLOCK_BOOTTIME);
	__u64 was = __atomic_load_n(until, __ATOMIC_ACQUIRE);

	if (was && was + LEAVING_NS > now)
		return false;
	if (!__atomic_compare_exchange_n(until, &was, now + READER_LIFE_NS, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return false;
	reader->place = place;
	reader->until = now + READER_LIFE_NS;
	return true;
}

static int find_place(struct log_reader *reader, struct error *e)
{
	for (__u32 place = 0; place < XDPFW_LOG_READERS; place++)
		if (claim(reader, place))
			return 0;
	return fail(e, -EBUSY, "log: %d readers follow already; end one of them", XDPFW_LOG_READERS);
}

static int make_ring(struct log_reader *reader, const struct instance *in, struct error *e)
{
	char path[PATH_MAX];

	reader->rings = bpf_obj_get(instance_pin(in, "log_rings", path));
	if (reader->rings < 0)
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	reader->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "log_ring", 0, 0, XDPFW_LOG_RING, NULL);
	if (reader->ring < 0 || bpf_map_update_elem(reader->rings, &reader->place, &reader->ring, BPF_ANY))
		return fail(e, -errno, "log: cannot make a ring buffer: %s", strerror(errno));
	reader->buffer = ring_buffer__new(reader->ring, on_event, reader, NULL);
	return reader->buffer ? 0 : fail(e, -errno, "log: cannot read the ring buffer: %s", strerror(errno));
}

int log_reader_open(struct store *st, event_fn fn, void *data, struct log_reader *reader, struct error *e)
{
	int err;

	memset(reader, 0, sizeof(*reader));
	reader->control = st->control;
	reader->cpus = st->cpus;
	reader->log_cpus = st->log_cpus;
	reader->fn = fn;
	reader->data = data;
	reader->rings = reader->ring = -1;
	err = store_map(st, "log_state", sizeof(*reader->state), true, &reader->state, e);
	if (!err)
		err = find_place(reader, e);
	if (!err)
		err = make_ring(reader, st->instance, e);
	if (err) {
		log_reader_stop(reader);
		log_reader_close(reader);
		return err;
	}
	log_reader_take_lost(reader);
	for (int dir = 0; dir < XDPFW_LOG_DIRS; dir++)
		for (__u32 met = 0; met < XDPFW_LOG_MET; met++)
			log_reader_take_suppressed(reader, dir, met);
	return log_reader_keep(reader);
}

int log_reader_keep(struct log_reader *reader)
{
	__u64 *until = &reader->state->readers[reader->place].until, was = reader->until;

	reader->until = clock_ns(CLOCK_BOOTTIME) + READER_LIFE_NS;
	if (!__atomic_compare_exchange_n(until, &was, reader->until, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		reader->until = 0; /* the place is another's: leave it alone */
		return -ESTALE;
	}
	__atomic_store_n(&reader->control->listening, XDPFW_LISTENING, __ATOMIC_RELEASE);
	return 0;
}

/* The data path looks for readers only when it has an event for them, so we say that there is none left. */
static void tell_if_last(struct log_reader *reader)
{
	__u64 now = clock_ns(CLOCK_BOOTTIME);

	for (__u32 place = 0; place < XDPFW_LOG_READERS; place++)
		if (__atomic_load_n(&reader->state->readers[place].until, __ATOMIC_ACQUIRE) > now)
			return;
	__atomic_store_n(&reader->control->listening, 0, __ATOMIC_RELEASE);
}

void log_reader_stop(struct log_reader *reader)
{
	__u64 was = reader->until, now = clock_ns(CLOCK_BOOTTIME);
	__u64 *until = was ? &reader->state->readers[reader->place].until : NULL;

	reader->until = 0;
	if (!until || !__atomic_compare_exchange_n(until, &was, now, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return; /* the place is not ours */
	tell_if_last(reader);
	/* Packets that still saw us have been through when this returns. */
	if (reader->rings >= 0)
		bpf_map_delete_elem(reader->rings, &reader->place);
	__atomic_store_n(until, 0, __ATOMIC_RELEASE);
}

void log_reader_close(struct log_reader *reader)
{
	ring_buffer__free(reader->buffer);
	cleanup_close(&reader->ring);
	cleanup_close(&reader->rings);
	reader->buffer = NULL;
	reader->ring = reader->rings = -1;
}

int log_reader_fd(const struct log_reader *reader)
{
	return ring_buffer__epoll_fd(reader->buffer);
}

int log_reader_read(struct log_reader *reader)
{
	int n = ring_buffer__consume(reader->buffer);

	return n < 0 ? n : 0;
}

__u64 log_reader_take_lost(struct log_reader *reader)
{
	__u64 now = __atomic_load_n(&reader->state->readers[reader->place].lost, __ATOMIC_ACQUIRE);
	__u64 since = now - reader->lost;

	reader->lost = now;
	return since;
}

__u64 log_reader_take_suppressed(struct log_reader *reader, enum xdpfw_dir dir, __u32 met)
{
	__u64 now = 0, since;

	for (unsigned int cpu = 0; cpu < reader->cpus; cpu++)
		now += __atomic_load_n(&reader->log_cpus[cpu].gates[dir][met].suppressed, __ATOMIC_RELAXED);
	since = now - reader->suppressed[dir][met];
	reader->suppressed[dir][met] = now;
	return since;
}
