/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library file, and the LD_PRELOAD that has it. */
#ifndef VFIOALIGN_CLI_PRELOAD_H
#define VFIOALIGN_CLI_PRELOAD_H

/**
 * preload_library - where the library is
 *
 * Beside this executable, as in a build tree, or in the directory that it is installed in. Never in
 * the current directory.
 *
 * Return: its absolute path; NULL if it is in neither, which a message on stderr has said.
 */
const char *preload_library(void);

/**
 * preload_list - the value for LD_PRELOAD
 * @existing: its value so far, or NULL
 * @first: a library that has to come before all others, or ""
 * @library: the library, which comes last
 *
 * Return: a new string, with nothing in it twice.
 */
char *preload_list(const char *existing, const char *first, const char *library);

#endif
