// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for @more bytes and the NUL. */
static bool reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 64;
	char *data;

	if (text->failed || text->length + more < text->room)
		return !text->failed;
	while (room <= text->length + more)
		room *= 2;
	data = realloc(text->data, room);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->room = room;
	return true;
}

void text_put_bytes(struct text *text, const char *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_put(struct text *text, const char *string)
{
	text_put_bytes(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !reserve(text, length))
		return;
	va_start(arguments, format);
	vsnprintf(text->data + text->length, length + 1, format, arguments);
	va_end(arguments);
	text->length += length;
}

char *text_steal(struct text *text)
{
	char *data;

	reserve(text, 0); /* an empty string is a string too */
	if (text->failed) {
		free(text->data);
		*text = (struct text){0};
		return NULL;
	}
	data = text->data;
	data[text->length] = '\0';
	*text = (struct text){0};
	return data;
}
