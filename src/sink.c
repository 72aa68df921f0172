// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink.h"

/* Above the numbers that programs dup2() to and select() on. */
#define FD_FLOOR 512

static ssize_t read_link(const struct sink *sink, char *target, size_t size)
{
	struct text path;

	text_start(&path);
	text_add(&path, "/proc/self/fd/");
	text_add_decimal(&path, (uint64_t)sink->fd);
	return readlink(text_string(&path), target, size);
}

static int open_file(const char *pattern)
{
	struct text path;
	struct stat stat;
	int fd;

	text_start(&path);
	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p') {
			text_add_decimal(&path, (uint64_t)getpid());
			pattern++;
		} else {
			text_add_byte(&path, *pattern);
		}
	}
	if (text_is_cut(&path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* O_NONBLOCK: a FIFO that nobody reads must not hold up the program. */
	fd = open(text_string(&path),
		  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
		  0600);
	/* Nor must one whose reader goes away end it with SIGPIPE. */
	if (fd >= 0 && (fstat(fd, &stat) || S_ISFIFO(stat.st_mode))) {
		close(fd);
		errno = ESPIPE;
		return -1;
	}
	return fd;
}

bool sink_open(struct sink *sink, const char *pattern)
{
	int fd = STDERR_FILENO;

	sink->fd = -1;
	if (pattern) {
		fd = open_file(pattern);
		if (fd < 0)
			return false;
	}
	sink->fd = fcntl(fd, F_DUPFD_CLOEXEC, FD_FLOOR);
	if (sink->fd < 0)
		sink->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (pattern)
		close(fd);
	if (sink->fd >= 0 && read_link(sink, sink->link, sizeof(sink->link) - 1) < 0)
		sink->link[0] = '\0';
	return true;
}

bool sink_is_ours(const struct sink *sink)
{
	char target[sizeof(sink->link)] = "";

	if (sink->fd < 0)
		return false;
	return read_link(sink, target, sizeof(target) - 1) < 0 ? !sink->link[0]
							       : !strcmp(target, sink->link);
}
