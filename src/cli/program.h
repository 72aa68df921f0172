/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Will the library load into a program? Found out without running any of its code. */
#ifndef VFIOALIGN_CLI_PROGRAM_H
#define VFIOALIGN_CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/**
 * struct program - a program to be run under the library
 * @path: the file that exec is to be given
 * @executable: what the library has to load into: @path, or the interpreter of a script
 * @loader: its dynamic loader
 * @asan: its shared ASan, which has to be preloaded before all others; "" if it has none
 * @error: the errno that exec would end with, or 0; then there is a @problem, too
 * @problem: why the library would not load, or NULL
 * @remedy: what to do about @problem
 */
struct program {
	char path[PATH_MAX];
	char executable[PATH_MAX];
	char loader[PATH_MAX];
	char asan[PATH_MAX];
	int error;
	char *problem;
	char *remedy;
};

/**
 * program_find - find a program as execvp(3) does
 * @program: its @path is set
 * @name: a name to be looked up in PATH, or a path
 *
 * Return: 0, or the errno that execvp(3) would end with.
 */
int program_find(struct program *program, const char *name);

/**
 * program_inspect - would the library load into it?
 * @program: as program_find() left it; all other members are set
 * @library: the library's path
 * @preload: LD_PRELOAD as it would be; the library that has to come first is put in by the caller
 *
 * Reads the ELF file and then has the program's own dynamic loader say what it would load (--list,
 * glibc's and musl's), which runs none of the program's code.
 *
 * Return: false if @program->problem is set.
 */
bool program_inspect(struct program *program, const char *library, const char *preload);

#endif
