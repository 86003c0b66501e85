/* SPDX-License-Identifier: GPL-2.0-only */
/* From a line to words, as a shell would hand them over. */
#ifndef XDPFW_USER_SPLIT_WORDS_H
#define XDPFW_USER_SPLIT_WORDS_H

#include "error.h"

const char *skip_blanks(const char *text);

/*
 * Cut @text into words in place; returns how many. A word that begins with a quote, ' or ", ends with the same one and may
 * hold blanks. @words has room for any text: (length + 1) / 2 at most.
 */
int split_words(char *text, char **words, struct error *e);

#endif
