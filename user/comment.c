// SPDX-License-Identifier: GPL-2.0-only
#include "comment.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util.h"

#define LONGEST_COMMENT 250

static bool has_control_characters(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* An empty comment is none: that is how ufw's users delete one. */
int comment_parse(const char *word, char **comment, struct error *e)
{
	char *copy;

	if (!word || !*word)
		return 0;
	if (strlen(word) > LONGEST_COMMENT)
		return fail(e, -EINVAL, "'%s': too long; a comment has at most %d characters", excerpt(word).text,
			    LONGEST_COMMENT);
	if (has_control_characters(word))
		return fail(e, -EINVAL, "'%s': a comment is one line of text", excerpt(word).text);
	if (strchr(word, '\'') && strchr(word, '"'))
		return fail(e, -EINVAL, "'%s': a comment may have one kind of quotes, ' or \", not both",
			    excerpt(word).text);
	copy = strdup(word);
	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	*comment = copy;
	return 0;
}

void comment_write(struct text *text, const char *comment)
{
	const char *quote = strchr(comment, '\'') ? "\"" : "'";

	text_printf(text, " comment %s%s%s", quote, comment, quote);
}
