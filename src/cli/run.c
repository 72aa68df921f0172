// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfioalign run: a program under the library. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../text.h"
#include "cli.h"
#include "output.h"
#include "preload.h"
#include "program.h"

enum {
	KEY_DRY_RUN = 'n',
	KEY_FORCE = 'f',
	KEY_JSON = 'J',
	/* From here on, the index of a variable is what is above. */
	KEY_VARIABLE = 0x100,
};

enum { ALIGN, STEER, RELOCATE, ONLY, LOG, LOG_FILE, REPORT, VARIABLES };

static const char *const variable_names[VARIABLES] = {
	[ALIGN] = "VFIOALIGN",
	[STEER] = "VFIOALIGN_STEER",
	[RELOCATE] = "VFIOALIGN_RELOCATE",
	[ONLY] = "VFIOALIGN_ONLY",
	[LOG] = "VFIOALIGN_LOG",
	[LOG_FILE] = "VFIOALIGN_LOG_FILE",
	[REPORT] = "VFIOALIGN_REPORT",
};

static const struct option_row options[] = {
	{ KEY_VARIABLE + ALIGN, "align", "HOW", "auto off 1G 2M misalign",
	  "auto (the largest page that fits), off, 1G, or for\n"
	  "experiments 2M and misalign (one page off)" },
	{ KEY_VARIABLE + STEER, "steer", "on|off", "on off",
	  "put reservations where the BAR will be congruent" },
	{ KEY_VARIABLE + RELOCATE, "relocate", "auto|on|off", "auto on off",
	  "move MAP_FIXED mappings, too: auto knows the\n"
	  "programs that allow it" },
	{ KEY_VARIABLE + ONLY, "only", "NAMES", NULL,
	  "act only in programs of these names, separated by\n"
	  "colons: for a PROGRAM that starts others" },
	{ KEY_VARIABLE + LOG, "log", "LEVEL", "off error info debug",
	  "log lines on stderr: off, error, info, debug" },
	{ KEY_VARIABLE + LOG_FILE, "log-file", "FILE", NULL,
	  "log to FILE, at level info unless --log says other;\n"
	  "%p in it is the process's number" },
	{ KEY_VARIABLE + REPORT, "report", "FILE", NULL,
	  "write a report to FILE, JSON lines; %p as above" },
	{ KEY_FORCE, "force", NULL, NULL, "run PROGRAM even if the library will not load" },
	{ KEY_DRY_RUN, "dry-run", NULL, NULL, "print the command that would be run, run nothing" },
	{ KEY_JSON, "json", NULL, NULL, "with --dry-run: print it as JSON" },
	{ 0 },
};

const struct command run_command;

static void set(int index, const char *value)
{
	if (setenv(variable_names[index], value, 1))
		cli_fatal(EXIT_RUN_FAILED, "%s: %s", variable_names[index], strerror(errno));
}

static void set_variable(int index, const char *value)
{
	const struct option_row *row = options;

	while (row->key != KEY_VARIABLE + index)
		row++;
	if (row->values && !cli_is_one_of(row->values, value))
		cli_fatal(EXIT_RUN_FAILED, "--%s=%s: it has to be one of: %s", row->name, value,
			  row->values);
	set(index, value);
}

/* A program may change its directory before it starts others. */
static void set_file(int index, const char *name)
{
	char *directory = *name == '/' ? NULL : getcwd(NULL, 0);
	char *path = directory ? cli_format("%s/%s", directory, name) : cli_format("%s", name);

	set(index, *name ? path : "");
	free(path);
	free(directory);
}

/*
 * As the library will: it goes on without a file that it cannot open. The name is the same, since
 * this process becomes the program and keeps its number.
 */
static void try_file(int index, const char *option)
{
	const char *pattern = getenv(variable_names[index]);
	struct text path;
	int fd = -1;

	text_start(&path);
	for (; pattern && *pattern; pattern++) {
		if (!strncmp(pattern, "%p", 2)) {
			text_add_decimal(&path, (uint64_t)getpid());
			pattern++;
		} else {
			text_add_byte(&path, *pattern);
		}
	}
	if (text_is_cut(&path))
		errno = ENAMETOOLONG;
	else
		fd = open(text_string(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
					      O_NOCTTY | O_NONBLOCK, 0600);
	if (fd < 0)
		cli_fatal(EXIT_RUN_FAILED, "--%s: cannot open \"%s\": %s", option, text_string(&path),
			  strerror(errno));
	close(fd);
}

static char *set_variables(const char *separator, char *(*write)(const char *))
{
	char *list = cli_format("%s", "");

	for (int i = 0; i < VARIABLES; i++) {
		const char *value = getenv(variable_names[i]);
		char *written = value ? write(value) : NULL;
		char *longer;

		if (!written)
			continue;
		longer = cli_format("%s%s%s=%s", list, *list ? separator : "", variable_names[i], written);
		free(list);
		free(written);
		list = longer;
	}
	return list;
}

static char *joined(char **words)
{
	char *list = cli_format("%s", "");

	for (char **word = words; *word; word++) {
		char *printable = cli_printable(*word);
		char *longer = cli_format("%s%s%s", list, word == words ? "" : "\n", printable);

		free(printable);
		free(list);
		list = longer;
	}
	return list;
}

static int print_plan(const struct program *program, const char *library, const char *preload,
		      char **arguments, bool json)
{
	static const struct output_column columns[] = {
		{ "program", OUTPUT_STRING, 0 },
		{ "arguments", OUTPUT_STRINGS, 0 },
		{ "library", OUTPUT_STRING, 0 },
		{ "ld_preload", OUTPUT_STRING, 0 },
		{ "variables", OUTPUT_STRINGS, 0 },
		{ "problem", OUTPUT_STRING, 0 },
		{ NULL, 0, 0 },
	};
	char *variables = json ? set_variables("\n", cli_printable) : set_variables(" ", cli_quoted);

	if (json) {
		struct output *output = output_start("run", columns, true);

		output_line(output);
		output_string(output, 0, program->path);
		if (arguments[1])
			output_string(output, 1, joined(arguments + 1));
		output_string(output, 2, library);
		output_string(output, 3, preload);
		if (*variables)
			output_string(output, 4, variables);
		output_string(output, 5, program->problem);
		output_finish(output);
	} else {
		printf("env LD_PRELOAD=%s%s%s", cli_quoted(preload), *variables ? " " : "", variables);
		for (; *arguments; arguments++)
			printf(" %s", cli_quoted(*arguments));
		putchar('\n');
	}
	return cli_finish(0) ? EXIT_RUN_FAILED : 0;
}

/* As env(1). */
static int failed(int err)
{
	return err == ENOENT ? EXIT_RUN_MISSING : EXIT_RUN_CANNOT;
}

static int exec_program(const struct program *program, char **arguments)
{
	int err;

	execvp(program->path, arguments);
	err = errno;
	cli_complain("cannot run %s: %s", program->path, strerror(err));
	return failed(err);
}

static bool logs_already(void)
{
	const char *level = getenv(variable_names[LOG]);

	return level && *level && strcmp(level, "off");
}

static int run(int argc, char **argv)
{
	bool force = false, dry_run = false, json = false;
	bool log = false, log_file = false, report = false;
	const char *existing = getenv("LD_PRELOAD");
	struct program program;
	const char *library;
	char *preload;
	int key, err;

	while ((key = cli_option(&run_command, argc, argv)) >= 0) {
		if (key == KEY_FORCE)
			force = true;
		else if (key == KEY_DRY_RUN)
			dry_run = true;
		else if (key == KEY_JSON)
			json = true;
		else if (key == KEY_VARIABLE + LOG_FILE || key == KEY_VARIABLE + REPORT)
			set_file(key - KEY_VARIABLE, optarg);
		else
			set_variable(key - KEY_VARIABLE, optarg);
		log |= key == KEY_VARIABLE + LOG;
		log_file |= key == KEY_VARIABLE + LOG_FILE;
		report |= key == KEY_VARIABLE + REPORT;
	}
	if (json && !dry_run)
		cli_fatal(EXIT_RUN_FAILED, "--json is for --dry-run: the output is PROGRAM's otherwise");
	if (optind == argc)
		cli_fatal(EXIT_RUN_FAILED, "which program? See vfioalign run --help");
	if (log_file && !log && !logs_already())
		set_variable(LOG, "info");
	library = preload_library();
	if (!library)
		return EXIT_RUN_FAILED;
	err = program_find(&program, argv[optind]);
	if (err) {
		cli_complain("cannot run %s: %s", argv[optind], strerror(err));
		return failed(err);
	}
	preload = preload_list(existing, "", library);
	if (!program_inspect(&program, library, preload) && (!force || program.error)) {
		cli_complain("%s", program.problem);
		if (program.error)
			return failed(program.error);
		cli_complain("what to do: %s; --force runs it all the same",
			     program.remedy);
		return EXIT_RUN_FAILED;
	}
	if (*program.asan)
		preload = preload_list(existing, program.asan, library);
	if (dry_run)
		return print_plan(&program, library, preload, argv + optind, json);
	if (log_file)
		try_file(LOG_FILE, "log-file");
	if (report)
		try_file(REPORT, "report");
	if (setenv("LD_PRELOAD", preload, 1))
		cli_fatal(EXIT_RUN_FAILED, "LD_PRELOAD: %s", strerror(errno));
	return exec_program(&program, argv + optind);
}

const struct command run_command = {
	.name = "run",
	.arguments = "[--] PROGRAM [ARGUMENT...]",
	.summary = "Run a program under libvfioalign.so",
	.details = "The library gives the BARs that PROGRAM maps the largest pages there can be.\n"
		   "Before it runs, it is made sure that the library will load into PROGRAM.\n"
		   "\n"
		   "Exit status: PROGRAM's, or 125 if vfioalign itself failed or refused, 126 if\n"
		   "PROGRAM was found but cannot be run, 127 if it was not found.\n",
	.options = options,
	.failed = EXIT_RUN_FAILED,
	.run = run,
};
