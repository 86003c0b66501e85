/* SPDX-License-Identifier: GPL-2.0-only */
/* One rule of nftables' JSON (libnftables-json(5)) as rules of ours. */
#ifndef XDPFW_USER_NFT_RULE_H
#define XDPFW_USER_NFT_RULE_H

#include <jansson.h>

#include "import.h"

/*
 * Put what @rule of the ruleset @objects says about requests of direction @dir into @staged: one rule for each
 * combination of its alternatives, and none where xdpfw does so by itself. -EINVAL if it cannot be said.
 */
int nft_stage_rule(const json_t *objects, const json_t *rule, enum xdpfw_dir dir, struct ruleset *staged,
		   struct error *e);

#endif
