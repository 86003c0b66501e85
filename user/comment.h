/* SPDX-License-Identifier: GPL-2.0-only */
/* `comment TEXT` behind a statement. */
#ifndef XDPFW_USER_COMMENT_H
#define XDPFW_USER_COMMENT_H

#include "error.h"
#include "text.h"

/* @word as typed, NULL if not given. An empty comment is none. The caller frees. */
int comment_parse(const char *word, char **comment, struct error *e);

/* " comment 'why'", in quotes that it does not hold itself. */
void comment_write(struct text *text, const char *comment);

#endif
