// SPDX-License-Identifier: GPL-2.0-only
#include "parse_words.h"

#include <errno.h>
#include <string.h>

int cursor_begin(struct cursor *cursor, int count, char *const at[], struct error *e)
{
	struct cursor begun = {.at = at, .left = count};

	for (int i = 0; i < count; i++) {
		if (!strcmp(at[i], "--runtime")) {
			begun.runtime = true;
		} else if (!strcmp(at[i], "--mode")) {
			if (++i == count)
				return fail(e, -EINVAL,
					    "'--mode': the mode is missing; write auto, native, generic or tc");
			begun.mode = at[i];
		} else if (!strncmp(at[i], "--", 2)) {
			return fail(e, -EINVAL, "'%s': no such flag; statements know --runtime, load also --mode",
				    excerpt(at[i]).text);
		}
	}
	*cursor = begun;
	return 0;
}

const char *cursor_peek(struct cursor *cursor)
{
	while (cursor->left && !strncmp(*cursor->at, "--", 2)) {
		int taken = strcmp(*cursor->at, "--mode") ? 1 : 2;

		cursor->at += taken;
		cursor->left -= taken;
	}
	return cursor->left ? *cursor->at : NULL;
}

const char *cursor_next(struct cursor *cursor)
{
	const char *word = cursor_peek(cursor);

	if (word) {
		cursor->at++;
		cursor->left--;
	}
	return word;
}

int cursor_end(struct cursor *cursor, const char *hint, struct error *e)
{
	const char *word = cursor_next(cursor);

	if (!word)
		return 0;
	if (*word == '#')
		hint = "comments stand on lines of their own";
	return fail(e, -EINVAL, "'%s': one word too many%s%s", excerpt(word).text, hint ? "; " : "", hint ? hint : "");
}
