/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decimal numbers as all leaf parsers read them: digits only, no sign, no
 * leading zero. 022 is 22 to one program and 18 to the next, so it is neither here.
 */
#ifndef XDPFW_USER_PARSE_NUMBER_H
#define XDPFW_USER_PARSE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum number_fault {
	NUMBER_OK,
	NUMBER_NONE, /* empty, or not only digits */
	NUMBER_TOO_BIG,
	NUMBER_LEADING_ZERO,
};

bool all_digits(const char *text, size_t length);

/* Touches @value only on NUMBER_OK. */
enum number_fault parse_number(const char *text, size_t length, unsigned long max, unsigned long *value);

/* The digits without leading zeros, for hints; the last digit always stays. */
const char *skip_zeros(const char *text, size_t *length);

#endif
