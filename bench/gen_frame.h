/* SPDX-License-Identifier: GPL-2.0-only */
/* What is sent: one frame, and what of it gen.bpf.c is to vary. */
#ifndef XDPFW_BENCH_GEN_FRAME_H
#define XDPFW_BENCH_GEN_FRAME_H

#include "gen.h"
#include "gen_options.h"

/*
 * Fill @config for gen.bpf.c, and @frame, of options->size, with the same headers: what the kernel starts its pages with.
 * @listed: so many sources are in its list.
 */
int build_config(const struct options *options, unsigned int listed, unsigned char *frame, struct gen_config *config);

#endif
