// SPDX-License-Identifier: LGPL-2.1-or-later
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "stats.h"

static int compare(const void *one, const void *other)
{
	const double *a = one, *b = other;

	return (*a > *b) - (*a < *b);
}

struct stats stats_of(const double *values, unsigned int count)
{
	struct stats stats = { NAN, NAN, NAN };
	double *sorted = calloc(count ? count : 1, sizeof(*sorted));
	unsigned int there = 0;

	if (!sorted)
		cli_fatal(EXIT_ERROR, "no memory");
	for (unsigned int i = 0; i < count; i++)
		if (!isnan(values[i]))
			sorted[there++] = values[i];
	if (there) {
		qsort(sorted, there, sizeof(*sorted), compare);
		stats.median = (sorted[(there - 1) / 2] + sorted[there / 2]) / 2;
		stats.min = sorted[0];
		stats.max = sorted[there - 1];
	}
	free(sorted);
	return stats;
}

struct stats stats_ratios(const double *values, const double *references, unsigned int count)
{
	double *ratios = calloc(count ? count : 1, sizeof(*ratios));
	struct stats stats;

	if (!ratios)
		cli_fatal(EXIT_ERROR, "no memory");
	for (unsigned int i = 0; i < count; i++)
		ratios[i] = references[i] > 0 ? values[i] / references[i] : NAN;
	stats = stats_of(ratios, count);
	free(ratios);
	return stats;
}

double stats_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Three digits that mean something: 1.23, 12.3, 123. */
static int decimals(double number)
{
	return number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
}

char *stats_time(double nanoseconds)
{
	static const struct {
		double size;
		const char *unit;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	size_t i = 0;
	double number;

	if (isnan(nanoseconds))
		return cli_format("-");
	if (nanoseconds == 0)
		return cli_format("0");
	while (nanoseconds < units[i].size && units[i].size > 1)
		i++;
	number = nanoseconds / units[i].size;
	return cli_format("%.*f %s", decimals(number), number, units[i].unit);
}

char *stats_ratio(double ratio)
{
	if (isnan(ratio))
		return cli_format("-");
	if (ratio >= 1000)
		return cli_number((unsigned long long)(ratio + 0.5));
	if (ratio > 0 && ratio < 0.095) {
		char *inverse = stats_ratio(1 / ratio);
		char *fraction = cli_format("1/%s", inverse);

		free(inverse);
		return fraction;
	}
	return cli_format("%.*f", decimals(ratio), ratio);
}

char *stats_count(double count)
{
	return isnan(count) ? cli_format("-") : cli_number((unsigned long long)(count + 0.5));
}

/* Of "1.09 s" beside "1.10 s", the number alone. */
static void drop_same_unit(char *string, const char *other)
{
	char *unit = strchr(string, ' ');
	const char *other_unit = strchr(other, ' ');

	if (unit && other_unit && !strcmp(unit, other_unit))
		*unit = '\0';
}

char *stats_range(const struct stats *stats, char *(*write)(double))
{
	char *median = write(stats->median);
	char *min = write(stats->min);
	char *max = write(stats->max);
	bool same = !strcmp(min, max);
	char *range;

	if (strchr(min, ' ') && strchr(max, ' ') && !strcmp(strchr(min, ' '), strchr(max, ' '))) {
		drop_same_unit(min, median);
		drop_same_unit(max, median);
	}
	range = same ? cli_format("%s", median) : cli_format("%s (%s..%s)", median, min, max);
	free(median);
	free(min);
	free(max);
	return range;
}
