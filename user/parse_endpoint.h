/* SPDX-License-Identifier: GPL-2.0-only */
/* One end of one packet, of which either part may be left out: "192.0.2.1:22", "[2001:db8::1]:22", ":22", "2001:db8::1". */
#ifndef XDPFW_USER_PARSE_ENDPOINT_H
#define XDPFW_USER_PARSE_ENDPOINT_H

#include <stdbool.h>

#include "parse.h"

struct endpoint {
	bool has_addr, has_port;
	struct xdpfw_addr addr;
	__u16 port;
};

int parse_endpoint(const char *word, struct endpoint *endpoint, struct error *e);

#endif
