// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <libsmartcols.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"

#define MOST_COLUMNS 40

struct output {
	struct libscols_table *table;
	struct libscols_column *columns[MOST_COLUMNS];
	struct libscols_line *line;
	const struct output_column *description;
	bool json;
};

static void check(int error)
{
	if (error)
		cli_fatal(EXIT_ERROR, "libsmartcols: %s", strerror(error < 0 ? -error : error));
}

static bool colours_wanted(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no_color || !*no_color) && term && strcmp(term, "dumb");
}

static int json_type(enum output_type type)
{
	/* An array is our own, taken as it stands: libsmartcols knows none without members. */
	if (type == OUTPUT_NUMBER || type == OUTPUT_STRINGS)
		return SCOLS_JSON_NUMBER;
	return SCOLS_JSON_STRING;
}

static bool has_lines(const struct output_column *description)
{
	return description->flags & OUTPUT_LINES || description->type == OUTPUT_STRINGS;
}

static struct libscols_column *new_column(struct output *output,
					  const struct output_column *description)
{
	bool lines = has_lines(description);
	int flags = (description->flags & OUTPUT_RIGHT ? SCOLS_FL_RIGHT : 0) |
		    (lines ? SCOLS_FL_WRAP : 0);
	struct libscols_column *column =
		scols_table_new_column(output->table, description->name, 0, flags);

	check(column ? 0 : -1);
	check(scols_column_set_json_type(column, json_type(description->type)));
	if (lines) {
		check(scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk,
						NULL));
	}
	/* What is printable already libsmartcols would escape again: "\x1b" as "\x5cx1b". */
	check(scols_column_set_safechars(column, lines ? "\\\n" : "\\"));
	return column;
}

struct output *output_start(const char *name, const struct output_column *columns, bool json)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		cli_fatal(EXIT_ERROR, "no memory");
	output->table = scols_new_table();
	check(output->table ? 0 : -1);
	output->description = columns;
	output->json = json;
	check(scols_table_set_name(output->table, name));
	check(scols_table_enable_json(output->table, json));
	check(scols_table_enable_noheadings(output->table, !json));
	check(scols_table_enable_colors(output->table, !json && colours_wanted()));
	for (int i = 0; columns[i].name; i++)
		output->columns[i] = new_column(output, &columns[i]);
	return output;
}

void output_headings(struct output *output)
{
	check(scols_table_enable_noheadings(output->table, 0));
	for (int i = 0; output->description[i].name && !output->json; i++) {
		struct libscols_cell *header = scols_column_get_header(output->columns[i]);
		char *name = cli_format("%s", output->description[i].name);

		for (char *letter = name; *letter; letter++)
			if (*letter >= 'a' && *letter <= 'z')
				*letter = (char)(*letter - 'a' + 'A');
		check(scols_cell_set_data(header, name));
		free(name);
	}
}

void output_to(struct output *output, FILE *stream)
{
	check(scols_table_set_stream(output->table, stream));
}

static void set(struct output *output, int column, char *string)
{
	check(scols_line_refer_column_data(output->line, output->columns[column], string));
}

void output_line(struct output *output)
{
	output->line = scols_table_new_line(output->table, NULL);
	check(output->line ? 0 : -1);
	for (int i = 0; output->json && output->description[i].name; i++)
		if (output->description[i].type == OUTPUT_STRINGS)
			set(output, i, cli_format("[]"));
}

/* Each line of the string by itself, for a newline to stay one. */
static char *printable_lines(const char *string)
{
	char *copy = cli_format("%s", string);
	char *rest = copy;
	char *result = cli_format("%s", "");
	bool first = true;

	for (char *line; (line = strsep(&rest, "\n")); first = false) {
		char *printable = cli_printable(line);
		char *longer = cli_format("%s%s%s", result, first ? "" : "\n", printable);

		free(printable);
		free(result);
		result = longer;
	}
	free(copy);
	return result;
}

/* The lines of a printable string, in which nothing else than these two has to be escaped. */
static char *json_strings(char *lines)
{
	char *array = malloc(4 * strlen(lines) + sizeof("[\"\"]"));
	char *end;

	if (!array)
		cli_fatal(EXIT_ERROR, "no memory");
	end = stpcpy(array, "[\"");
	for (const char *at = lines; *at; at++) {
		if (*at == '\n') {
			end = stpcpy(end, "\", \"");
			continue;
		}
		if (*at == '"' || *at == '\\')
			*end++ = '\\';
		*end++ = *at;
	}
	strcpy(end, "\"]");
	free(lines);
	return array;
}

void output_string(struct output *output, int column, const char *string)
{
	const struct output_column *description = &output->description[column];

	if (!string)
		return;
	if (description->type == OUTPUT_STRINGS && output->json)
		set(output, column, json_strings(printable_lines(string)));
	else
		set(output, column, has_lines(description) ? printable_lines(string) : cli_printable(string));
}

void output_take(struct output *output, int column, char *string)
{
	output_string(output, column, string);
	free(string);
}

void output_range(struct output *output, int column, struct stats stats, char *(*write)(double))
{
	output_take(output, column, stats_range(&stats, write));
}

void output_stats(struct output *output, int column, struct stats stats)
{
	const double values[] = { stats.median, stats.min, stats.max };

	for (int i = 0; i < 3; i++)
		if (!isnan(values[i]))
			output_real(output, column + i, values[i]);
}

void output_number(struct output *output, int column, unsigned long long number)
{
	set(output, column, output->json ? cli_format("%llu", number) : cli_number(number));
}

void output_real(struct output *output, int column, double number)
{
	set(output, column, cli_format("%.*f", number == (double)(long long)number ? 0 : 4, number));
}

void output_colour(struct output *output, int column, const char *colour)
{
	struct libscols_cell *cell = scols_line_get_column_cell(output->line, output->columns[column]);

	check(cell ? scols_cell_set_color(cell, colour) : -1);
}

void output_finish(struct output *output)
{
	check(scols_print_table(output->table));
	scols_unref_table(output->table);
	free(output);
}
