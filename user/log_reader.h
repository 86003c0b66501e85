/* SPDX-License-Identifier: GPL-2.0-only */
/* Following the data path's events; see xdpfw/log.h. */
#ifndef XDPFW_USER_LOG_READER_H
#define XDPFW_USER_LOG_READER_H

#include "store.h"
#include "xdpfw/log.h"

struct ring_buffer;

typedef void (*event_fn)(const struct xdpfw_event *event, void *data);

struct log_reader {
	struct xdpfw_control *control;
	struct xdpfw_log_state *state;
	const struct xdpfw_log_cpu *log_cpus;
	unsigned int cpus;
	__u32 place; /* among the readers */
	__u64 until; /* what our place says; another value is another reader's */
	int rings;   /* map of the readers' ring buffers */
	int ring;    /* ours */
	struct ring_buffer *buffer;
	event_fn fn;
	void *data;
	__u64 lost;                                      /* already told */
	__u64 suppressed[XDPFW_LOG_DIRS][XDPFW_LOG_MET]; /* already told */
};

/* Become a reader: from now on the data path makes events. @fn gets each. */
int log_reader_open(struct store *st, event_fn fn, void *data, struct log_reader *reader, struct error *e);
/* No reader any more; log_reader_read() still finds what came before. */
void log_reader_stop(struct log_reader *reader);
void log_reader_close(struct log_reader *reader);

/* How often to call log_reader_keep(): a reader that is not heard of for three seconds is none. */
#define LOG_READER_INTERVAL_NS 500000000ULL

/* Still here. -ESTALE if we were away for so long that another reader has our place. */
int log_reader_keep(struct log_reader *reader);

/* Readable when there are events. */
int log_reader_fd(const struct log_reader *reader);

/* Hand over what there is. 0 or a negative errno. */
int log_reader_read(struct log_reader *reader);

/* Since the last call: events that found the ring full, and those that the rate did not let through,
 * by direction and by verdict and reason, the top byte of a decision. */
__u64 log_reader_take_lost(struct log_reader *reader);
__u64 log_reader_take_suppressed(struct log_reader *reader, enum xdpfw_dir dir, __u32 met);

#endif
