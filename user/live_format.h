/* SPDX-License-Identifier: GPL-2.0-only */
/* How live numbers look in a few columns. */
#ifndef XDPFW_USER_LIVE_FORMAT_H
#define XDPFW_USER_LIVE_FORMAT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define SHORT_NUMBER_MAX 8
/* At most five characters: "0", "999", "1.23k", "12.3M", "123G". */
char *format_short(double value, char text[SHORT_NUMBER_MAX]);

/* @count samples as @width characters, each the highest of the samples that it stands for, in proportion to the highest
 * of all. Something is never drawn as nothing. @text has room for 4 * @width + 1 bytes. */
char *format_sparkline(const __u32 *samples, size_t count, size_t width, bool utf8, char *text);

/* As much of @from as fits into @width columns of one character each; where the terminal is not UTF-8, what is not ASCII
 * becomes '?'. @text has room for 4 * @width + 1 bytes. */
char *format_clipped(const char *from, size_t width, bool utf8, char *text);

#endif
