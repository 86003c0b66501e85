/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in a rules file a mistake is. */
#ifndef XDPFW_USER_POINT_OUT_H
#define XDPFW_USER_POINT_OUT_H

/*
 * @message is what ruleset_parse() says of @text: "NAME:LINE: 'word': why". The line and, below it, carets under the word:
 * a new string of two lines (of one, if the word is not part of the line), NULL if the message names no line.
 */
char *point_out(const char *text, const char *name, const char *message);

#endif
