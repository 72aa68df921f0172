/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Repeated measurements. */
#ifndef VFIOALIGN_CLI_STATS_H
#define VFIOALIGN_CLI_STATS_H

/** struct stats - what is told of some measurements; all are NAN if there are none */
struct stats {
	double median;
	double min;
	double max;
};

/**
 * stats_of - sum up measurements
 * @values: the measurements; NAN for one that is not there
 * @count: how many
 */
struct stats stats_of(const double *values, unsigned int count);

/**
 * stats_ratios - sum up the ratios of measurements made in pairs
 * @values: the measurements
 * @references: what each is divided by, measured beside it
 * @count: how many pairs
 */
struct stats stats_ratios(const double *values, const double *references, unsigned int count);

/** stats_now - CLOCK_MONOTONIC in nanoseconds */
double stats_now(void);

/** stats_time - a new string, a time with three digits: "1.23 ms"; "-" for NAN */
char *stats_time(double nanoseconds);

/** stats_ratio - a new string, a ratio with three digits: "1.02", "12,345", "1/12,345"; "-" for NAN */
char *stats_ratio(double ratio);

/** stats_count - a new string, a count with commas; "-" for NAN */
char *stats_count(double count);

/**
 * stats_range - a new string: "2.00 ms (1.00..3.00)", "1.02 (0.98..1.10)", "4"
 * @stats: what to write
 * @write: how to write each number
 */
char *stats_range(const struct stats *stats, char *(*write)(double));

#endif
