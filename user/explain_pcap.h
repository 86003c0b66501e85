/* SPDX-License-Identifier: GPL-2.0-only */
/* Every packet of a capture, judged by the policy and the state of now. */
#ifndef XDPFW_USER_EXPLAIN_PCAP_H
#define XDPFW_USER_EXPLAIN_PCAP_H

#include "error.h"
#include "session.h"

/* @interface: NULL to choose. @dir: NULL to find it out for each packet. One line a packet (or, for JSON, an object), and a summary. */
int explain_capture(const struct session *s, const char *path, const char *interface, const enum xdpfw_dir *dir,
		    struct error *e);

#endif
