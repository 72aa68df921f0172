/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the subcommands have in common: options, help, messages. */
#ifndef VFIOALIGN_CLI_H
#define VFIOALIGN_CLI_H

#include <stdbool.h>
#include <stddef.h>

/** enum cli_exit - exit statuses of "show" and "check" */
enum cli_exit {
	EXIT_GOOD = 0,
	EXIT_BAD = 1,
	EXIT_ERROR = 2,
};

/** Exit statuses of "run", those of env(1). */
#define EXIT_RUN_FAILED 125
#define EXIT_RUN_CANNOT 126
#define EXIT_RUN_MISSING 127

/**
 * struct option_row - an option, for the parser, --help, and shell completion
 * @key: its letter, or a number above 255 for an option that has none
 * @name: its long name
 * @argument: what its argument is called, or NULL if it takes none
 * @values: the values that it can have, separated by spaces, or NULL
 * @help: one or more lines
 */
struct option_row {
	int key;
	const char *name;
	const char *argument;
	const char *values;
	const char *help;
};

/**
 * struct command - a subcommand
 * @name: what it is called
 * @arguments: what comes after the options, for --help
 * @summary: one line
 * @details: text for --help, after the options
 * @options: ends with a row without name; --help and --long-options come by themselves
 * @failed: exit status when it is called in a way that it does not understand
 * @run: gets its own name as argv[0]; returns the exit status
 */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *details;
	const struct option_row *options;
	int failed;
	int (*run)(int argc, char **argv);
};

extern const struct command run_command;
extern const struct command show_command;
extern const struct command check_command;
extern const struct command bench_command;
extern const struct command ab_command;

/**
 * cli_option - the next option
 * @command: whose options they are
 * @argc: as given to its run function
 * @argv: as given to its run function
 *
 * Options end at the first argument that is none. What the table does not allow ends the process
 * with a message, and so do --help and --long-options.
 *
 * Return: its key, with the argument in optarg; -1 when the arguments begin, at argv[optind].
 */
int cli_option(const struct command *command, int argc, char **argv);

/** cli_start - for messages: which command runs, as in "vfioalign run"; @name is kept */
void cli_start(char *name);

/** cli_complain - one line on stderr, with the command's name before it; errno is unchanged */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** cli_fatal - the same, and exit with @status */
void cli_fatal(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/**
 * cli_finish - flush stdout
 * @status: the exit status so far
 *
 * Return: @status, or EXIT_ERROR, with a message, if something could not be written.
 */
int cli_finish(int status);

/**
 * cli_printable - a name that somebody else chose, fit for a terminal
 * @string: any bytes
 *
 * Return: a new string in which what cannot be printed in this locale, or would not be seen or
 * would turn around what is, is written as \xNN.
 */
char *cli_printable(const char *string);

/**
 * cli_quoted - a word to be typed into a shell
 * @word: any bytes
 *
 * Return: a new string, fit for a terminal, that a shell takes for @word: in quotes where it would
 * take @word for more than a word.
 */
char *cli_quoted(const char *word);

/** cli_is_one_of - is @value one of @values, which are separated by spaces? */
bool cli_is_one_of(const char *values, const char *value);

/** cli_wrap - break the lines of @text at spaces, in place: @width bytes where that can be */
void cli_wrap(char *text, size_t width);

/** cli_format - asprintf(3) that does not fail */
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** cli_number - a new string, the number with commas: "1,048,576" */
char *cli_number(unsigned long long number);

/**
 * cli_size - a size as people write it
 * @size: bytes
 *
 * Return: a new string, exact: "4G", "4193276K".
 */
char *cli_size(unsigned long long size);

#endif
