// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"

#define MOST_FILES 4

static char *unfinished[MOST_FILES];

static void remove_unfinished(void)
{
	for (int i = 0; i < MOST_FILES; i++)
		if (unfinished[i])
			unlink(unfinished[i]);
}

/* As open(2) would have it, and not as mkstemp(3) makes it. */
static void set_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	fchmod(fd, 0666 & ~mask);
}

void file_start(struct file_new *file, const char *path)
{
	static bool registered;
	int i = 0, fd;

	file->path = path;
	file->temporary = cli_format("%s.XXXXXX", path);
	fd = mkostemp(file->temporary, O_CLOEXEC);
	file->stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file->stream)
		cli_fatal(EXIT_ERROR, "cannot write %s: %s", path, strerror(errno));
	set_mode(fd);
	if (!registered)
		atexit(remove_unfinished);
	registered = true;
	while (i < MOST_FILES - 1 && unfinished[i])
		i++;
	unfinished[i] = file->temporary;
}

void file_finish(struct file_new *file)
{
	bool failed = ferror(file->stream);

	failed |= fclose(file->stream) != 0;
	if (failed || rename(file->temporary, file->path))
		cli_fatal(EXIT_ERROR, "cannot write %s: %s", file->path, strerror(errno));
	for (int i = 0; i < MOST_FILES; i++)
		if (unfinished[i] == file->temporary)
			unfinished[i] = NULL;
	free(file->temporary);
}
