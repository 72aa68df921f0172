/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables and JSON, through libsmartcols. */
#ifndef VFIOALIGN_CLI_OUTPUT_H
#define VFIOALIGN_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "stats.h"

enum output_type {
	OUTPUT_STRING,
	OUTPUT_STRINGS, /* one a line; JSON makes an array of them */
	OUTPUT_NUMBER,
};

/** enum output_flag - what a column is like in a table */
enum output_flag {
	OUTPUT_RIGHT = 1,
	OUTPUT_LINES = 2, /* newlines stay newlines */
};

/**
 * struct output_column - a column
 * @name: its name, in JSON the key; a table without headings does not show it
 * @type: what JSON makes of it
 * @flags: of enum output_flag
 */
struct output_column {
	const char *name;
	enum output_type type;
	int flags;
};

struct output;

/**
 * output_start - begin a table
 * @name: the array's name in JSON
 * @columns: ends with a column without name
 * @json: print JSON and no table
 *
 * A table has colours only on a terminal, and if NO_COLOR is not set (no-color.org).
 */
struct output *output_start(const char *name, const struct output_column *columns, bool json);

/** output_headings - show the columns' names, in capitals */
void output_headings(struct output *output);

/** output_to - print it to a file and not to stdout */
void output_to(struct output *output, FILE *stream);

/** output_line - begin a line; its cells are empty: null or [] in JSON */
void output_line(struct output *output);

/** output_string - fill a cell; @string is copied and made printable; NULL leaves it empty */
void output_string(struct output *output, int column, const char *string);

/** output_take - the same with a string that is freed */
void output_take(struct output *output, int column, char *string);

/**
 * output_range - fill a cell with a median and its range
 * @output: the table
 * @column: of the cell
 * @stats: what to write
 * @write: how to write each number
 */
void output_range(struct output *output, int column, struct stats stats, char *(*write)(double));

/** output_stats - fill three cells, from @column on, with median, minimum and maximum */
void output_stats(struct output *output, int column, struct stats stats);

/** output_number - fill a cell: digits in JSON, with commas in a table */
void output_number(struct output *output, int column, unsigned long long number);

/** output_real - fill a cell: a number that need not be a whole one */
void output_real(struct output *output, int column, double number);

/** output_colour - give a cell of this line a colour by name: "red" */
void output_colour(struct output *output, int column, const char *colour);

/** output_finish - print it, and free it */
void output_finish(struct output *output);

#endif
