/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of interfaces. */
#ifndef XDPFW_USER_PARSE_IFACE_H
#define XDPFW_USER_PARSE_IFACE_H

#include "error.h"

/* 0 if @name may be the name of an interface, existing or not. */
int check_iface_name(const char *name, struct error *e);

#endif
