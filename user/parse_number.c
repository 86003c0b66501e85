// SPDX-License-Identifier: GPL-2.0-only
#include "parse_number.h"

bool all_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return length > 0;
}

const char *skip_zeros(const char *text, size_t *length)
{
	while (*length > 1 && *text == '0') {
		text++;
		(*length)--;
	}
	return text;
}

enum number_fault parse_number(const char *text, size_t length, unsigned long max, unsigned long *value)
{
	bool leading_zero = length > 1 && *text == '0';
	unsigned long sum = 0;

	if (!all_digits(text, length))
		return NUMBER_NONE;
	for (size_t i = 0; i < length; i++) {
		unsigned int digit = text[i] - '0';

		if (digit > max || sum > (max - digit) / 10)
			return NUMBER_TOO_BIG;
		sum = sum * 10 + digit;
	}
	if (leading_zero)
		return NUMBER_LEADING_ZERO;
	*value = sum;
	return NUMBER_OK;
}
