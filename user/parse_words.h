/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cursor over the words of one statement. Flags may stand anywhere among the
 * words; they are read first, and the cursor steps over them.
 */
#ifndef XDPFW_USER_PARSE_WORDS_H
#define XDPFW_USER_PARSE_WORDS_H

#include <stdbool.h>

#include "error.h"

struct cursor {
	char *const *at;
	int left;
	bool runtime;     /* --runtime */
	const char *mode; /* --mode MODE, NULL if not given */
};

int cursor_begin(struct cursor *cursor, int count, char *const at[], struct error *e);

/* The next word that is no flag, NULL at the end. */
const char *cursor_peek(struct cursor *cursor);
const char *cursor_next(struct cursor *cursor);

/* Refuse what is left; @hint (may be NULL) says what to write instead. */
int cursor_end(struct cursor *cursor, const char *hint, struct error *e);

#endif
