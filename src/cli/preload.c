// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "preload.h"

#define LIBRARY "libvfioalign.so"

/* What ld.so splits the list at. */
#define SEPARATORS " :"

const char *preload_library(void)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/" LIBRARY));

	if (length > 0) {
		char *directory;

		path[length] = '\0';
		directory = strrchr(path, '/');
		strcpy(directory + 1, LIBRARY);
		if (!access(path, R_OK))
			return path;
	}
	if (!access(LIBDIR "/" LIBRARY, R_OK))
		return LIBDIR "/" LIBRARY;
	cli_complain("cannot find %s, neither beside this program nor as " LIBDIR "/" LIBRARY
		     ": %s. Install it with \"make install\"", LIBRARY, strerror(errno));
	return NULL;
}

static bool same_file(const char *one, const char *other)
{
	struct stat a, b;

	if (!strcmp(one, other))
		return true;
	return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void append(char **list, const char *file)
{
	char *longer = **list ? cli_format("%s:%s", *list, file) : cli_format("%s", file);

	free(*list);
	*list = longer;
}

char *preload_list(const char *existing, const char *first, const char *library)
{
	char *list = cli_format("%s", first);
	char *files = cli_format("%s", existing ? existing : "");
	char *rest = files;
	bool there = false;

	/* By its own path, since a relative one is another one where a program changes directory. */
	for (char *file; (file = strsep(&rest, SEPARATORS));) {
		if (!*file || (*first && same_file(file, first)))
			continue;
		if (!same_file(file, library))
			append(&list, file);
		else if (!there)
			append(&list, library);
		there |= same_file(file, library);
	}
	if (!there)
		append(&list, library);
	free(files);
	return list;
}
