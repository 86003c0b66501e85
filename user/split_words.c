// SPDX-License-Identifier: GPL-2.0-only
#include "split_words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char blanks[] = " \t\r\n\v\f";

const char *skip_blanks(const char *text)
{
	return text + strspn(text, blanks);
}

/* The end of the quoted word at @text, NULL if the quote is not closed or more follows without a blank. */
static char *quoted_end(char *text)
{
	char *end = strchr(text + 1, *text);

	return end && (!end[1] || strchr(blanks, end[1])) ? end : NULL;
}

int split_words(char *text, char **words, struct error *e)
{
	int count = 0;

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		bool quoted = *text == '\'' || *text == '"';
		char *end = quoted ? quoted_end(text) : text + strcspn(text, blanks);

		if (!end)
			return fail(e, -EINVAL, "'%s': a quote without its end; write comment 'why'",
				    excerpt(text).text);
		words[count++] = text + quoted;
		text = end + (*end != '\0');
		*end = '\0';
	}
	return count;
}
