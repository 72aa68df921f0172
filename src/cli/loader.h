/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a dynamic loader says when it is asked what it would load: ld.so --list, of glibc or musl. */
#ifndef VFIOALIGN_CLI_LOADER_H
#define VFIOALIGN_CLI_LOADER_H

#include <stdbool.h>
#include <stddef.h>

/** loader_lists - does it list the library? @library is its path, and may be listed by another */
bool loader_lists(const char *said, const char *library);

/**
 * loader_complaint - the line that says of the library what is wrong
 * @said: all that the loader said; is cut up into lines
 * @library: its path
 *
 * Return: a line of @said, or NULL.
 */
char *loader_complaint(char *said, const char *library);

/**
 * loader_asan - the path of a shared ASan, gcc's or clang's, which has to be preloaded before all others
 * @said: all that the loader said
 * @path: set to it; unchanged if it is not listed
 * @size: of @path
 */
void loader_asan(const char *said, char *path, size_t size);

#endif
