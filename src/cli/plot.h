/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bars with ranges, through gnuplot. */
#ifndef VFIOALIGN_CLI_PLOT_H
#define VFIOALIGN_CLI_PLOT_H

#include <stdbool.h>

#include "file.h"
#include "stats.h"

#define PLOT_BARS 8

/**
 * struct plot_panel - one quantity, a bar an arm
 * @title: what is shown, with its unit
 * @names: of the arms
 * @stats: of the arms: a bar is the median, and its range goes from the least to the most
 * @count: how many bars
 */
struct plot_panel {
	const char *title;
	const char *names[PLOT_BARS];
	struct stats stats[PLOT_BARS];
	unsigned int count;
};

/** plot_require - end the process with a message if there is no gnuplot */
void plot_require(void);

/**
 * plot_write - draw panels beside each other into an SVG file
 * @file: to write to; it is finished here
 * @title: above it all
 * @panels: the panels
 * @count: how many they are
 * @dark: for a dark background
 *
 * What fails ends the process with a message.
 */
void plot_write(struct file_new *file, const char *title, const struct plot_panel *panels,
		unsigned int count, bool dark);

#endif
