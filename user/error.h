/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a function that can fail says why.
 *
 * Functions return 0 or a negative errno and leave their out-parameters untouched
 * on failure. The one line for the person goes into struct error; only main.c
 * prints it and turns the errno into an exit code:
 *
 *	-EINVAL             2  the words are wrong
 *	-ENOTCONN           3  not loaded
 *	-EPERM, -EACCES     4  no permission
 *	-EKEYREJECTED       5  refused: it would cut your own login
 *	anything else       1  failed
 */
#ifndef XDPFW_USER_ERROR_H
#define XDPFW_USER_ERROR_H

#include <stddef.h>

struct error {
	int code; /* negative errno, 0 = none */
	char text[512];
};

/* Fill @e with WHAT: WHY[; HINT] (no prefix, no newline) and return @code. @e may be NULL. */
int fail(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A word as a message shows it: long ones are cut, so that the reason behind them
 * still fits. Use it in place: fail(e, -EINVAL, "'%s': ...", excerpt(word).text).
 */
struct excerpt {
	char text[64];
};

struct excerpt excerpt(const char *word);
struct excerpt excerpt_part(const char *text, size_t length);

#endif
