// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "logins.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockets.h"
#include "util.h"
#include "xdpfw/policy.h"

#define STATE_ESTABLISHED 1 /* as <netinet/tcp.h> has it */

/* By the names of their processes, and what they are called in messages. */
static const struct {
	const char *comm;
	const char *daemon;
} daemons[] = {
	{"sshd", "sshd"},          {"sshd-session", "sshd"}, /* OpenSSH 9.8 and later */
	{"sshd-auth", "sshd"},     {"dropbear", "dropbear"},  {"tinysshd", "tinysshd"},   {"lshd", "lshd"},
	{"telnetd", "telnetd"},    {"in.telnetd", "telnetd"}, {"utelnetd", "telnetd"},    {"rlogind", "rlogind"},
	{"in.rlogind", "rlogind"}, {"rshd", "rshd"},          {"in.rshd", "rshd"},        {"xrdp", "xrdp"},
	{"Xvnc", "vnc"},           {"x11vnc", "vnc"},         {"cockpit-tls", "cockpit"}, {"cockpit-ws", "cockpit"},
};

/* A socket that a login daemon holds. */
struct owned {
	__u32 inode;
	bool knocking; /* nobody has proved yet who he is */
	const char *daemon;
};

struct search {
	struct login_list *list;
	size_t room, ports_room, owned_room;
	struct owned *owned; /* sorted by inode, once all are there */
	__u32 *inodes;       /* of list->logins */
	size_t nr_owned;
	__u8 listening[XDPFW_PORTS / 8];
	unsigned int first_ephemeral;
	int err;
};

/* Room for one element more in an array that doubles. */
static int grow(void *array, size_t count, size_t *room, size_t size)
{
	void **place = array, *bigger;

	if (count < *room)
		return 0;
	bigger = reallocarray(*place, *room ? 2 * *room : 16, size);
	if (!bigger)
		return -ENOMEM;
	*place = bigger;
	*room = *room ? 2 * *room : 16;
	return 0;
}

static const char *daemon_of_process(int proc, const char *pid)
{
	char path[64], comm[32] = {};
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, comm, sizeof(comm) - 1) <= 0)
		return NULL;
	comm[strcspn(comm, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++)
		if (strcmp(daemons[i].comm, comm) == 0)
			return daemons[i].daemon;
	return NULL;
}

/*
 * Before sshd knows who is there, it says so in the title of the process that talks to him. Such a connection is no
 * login: it may well be what an address is being blocked for.
 */
static bool is_knocking(int proc, const char *pid)
{
	char path[64], title[256] = {};
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%.20s/cmdline", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, title, sizeof(title) - 1) <= 0)
		return false;
	return strncmp(title, "sshd", 4) == 0 && (strstr(title, "[accepted]") || strstr(title, "[net]"));
}

static void note_descriptor(struct search *s, int fds, const char *fd, const struct owned *like)
{
	char target[64] = {};
	unsigned int inode;

	if (readlinkat(fds, fd, target, sizeof(target) - 1) < 0 || sscanf(target, "socket:[%u]", &inode) != 1)
		return;
	if (grow(&s->owned, s->nr_owned, &s->owned_room, sizeof(*s->owned))) {
		s->err = -ENOMEM;
		return;
	}
	s->owned[s->nr_owned] = *like;
	s->owned[s->nr_owned++].inode = inode;
}

static void note_process(struct search *s, int proc, const char *pid, const char *daemon)
{
	const struct owned like = {.daemon = daemon, .knocking = is_knocking(proc, pid)};
	struct dirent *entry;
	char path[64];
	DIR *fds;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds = fd < 0 ? NULL : fdopendir(fd);
	while (fds && (entry = readdir(fds)))
		note_descriptor(s, fd, entry->d_name, &like);
	if (fds)
		closedir(fds);
	else if (fd >= 0)
		close(fd);
}

static int by_inode(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Several processes hold one socket: make one entry of theirs. */
static void merge_owned(struct search *s)
{
	size_t kept = 0;

	if (s->nr_owned)
		qsort(s->owned, s->nr_owned, sizeof(*s->owned), by_inode);
	for (size_t i = 0; i < s->nr_owned; i++) {
		if (kept && s->owned[kept - 1].inode == s->owned[i].inode)
			s->owned[kept - 1].knocking |= s->owned[i].knocking;
		else
			s->owned[kept++] = s->owned[i];
	}
	s->nr_owned = kept;
}

/* The sockets of all login daemons on this machine; an inode is unique over network namespaces. */
static int find_owned(struct search *s)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		const char *daemon = strspn(entry->d_name, "0123456789") == strlen(entry->d_name)
					     ? daemon_of_process(dirfd(proc), entry->d_name)
					     : NULL;

		if (daemon)
			note_process(s, dirfd(proc), entry->d_name, daemon);
	}
	closedir(proc);
	merge_owned(s);
	return s->err;
}

static const struct owned *find_owner(const struct search *s, __u32 inode)
{
	const struct owned key = {.inode = inode};

	return inode && s->nr_owned ? bsearch(&key, s->owned, s->nr_owned, sizeof(key), by_inode) : NULL;
}

static void note_listener(const struct socket_row *row, void *data)
{
	struct search *s = data;

	s->listening[row->local_port / 8] |= 1 << row->local_port % 8;
}

static bool is_listening(const struct search *s, __u16 port)
{
	return s->listening[port / 8] >> port % 8 & 1;
}

/* Loopback is never filtered, and neither is what a host says to itself. */
static bool is_local(const struct socket_row *row)
{
	static const __u8 v6_loopback[16] = {[15] = 1};

	if (memcmp(&row->local, &row->remote, sizeof(row->local)) == 0 ||
	    memcmp(&row->remote, v6_loopback, sizeof(v6_loopback)) == 0)
		return true;
	return row->remote.halves[0] == 0 && row->remote.words[2] == htonl(0xffff) && row->remote.bytes[12] == 127;
}

/*
 * What may be a login: it came in and was accepted (has an inode). A connection that this host began (a tunnel that sshd opens for its client) has an
 * ephemeral port, on which nobody listens.
 */
static void note_connection(const struct socket_row *row, void *data)
{
	struct search *s = data;
	bool listening = is_listening(s, row->local_port);
	size_t room = s->room;

	if (row->state != STATE_ESTABLISHED || !row->inode || is_local(row) ||
	    (!listening && row->local_port >= s->first_ephemeral))
		return;
	if (grow(&s->list->logins, s->list->count, &room, sizeof(*s->list->logins)) ||
	    grow(&s->inodes, s->list->count, &s->room, sizeof(*s->inodes))) {
		s->err = -ENOMEM;
		return;
	}
	s->inodes[s->list->count] = row->inode;
	s->list->logins[s->list->count++] = (struct login){
		.local = row->local,
		.remote = row->remote,
		.local_port = row->local_port,
		.remote_port = row->remote_port,
		.listening = listening,
	};
}

static void note_login_port(const struct socket_row *row, void *data)
{
	struct search *s = data;
	const struct owned *owner = find_owner(s, row->inode);

	if (!owner)
		return;
	if (grow(&s->list->ports, s->list->nr_ports, &s->ports_room, sizeof(*s->list->ports)))
		s->err = -ENOMEM;
	else
		s->list->ports[s->list->nr_ports++] = (struct login_port){row->local_port, owner->daemon};
}

static const char *daemon_listening(const struct login_list *list, __u16 port)
{
	for (size_t i = 0; i < list->nr_ports; i++)
		if (list->ports[i].port == port)
			return list->ports[i].daemon;
	return NULL;
}

/* Keep the connections that a login daemon holds, or that came to its port. (Started by systemd's socket, sshd holds
 * the connection and not the port.) */
static void keep_logins(struct search *s)
{
	struct login_list *list = s->list;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct owned *owner = find_owner(s, s->inodes[i]);
		const char *daemon = owner ? owner->daemon : daemon_listening(list, list->logins[i].local_port);

		if (!daemon || (owner && owner->knocking))
			continue;
		list->logins[kept] = list->logins[i];
		list->logins[kept++].daemon = daemon;
	}
	list->count = kept;
}

static unsigned int read_first_ephemeral(void)
{
	_fclose_ FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int first;

	return file && fscanf(file, "%u", &first) == 1 ? first : 32768;
}

int logins_find(struct login_list *list, struct error *e)
{
	_free_ struct search *s = calloc(1, sizeof(*s));
	int err;

	*list = (struct login_list){};
	if (!s)
		return fail(e, -ENOMEM, "out of memory");
	s->list = list;
	s->first_ephemeral = read_first_ephemeral();
	err = sockets_each_listener(note_listener, s);
	if (!err)
		err = sockets_each(note_connection, s);
	if (!err)
		err = s->err;
	if (!err && list->count > 0) { /* looking at every process costs more than all the rest */
		err = find_owned(s);
		if (!err)
			err = sockets_each_listener(note_login_port, s);
		if (!err)
			err = s->err;
		keep_logins(s);
	}
	free(s->owned);
	free(s->inodes);
	if (err)
		logins_free(list);
	return err ? fail(e, err, "cannot tell who is logged in: %s", strerror(-err)) : 0;
}

void logins_free(struct login_list *list)
{
	free(list->logins);
	free(list->ports);
	*list = (struct login_list){};
}
