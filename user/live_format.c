// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "live_format.h"

#include <stdio.h>
#include <string.h>

char *format_short(double value, char text[SHORT_NUMBER_MAX])
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	/* 999.6 rounds to 1000, which is the next unit's. */
	while (value >= 999.5 && unit + 1 < strlen(units)) {
		value /= 1000;
		unit++;
	}
	if (!unit)
		snprintf(text, SHORT_NUMBER_MAX, "%.0f", value);
	else
		snprintf(text, SHORT_NUMBER_MAX, "%.*f%c",
			 value < 9.995   ? 2
			 : value < 99.95 ? 1
					 : 0,
			 value, units[unit]);
	return text;
}

/* Level 0 is nothing, 1 to 8 something. */
static const char *level_text(unsigned int level, bool utf8)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};

	return (utf8 ? blocks : ascii)[level];
}

static __u32 highest(const __u32 *samples, size_t from, size_t to)
{
	__u32 most = 0;

	for (size_t i = from; i < to; i++)
		if (samples[i] > most)
			most = samples[i];
	return most;
}

char *format_sparkline(const __u32 *samples, size_t count, size_t width, bool utf8, char *text)
{
	__u32 most = highest(samples, 0, count);
	char *end = text;

	*end = '\0';
	for (size_t i = 0; i < width; i++) {
		__u32 sample = highest(samples, i * count / width, (i + 1) * count / width);
		unsigned int level = most ? ((__u64)sample * 8 + most - 1) / most : 0;

		end = stpcpy(end, level_text(level, utf8));
	}
	return text;
}

char *format_clipped(const char *from, size_t width, bool utf8, char *text)
{
	char *end = text;

	for (size_t columns = 0; *from && columns < width; columns++) {
		bool ascii = (unsigned char)*from >= ' ' && (unsigned char)*from < 0x7f;

		*end++ = ascii || (utf8 && (unsigned char)*from >= 0x80) ? *from : '?';
		for (from++; (*from & 0xc0) == 0x80; from++)
			if (utf8 && end - text < (long)(4 * columns + 4))
				*end++ = *from;
	}
	*end = '\0';
	return text;
}
