/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of services, from /etc/services. */
#ifndef XDPFW_USER_PARSE_SERVICES_H
#define XDPFW_USER_PARSE_SERVICES_H

#include "parse.h"

struct service {
	unsigned int protocols; /* those it is known for; 0 = no such service */
	__u16 tcp_port;
	__u16 udp_port;
	__u16 sctp_port;
};

/* Its port for the first of these protocols, in the order tcp, udp, sctp. */
__u16 service_port(const struct service *service, unsigned int protocols);

/* 0 or -ENOMEM. An unknown name is no error. */
int service_find(const char *name, struct service *service);

#endif
