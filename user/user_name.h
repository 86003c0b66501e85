/* SPDX-License-Identifier: GPL-2.0-only */
/* Users as rules name them. */
#ifndef XDPFW_USER_USER_NAME_H
#define XDPFW_USER_USER_NAME_H

#define USER_NAME_MAX 256

/*
 * The one name of a user whether @word is his name or his number, so that `user root` and `user 0` are the same rule:
 * the name that this host has for a number, else the number, without leading zeros. Into @name; returns @name.
 */
const char *user_name(const char *word, char name[USER_NAME_MAX]);

#endif
