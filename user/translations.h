/* SPDX-License-Identifier: GPL-2.0-only */
/* The connections of forwards with state, as the data path keeps them. */
#ifndef XDPFW_USER_TRANSLATIONS_H
#define XDPFW_USER_TRANSLATIONS_H

#include "compile.h"

/* Ports that no forward of @image listens on any more, but connections do: let the data path follow those. */
void translations_drain(const struct xdpfw_bucket *translations, struct policy_image *image);

typedef void (*translation_fn)(const struct xdpfw_translation *t, __u8 protocol, void *data);

/* Call @fn for every live connection. @timeouts are those of the active policy's head. */
void translations_each(const struct xdpfw_bucket *translations, const __u64 *timeouts, translation_fn fn, void *data);

/* End the connections that @wanted says so of; returns how many. */
typedef bool (*translation_test)(const struct xdpfw_translation *t, __u8 protocol, const void *data);
int translations_cut(struct xdpfw_bucket *translations, const __u64 *timeouts, translation_test wanted,
		     const void *data);

#endif
