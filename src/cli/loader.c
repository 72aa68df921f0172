// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "loader.h"

/* "\t/usr/lib/libvfioalign.so (0x...)", of glibc; "\t/usr/lib/libvfioalign.so => ...", of musl */
bool loader_lists(const char *said, const char *library)
{
	/* It may be listed by another path, if LD_PRELOAD has it already. */
	const char *name = strrchr(library, '/');

	for (const char *at = said; (at = strstr(at, name)); at++) {
		const char *line = at;

		while (line > said && line[-1] != '\n')
			line--;
		if (*line == '\t' && at[strlen(name)] == ' ')
			return true;
	}
	return false;
}

char *loader_complaint(char *said, const char *library)
{
	for (char *line; (line = strsep(&said, "\n"));)
		if (*line != '\t' &&
		    (strstr(line, library) || strstr(line, "error") || strstr(line, "Error")))
			return line;
	return NULL;
}

/* gcc's "\tlibasan.so.8 => /usr/lib/libasan.so.8 (0x...)", clang's with -shared-libasan */
void loader_asan(const char *said, char *path, size_t size)
{
	const char *gcc = strstr(said, "\tlibasan.so");
	const char *at = gcc ? gcc : strstr(said, "\tlibclang_rt.asan");
	const char *found = at ? strstr(at, "=> ") : NULL;

	if (found && found < at + strcspn(at, "\n"))
		snprintf(path, size, "%.*s", (int)strcspn(found + 3, " \n"), found + 3);
}
