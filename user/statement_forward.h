/* SPDX-License-Identifier: GPL-2.0-only */
/* The grammar of forwards: what stands behind `forward`, and the text of one. */
#ifndef XDPFW_USER_STATEMENT_FORWARD_H
#define XDPFW_USER_STATEMENT_FORWARD_H

#include "parse_words.h"
#include "ruleset.h"
#include "text.h"

int parse_forward(struct cursor *cursor, struct statement *s, struct error *e);

/* "8000-8010" and "10.0.0.5:9000-9010". */
void forward_listen_write(struct text *text, const struct forward *f);
void forward_target_write(struct text *text, const struct forward *f, const struct forward_target *target);

/* The canonical line, and what the id is made of. */
void forward_write(struct text *text, const struct forward *forward);
void forward_match_write(struct text *text, const struct forward *forward);

#endif
