/* SPDX-License-Identifier: GPL-2.0-only */
/* The connections of forwards with state, as the data path keeps them. */
#ifndef XDPFW_USER_TRANSLATIONS_H
#define XDPFW_USER_TRANSLATIONS_H

#include "compile.h"
#include "store.h"

struct connection {
	struct xdpfw_translation translation;
	struct xdpfw_ends ends;
};

/* Ports that no forward of @image listens on any more, but connections do: let the data path follow those. */
void translations_drain(const struct store *st, struct policy_image *image);

typedef void (*connection_fn)(const struct connection *c, void *data);

/* Call @fn for every connection that lives by the time-outs of the active policy. */
void translations_each(const struct store *st, connection_fn fn, void *data);

/* End the connections that @wanted says so of; returns how many. */
typedef bool (*connection_test)(const struct connection *c, const void *data);
int translations_cut(struct store *st, connection_test wanted, const void *data);

#endif
