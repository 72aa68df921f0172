// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli.h"

#define MOST_OPTIONS 32

enum {
	KEY_HELP = 'h',
	KEY_LONG_OPTIONS = 0x200,
};

static char default_name[] = "vfioalign";
static char *whole_name = default_name;

void cli_start(char *name)
{
	whole_name = name;
}

static void *or_die(void *memory)
{
	if (!memory) {
		fprintf(stderr, "%s: no memory\n", whole_name);
		exit(EXIT_RUN_FAILED);
	}
	return memory;
}

/*
 * Unicode's format characters and line separators: what turns text around or hides in it, such as
 * U+202E, and libc calls printable all the same.
 */
static bool is_invisible(wchar_t wide)
{
	static const struct {
		wchar_t first, last;
	} ranges[] = {
		{ 0xad, 0xad },		{ 0x61c, 0x61c },	{ 0x180e, 0x180e },
		{ 0x200b, 0x200f },	{ 0x2028, 0x202e },	{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },	{ 0xfff9, 0xfffb },	{ 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (wide >= ranges[i].first && wide <= ranges[i].last)
			return true;
	return false;
}

char *cli_printable(const char *string)
{
	size_t left = strlen(string);
	char *result = or_die(malloc(4 * left + 1));
	char *end = result;
	mbstate_t state = { 0 };

	while (left) {
		wchar_t wide;
		size_t length = mbrtowc(&wide, string, left, &state);

		if (length && length <= left && iswprint((wint_t)wide) && !is_invisible(wide)) {
			end = mempcpy(end, string, length);
		} else {
			end += sprintf(end, "\\x%02x", (unsigned char)*string);
			length = 1;
			memset(&state, 0, sizeof(state));
		}
		string += length;
		left -= length;
	}
	*end = '\0';
	return result;
}

bool cli_is_one_of(const char *values, const char *value)
{
	size_t length = strlen(value);

	for (; *values; values += strcspn(values, " "), values += strspn(values, " "))
		if (length && length == strcspn(values, " ") && !strncmp(values, value, length))
			return true;
	return false;
}

void cli_wrap(char *text, size_t width)
{
	char *start = text, *space = NULL;

	for (char *at = text; *at; at++) {
		if (*at == ' ')
			space = at;
		if ((size_t)(at - start) >= width && space && space > start) {
			*space = '\n';
			start = space + 1;
			space = NULL;
		}
	}
}

__attribute__((format(printf, 1, 0))) static char *format_list(const char *format,
							       va_list arguments)
{
	char *string;

	if (vasprintf(&string, format, arguments) < 0)
		string = NULL;
	return or_die(string);
}

char *cli_format(const char *format, ...)
{
	va_list arguments;
	char *string;

	va_start(arguments, format);
	string = format_list(format, arguments);
	va_end(arguments);
	return string;
}

/* $'...' of bash, zsh and POSIX 2024, for what a terminal would not print. */
static char *quoted_bytes(const char *word)
{
	char *result = or_die(malloc(4 * strlen(word) + sizeof("$''")));
	char *end = stpcpy(result, "$'");

	for (; *word; word++) {
		if (*word >= ' ' && *word <= '~' && *word != '\'' && *word != '\\')
			*end++ = *word;
		else
			end += sprintf(end, "\\%03o", (unsigned char)*word);
	}
	strcpy(end, "'");
	return result;
}

char *cli_quoted(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-+=./:,@%";
	char *printable = cli_printable(word);
	bool prints = !strcmp(printable, word);
	char *result;

	free(printable);
	if (*word && strspn(word, plain) == strlen(word))
		return cli_format("%s", word);
	if (!prints)
		return quoted_bytes(word);
	result = cli_format("'");
	for (const char *rest = word; rest;) {
		size_t length = strcspn(rest, "'");
		char *longer = cli_format("%s%.*s%s", result, (int)length, rest,
					  rest[length] ? "'\\''" : "'");

		free(result);
		result = longer;
		rest = rest[length] ? rest + length + 1 : NULL;
	}
	return result;
}

__attribute__((format(printf, 1, 0))) static void complain(const char *format, va_list arguments)
{
	int err = errno;
	char *string = format_list(format, arguments);
	char *printable = cli_printable(string);

	fflush(stdout);
	fprintf(stderr, "%s: %s\n", whole_name, printable);
	free(printable);
	free(string);
	errno = err;
}

void cli_complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
}

void cli_fatal(int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
	exit(status);
}

int cli_finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	cli_complain("cannot write the output: %s", strerror(errno));
	return EXIT_ERROR;
}

char *cli_number(unsigned long long number)
{
	char *digits = cli_format("%llu", number);
	size_t length = strlen(digits);
	char *result = or_die(calloc(1, 2 * length + 1));
	char *end = result;

	for (size_t i = 0; i < length; i++) {
		if (i && !((length - i) % 3))
			*end++ = ',';
		*end++ = digits[i];
	}
	free(digits);
	return result;
}

char *cli_size(unsigned long long size)
{
	static const char units[] = "\0KMGTPE";
	const char *unit = units;

	while (size && !(size % 1024)) {
		size /= 1024;
		unit++;
	}
	return *unit ? cli_format("%llu%c", size, *unit) : cli_format("%llu", size);
}

/* Lines after the first go below the first. */
static void print_help_text(const char *text, int indent)
{
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("%*s", indent, "");
	}
	putchar('\n');
}

static void print_option(const struct option_row *row)
{
	char letter[] = { '-', (char)row->key, ',', ' ', '\0' };
	char *left = cli_format("  %s--%s%s%s", row->key < 256 ? letter : "    ", row->name,
				row->argument ? "=" : "", row->argument ? row->argument : "");

	printf("%-28s", left);
	if (strlen(left) > 26)
		printf("\n%28s", "");
	print_help_text(row->help, 28);
	free(left);
}

static const struct option_row help_row = { KEY_HELP, "help", NULL, NULL, "show this" };

static void print_help(const struct command *command)
{
	printf("Usage: vfioalign %s [OPTION...]%s%s\n%s\n\n", command->name,
	       *command->arguments ? " " : "", command->arguments, command->summary);
	for (const struct option_row *row = command->options; row->name; row++)
		print_option(row);
	print_option(&help_row);
	if (*command->details)
		printf("\n%s", command->details);
}

static void print_long_option(const struct option_row *row)
{
	printf("--%s%s%s%s\n", row->name, row->argument ? "=" : "", row->values ? " " : "",
	       row->values ? row->values : "");
}

/* For shell completion: an option a line, with "=" if it takes a value, and the values. */
static void print_long_options(const struct command *command)
{
	for (const struct option_row *row = command->options; row->name; row++)
		print_long_option(row);
	print_long_option(&help_row);
}

int cli_option(const struct command *command, int argc, char **argv)
{
	static char letters[3 * MOST_OPTIONS];
	static struct option options[MOST_OPTIONS + 3];
	int key;

	if (!options[0].name) {
		struct option *next = options;
		char *letter = letters;

		*letter++ = '+';
		for (const struct option_row *row = command->options; row->name; row++) {
			*next++ = (struct option){ row->name, row->argument != NULL, NULL, row->key };
			if (row->key < 256) {
				*letter++ = (char)row->key;
				if (row->argument)
					*letter++ = ':';
			}
		}
		*letter++ = KEY_HELP;
		*next++ = (struct option){ "help", no_argument, NULL, KEY_HELP };
		*next = (struct option){ "long-options", no_argument, NULL, KEY_LONG_OPTIONS };
		/* getopt's own messages begin with argv[0]. */
		argv[0] = whole_name;
	}
	key = getopt_long(argc, argv, letters, options, NULL);
	if (key == KEY_HELP)
		print_help(command);
	else if (key == KEY_LONG_OPTIONS)
		print_long_options(command);
	else if (key == '?')
		cli_fatal(command->failed, "see vfioalign %s --help", command->name);
	else
		return key;
	exit(cli_finish(0) ? command->failed : 0);
}
