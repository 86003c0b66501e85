/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A string that grows. Memory that runs out is noted and asked for once, at the end, so that
 * what writes a line need not check each word.
 */
#ifndef XDPFW_USER_TEXT_H
#define XDPFW_USER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* with a final NUL, NULL while empty */
	size_t length;
	size_t room;
	bool failed; /* without memory once: the rest is lost */
};

void text_put(struct text *text, const char *string);
void text_put_bytes(struct text *text, const char *bytes, size_t length);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hand the string over, NULL if memory ran out. @text is empty then. */
char *text_steal(struct text *text);

static inline void text_free(struct text *text)
{
	__builtin_free(text->data);
}

#define _text_ __attribute__((cleanup(text_free)))

#endif
