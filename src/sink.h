/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that lines are written to, opened at the start. */
#ifndef VFIOALIGN_SINK_H
#define VFIOALIGN_SINK_H

#include <stdbool.h>

#include "text.h"

/**
 * struct sink - an open file
 * @fd: its descriptor, -1 for none
 * @link: what /proc says of it, "" if it says nothing
 *
 * It has its own file descriptor, so that a program that closes fd 2 and opens something else
 * there does not find our lines in it.
 */
struct sink {
	int fd;
	char link[256];
};

/**
 * sink_open - open a file to add lines to, from the constructor
 * @sink: set; its fd is -1 if the file cannot be opened
 * @pattern: the file, where "%p" stands for the pid; NULL for stderr
 *
 * Return: false with errno set if the file cannot be opened. Not to have a stderr is no error.
 */
bool sink_open(struct sink *sink, const char *pattern);

/**
 * sink_is_ours - is the file open, and the same as at the start?
 *
 * A program that closes every fd and opens its own must not find our lines in its file.
 */
bool sink_is_ours(const struct sink *sink);

#endif
