// SPDX-License-Identifier: GPL-2.0-only
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Words come from arguments and files: a newline or an escape sequence in one must
 * not become a second line or a command to the terminal. */
static void blank_control_characters(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int fail(struct error *e, int code, const char *format, ...)
{
	va_list arguments;

	if (!e)
		return code;
	e->code = code;
	va_start(arguments, format);
	vsnprintf(e->text, sizeof(e->text), format, arguments);
	va_end(arguments);
	blank_control_characters(e->text);
	return code;
}

struct excerpt excerpt_part(const char *text, size_t length)
{
	struct excerpt shown;

	if (length < sizeof(shown.text))
		snprintf(shown.text, sizeof(shown.text), "%.*s", (int)length, text);
	else
		snprintf(shown.text, sizeof(shown.text), "%.*s...", (int)sizeof(shown.text) - 4, text);
	return shown;
}

struct excerpt excerpt(const char *word)
{
	return excerpt_part(word, strlen(word));
}
