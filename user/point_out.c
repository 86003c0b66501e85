// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1 /* strchrnul() */
#include "point_out.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "util.h"

/* Line @number of @text, counted from 1; NULL if it has fewer. */
static char *copy_line(const char *text, unsigned long number)
{
	while (--number) {
		text = strchr(text, '\n');
		if (!text)
			return NULL;
		text++;
	}
	return strndup(text, strcspn(text, "\r\n"));
}

/* What stands between the first quotes: up to a quote that ends the word, for the word may have one. */
static char *quoted_word(const char *message)
{
	const char *start = strchr(message, '\''), *end = start ? strstr(start + 1, "':") : NULL;

	return end && end > start + 1 ? strndup(start + 1, end - start - 1) : NULL;
}

static bool is_blank(char c)
{
	return !c || isspace((unsigned char)c);
}

/* The word by itself if it stands there, else as part of another: `277` in 210.10.94.277. Of several the first, but the
 * last if it is said to be one too many. */
static const char *find_word(const char *line, const char *word, bool last)
{
	size_t length = strlen(word);
	const char *found = NULL;

	for (const char *at = strstr(line, word); at && (last || !found); at = strstr(at + 1, word))
		if ((at == line || is_blank(at[-1])) && is_blank(at[length]))
			found = at;
	return found ? found : strstr(line, word);
}

/* Tabs stay tabs, so that the carets stand below the word wherever a terminal puts it. */
static void put_carets(struct text *out, const char *line, const char *at, size_t length)
{
	text_put(out, "    ");
	for (; line < at; line++)
		text_put(out, *line == '\t' ? "\t" : " ");
	while (length--)
		text_put(out, "^");
	text_put(out, "\n");
}

char *point_out(const char *text, const char *name, const char *message)
{
	_free_ char *line = NULL, *word = NULL;
	struct text out = {0};
	const char *at;
	unsigned long number;

	if (strncmp(message, name, strlen(name)) != 0 || message[strlen(name)] != ':')
		return NULL;
	number = strtoul(message + strlen(name) + 1, NULL, 10);
	line = number ? copy_line(text, number) : NULL;
	if (!line)
		return NULL;
	word = quoted_word(message + strlen(name));
	at = word ? find_word(line, word, strstr(message, "too many")) : NULL;
	text_printf(&out, "    %s\n", line);
	if (at)
		put_carets(&out, line, at, strlen(word));
	return text_steal(&out);
}
