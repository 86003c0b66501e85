/* SPDX-License-Identifier: GPL-2.0-only */
/* A small HTTP server for one page, in one thread. */
#ifndef XDPFW_USER_HTTP_H
#define XDPFW_USER_HTTP_H

#include <stdbool.h>

#include "error.h"

struct page {
	char *text; /* from malloc(); the server frees it */
	size_t length;
	const char *type; /* Content-Type */
	int status;       /* 200, or 503 with the reason as text */
};

/* Make the page; @accept is the request's header of that name, "" if it has none. */
typedef void (*page_fn)(const char *accept, struct page *page, void *data);

/*
 * "127.0.0.1:9470", "[::1]:9470", or a port alone, which means 127.0.0.1: a listening socket, in the network namespace
 * that we are in now. Fills @where with its address; port 0 becomes the port that the kernel chose.
 */
#define WHERE_TEXT_MAX 80
int http_listen(const char *word, char where[WHERE_TEXT_MAX], struct error *e);

/* The address alone is judged: words are judged before permission. */
int http_check_address(const char *word, struct error *e);

/* Serve GET and HEAD of @path until a signal asks to end; takes over @listener. 0 or a negative errno. */
int http_serve(int listener, const char *path, page_fn fn, void *data, struct error *e);

#endif
