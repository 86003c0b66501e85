// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

Test(error, fail_fills_and_returns_the_code)
{
	struct error e = {0};

	cr_expect_eq(fail(&e, -EINVAL, "'%s': %d is odd", "x", 3), -EINVAL);
	cr_expect_eq(e.code, -EINVAL);
	cr_expect_str_eq(e.text, "'x': 3 is odd");
	cr_expect_eq(fail(NULL, -ENOENT, "nobody reads this"), -ENOENT);
}

Test(error, a_message_stays_one_harmless_line)
{
	struct error e = {0};

	fail(&e, -EINVAL, "'%s'", "a\nb\x1b[31m\x7f\tö");
	cr_expect_str_eq(e.text, "'a?b?[31m??ö'");
}

Test(error, long_texts_are_cut)
{
	char word[2000];
	struct error e = {0};

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	fail(&e, -EINVAL, "%s", word);
	cr_expect_eq(strlen(e.text), sizeof(e.text) - 1);
}

Test(error, excerpt_cuts_words_only_when_long)
{
	char word[100], expected[64];

	memset(word, 'x', sizeof(word));
	word[63] = '\0';
	cr_expect_str_eq(excerpt(word).text, word);
	word[63] = 'x';
	word[64] = '\0';
	memset(expected, 'x', sizeof(expected));
	memcpy(expected + 60, "...", 4);
	cr_expect_str_eq(excerpt(word).text, expected);
	cr_expect_str_eq(excerpt("").text, "");
	cr_expect_str_eq(excerpt_part("12345", 3).text, "123");
}
