// SPDX-License-Identifier: GPL-2.0-only
#include "parse_words.h"

#include <errno.h>
#include <string.h>

#include "util.h"

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

static const struct {
	const char *word;
	const char *what;
} later[] = {
	{"one-way", "one-way forwards"},
	{"keep-source", "forwards with addresses"},
};

int refuse_later_word(const char *word, struct error *e)
{
	size_t length = strcspn(word, "/");

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strlen(later[i].word) == length && !memcmp(later[i].word, word, length))
			return fail(e, -EINVAL, "'%s': %s are not part of this version", excerpt(word).text,
				    later[i].what);
	return 0;
}

int cursor_end(struct cursor *cursor, const char *hint, struct error *e)
{
	const char *word = cursor_next(cursor);
	int err;

	if (!word)
		return 0;
	err = refuse_later_word(word, e);
	if (err)
		return err;
	if (*word == '#')
		hint = "comments stand on lines of their own";
	return fail(e, -EINVAL, "'%s': one word too many%s%s", excerpt(word).text, hint ? "; " : "", hint ? hint : "");
}
