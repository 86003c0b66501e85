// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1 /* timegm() */
#include "parse_time.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "parse.h"

/* Digits where the form has digits, and the same signs between them. */
static bool has_form(const char *word, const char *form)
{
	for (; *form; word++, form++) {
		bool digit = *word >= '0' && *word <= '9';

		if (*form == '0' ? !digit : *word != *form)
			return false;
	}
	return !*word;
}

static int two_digits(const char *text)
{
	return 10 * (text[0] - '0') + text[1] - '0';
}

int parse_timestamp(const char *word, __u64 *seconds, struct error *e)
{
	char again[TIME_TEXT_MAX];
	struct tm tm = {0};
	time_t time;

	if (!has_form(word, "0000-00-00T00:00:00Z"))
		return fail(e, -EINVAL, "'%s': not a time; write it in UTC, as 2026-11-25T18:00:00Z",
			    excerpt(word).text);
	tm.tm_year = 100 * two_digits(word) + two_digits(word + 2) - 1900;
	tm.tm_mon = two_digits(word + 5) - 1;
	tm.tm_mday = two_digits(word + 8);
	tm.tm_hour = two_digits(word + 11);
	tm.tm_min = two_digits(word + 14);
	tm.tm_sec = two_digits(word + 17);
	time = timegm(&tm);
	/* timegm() takes the 31st of February for a day of March; and 0 means never. */
	if (time <= 0 || strcmp(format_timestamp(time, again), word) != 0)
		return fail(e, -EINVAL, "'%s': no such time", excerpt(word).text);
	*seconds = time;
	return 0;
}

int parse_expiry(const char *duration, const char *until, __u64 *expires, struct error *e)
{
	unsigned int seconds = 0;
	int err;

	if (duration && until)
		return fail(e, -EINVAL, "'until %s': 'for %s' says already when", excerpt(until).text,
			    excerpt(duration).text);
	if (until)
		return parse_timestamp(until, expires, e);
	if (!duration)
		return 0;
	err = parse_duration(duration, &seconds, e);
	if (!err)
		*expires = time(NULL) + seconds;
	return err;
}
