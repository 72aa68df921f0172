// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfioalign: runs programs under the library, shows what they have, says whether it would help. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct command *const commands[] = {
	&run_command,
	&show_command,
	&check_command,
	&bench_command,
	&ab_command,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/*
 * A file that is opened while one of the standard three is closed would take its place, and get
 * our output. The place is taken by something that the output fails on, as it would on nothing.
 */
static void keep_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", (fd ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
}

static int print_help(void)
{
	puts("Usage: vfioalign COMMAND [OPTION...] [ARGUMENT...]\n"
	     "Huge pages for the BARs of VFIO devices: run programs under libvfioalign.so,\n"
	     "see what running programs have, and find out whether it would help.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-24s  %s\n", commands[i]->name, commands[i]->summary);
	puts("  --help                    show this; each command has its own\n"
	     "  --version                 show the version\n"
	     "\n"
	     "A program with slow BARs is found with \"vfioalign show\", what to expect of this\n"
	     "host is told by \"vfioalign check\", and \"vfioalign run PROGRAM\" mends it.");
	return cli_finish(0);
}

/* For shell completion. */
static int print_long_options(void)
{
	for (size_t i = 0; i < COMMANDS; i++)
		puts(commands[i]->name);
	puts("--help\n--version");
	return cli_finish(0);
}

static int print_version(void)
{
	puts("vfioalign " PACKAGE_VERSION);
	return cli_finish(0);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	keep_standard_fds();
	setlocale(LC_CTYPE, "");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(name, commands[i]->name)) {
			char *whole_name = cli_format("vfioalign %s", name);

			cli_start(whole_name);
			return commands[i]->run(argc - 1, argv + 1);
		}
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return print_help();
	if (!strcmp(name, "--long-options"))
		return print_long_options();
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return print_version();
	if (*name)
		cli_fatal(EXIT_ERROR, "there is no command %s, see vfioalign --help", name);
	cli_fatal(EXIT_ERROR, "which command? See vfioalign --help");
}
