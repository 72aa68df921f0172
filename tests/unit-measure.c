// SPDX-License-Identifier: LGPL-2.1-or-later
/* The arithmetic of measurements, and of faults; reports read back. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/pages.h"
#include "cli/report-read.h"
#include "cli/stats.h"
#include "tap.h"

#define PAGE 4096ULL
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static const struct align_sizes x86 = { .page = PAGE, .huge = { GIB, 2 * MIB } };
static const struct align_sizes arm_64k = { .page = 65536, .huge = { 0, 512 * MIB } };

static bool is(char *actual, const char *expected)
{
	bool same = !strcmp(actual, expected);

	if (!same)
		printf("# expected \"%s\", got \"%s\"\n", expected, actual);
	free(actual);
	return same;
}

static bool sums_up_odd_and_even_counts(void)
{
	const double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 };
	struct stats stats = stats_of(odd, 3);

	TAP_CHECK(stats.median == 3 && stats.min == 1 && stats.max == 5, "%g", stats.median);
	stats = stats_of(even, 4);
	TAP_CHECK(stats.median == 2.5 && stats.min == 1 && stats.max == 4, "%g", stats.median);
	return true;
}

static bool leaves_out_what_is_not_there(void)
{
	const double some[] = { NAN, 2, NAN }, none[] = { NAN };

	TAP_CHECK(stats_of(some, 3).median == 2 && stats_of(some, 3).max == 2, "%g",
		  stats_of(some, 3).median);
	TAP_CHECK(isnan(stats_of(none, 1).median) && isnan(stats_of(none, 0).min), "of nothing");
	return true;
}

static bool divides_runs_beside_each_other(void)
{
	const double values[] = { 2, 30, 8 }, references[] = { 1, 10, 2 }, zero[] = { 0, 10, 2 };
	struct stats stats = stats_ratios(values, references, 3);

	TAP_CHECK(stats.median == 3 && stats.min == 2 && stats.max == 4, "%g", stats.median);
	stats = stats_ratios(values, zero, 3);
	TAP_CHECK(stats.min == 3 && stats.max == 4, "a ratio to nothing is none: %g", stats.min);
	return true;
}

static bool writes_three_digits(void)
{
	TAP_CHECK(is(stats_time(1234567), "1.23 ms"), "time");
	TAP_CHECK(is(stats_time(45.6e9), "45.6 s"), "time");
	TAP_CHECK(is(stats_time(789), "789 ns"), "time");
	TAP_CHECK(is(stats_time(0), "0"), "time");
	TAP_CHECK(is(stats_time(NAN), "-"), "no time");
	TAP_CHECK(is(stats_ratio(1.018), "1.02"), "ratio");
	TAP_CHECK(is(stats_ratio(49372.4), "49,372"), "ratio");
	TAP_CHECK(is(stats_ratio(1 / 49372.4), "1/49,372"), "ratio");
	TAP_CHECK(is(stats_ratio(0), "0.00"), "ratio");
	TAP_CHECK(is(stats_count(1048576), "1,048,576"), "count");
	return true;
}

static bool writes_a_range_only_where_there_is_one(void)
{
	const struct stats wide = { 2e6, 1e6, 3e6 }, wider = { 2e6, 1e3, 3e6 }, narrow = { 4, 4, 4 };

	TAP_CHECK(is(stats_range(&wide, stats_time), "2.00 ms (1.00..3.00)"), "wide");
	TAP_CHECK(is(stats_range(&wider, stats_time), "2.00 ms (1.00 us..3.00 ms)"), "wider");
	TAP_CHECK(is(stats_range(&wide, stats_count), "2,000,000 (1,000,000..3,000,000)"), "counts");
	TAP_CHECK(is(stats_range(&narrow, stats_count), "4"), "narrow");
	return true;
}

/* Measured: FACTS of the kernel, in docs/programs.md and tests/vm/device.bats. */
static bool counts_the_faults_of_a_range(void)
{
	uint64_t faults = pages_faults(&x86, GIB, 0x101000, 4 * GIB - 0x101000);

	TAP_CHECK(faults == 769, "%" PRIu64, faults);
	TAP_CHECK(pages_faults(&x86, GIB, 0, 4 * GIB) == 4, "whole");
	TAP_CHECK(pages_faults(&x86, 2 * MIB, 0, 4 * GIB) == 2048, "2 MiB pages");
	TAP_CHECK(pages_faults(&x86, PAGE, 0, 4 * GIB) == 1048576, "4 KiB pages");
	TAP_CHECK(pages_faults(&x86, GIB, PAGE, MIB) == 256, "no huge page in it");
	TAP_CHECK(pages_faults(&arm_64k, 512 * MIB, 0, 4 * GIB) == 8, "512 MiB pages");
	TAP_CHECK(pages_faults(&arm_64k, 65536, 0, 4 * GIB) == 65536, "64 KiB pages");
	return true;
}

static bool read_back(struct report_sum *sum, const char *lines)
{
	char path[] = "/tmp/unit-measure-XXXXXX";
	int fd = mkstemp(path);
	bool good = fd >= 0 && write(fd, lines, strlen(lines)) == (ssize_t)strlen(lines) &&
		    report_sum_up(sum, path);

	close(fd);
	unlink(path);
	return good;
}

static bool sums_up_a_report(void)
{
	static const char lines[] =
		"{\"schema\":1,\"event\":\"start\",\"pid\":7,\"time_ns\":100,\"program\":\"a\"}\n"
		"{\"schema\":1,\"event\":\"map\",\"pid\":7,\"time_ns\":200,\"errno\":0}\n"
		"{\"schema\":1,\"event\":\"map\",\"pid\":7,\"time_ns\":250,\"errno\":22}\n"
		"{\"schema\":1,\"event\":\"dma_map\",\"pid\":7,\"time_ns\":300,\"duration_ns\":40,\"faults\":4,"
		"\"errno\":0}\n"
		"{\"schema\":1,\"event\":\"dma_map\",\"pid\":7,\"time_ns\":400,\"duration_ns\":2,\"faults\":null,"
		"\"errno\":0}\n"
		"{\"schema\":1,\"event\":\"dma_map\",\"pid\":7,\"time_ns\":500,\"duration_ns\":9,\"faults\":1,"
		"\"errno\":12}\n";
	struct report_sum sum;

	TAP_CHECK(read_back(&sum, lines), "not read");
	TAP_CHECK(sum.loaded && sum.pid_count == 1 && sum.pids[0] == 7, "%u", sum.pid_count);
	TAP_CHECK(sum.mappings == 1 && sum.dma_maps == 2, "%u %u", sum.mappings, sum.dma_maps);
	TAP_CHECK(sum.dma_ns == 42 && sum.dma_faults == 4, "%" PRIu64, sum.dma_ns);
	TAP_CHECK(sum.first_ns == 100 && sum.last_ns == 400, "%" PRIu64, sum.last_ns);
	return true;
}

static bool is_not_misled_by_a_programs_name(void)
{
	struct report_sum sum;

	TAP_CHECK(read_back(&sum, "{\"schema\":1,\"event\":\"start\",\"pid\":7,\"time_ns\":1,"
				  "\"program\":\"\\\",\\\"event\\\":\\\"map\"}\n"),
		  "not read");
	TAP_CHECK(sum.loaded && !sum.mappings, "%u mappings", sum.mappings);
	TAP_CHECK(read_back(&sum, "") && !sum.loaded, "an empty report");
	TAP_CHECK(!report_sum_up(&sum, "/nonexistent") && !sum.loaded, "no report");
	return true;
}

int main(void)
{
	tap(sums_up_odd_and_even_counts(), "the median is that of odd and of even counts");
	tap(leaves_out_what_is_not_there(), "a measurement that is not there does not count");
	tap(divides_runs_beside_each_other(), "ratios are those of runs beside each other");
	tap(writes_three_digits(), "times and ratios are written with three digits");
	tap(writes_a_range_only_where_there_is_one(), "a range is written where there is one");
	tap(counts_the_faults_of_a_range(), "the faults of a range are those that the kernel takes");
	tap(sums_up_a_report(), "a report is summed up without what failed");
	tap(is_not_misled_by_a_programs_name(), "a program's name cannot look like an event");
	return tap_end();
}
