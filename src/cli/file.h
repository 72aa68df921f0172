/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are there as a whole or not at all. */
#ifndef VFIOALIGN_CLI_FILE_H
#define VFIOALIGN_CLI_FILE_H

#include <stdio.h>

/**
 * struct file_new - a file that is being written
 * @path: what it will be called
 * @temporary: what it is called until then, in the same directory
 * @stream: to write to
 */
struct file_new {
	const char *path;
	char *temporary;
	FILE *stream;
};

/**
 * file_start - begin a file; what is there under its name stays until file_finish()
 * @file: set
 * @path: what it will be called
 *
 * The process ends with a message if it cannot be made; if the process ends later, for whatever
 * reason but a signal, what was written so far is removed.
 */
void file_start(struct file_new *file, const char *path);

/** file_finish - give the file its name; what fails ends the process with a message */
void file_finish(struct file_new *file);

#endif
