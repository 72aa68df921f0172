// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfioalign bench: what a BAR's mapping costs, by where it lies. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "binding.h"
#include "cli.h"
#include "output.h"
#include "preload.h"
#include "stats.h"
#include "system.h"

#define MOST_RUNS 1000

enum {
	KEY_BAR = 'b',
	KEY_JSON = 'J',
	KEY_OFFSET = 'o',
	KEY_RUNS = 'r',
	KEY_SIZE = 's',
	KEY_ARMS = 0x100,
	KEY_ONCE,
	KEY_TOUCH,
};

static const struct option_row options[] = {
	{ KEY_BAR, "bar", "N", "0 1 2 3 4 5", "this BAR; the largest, if not given" },
	{ KEY_OFFSET, "offset", "BYTES", NULL, "from this offset in the BAR; 0 if not given" },
	{ KEY_SIZE, "size", "BYTES", NULL, "so many bytes; all the rest, if not given" },
	{ KEY_ARMS, "arms", "LIST", NULL,
	  "where it is mapped, separated by commas: natural\n"
	  "(without the library), misalign, 2M, 1G, auto; if\n"
	  "not given, natural,misalign,2M,1G" },
	{ KEY_RUNS, "runs", "N", NULL, "measure each arm so often, in turn; 5 if not given" },
	{ KEY_TOUCH, "touch", NULL, NULL,
	  "read the device's memory, too: reading a register\n"
	  "can have effects" },
	{ KEY_JSON, "json", NULL, NULL, "print JSON" },
	{ KEY_ONCE, "once", "HOW", "plain hand",
	  "measure once, in this process: a plain mmap(), or\n"
	  "one made congruent by hand; print KEY=VALUE lines" },
	{ 0 },
};

/** struct arm - a way of placing the mapping */
struct arm {
	const char *name;
	const char *align; /* VFIOALIGN; NULL: without the library */
	bool by_hand;
};

static const struct arm arms[] = {
	{ "hand", NULL, true }, /* the measure of all others */
	{ "natural", NULL, false },
	{ "misalign", "misalign", false },
	{ "2M", "2M", false },
	{ "1G", "1G", false },
	{ "auto", "auto", false },
};

#define ARMS (sizeof(arms) / sizeof(arms[0]))

static const char *const metric_names[BENCH_METRICS] = {
	[BENCH_FAULTS] = "faults",
	[BENCH_PTE_KB] = "page_tables_kb",
	[BENCH_MAP] = "mmap_ns",
	[BENCH_DMA_MAP] = "dma_map_ns",
	[BENCH_DMA_UNMAP] = "dma_unmap_ns",
	[BENCH_UNMAP] = "munmap_ns",
	[BENCH_SEQUENTIAL] = "sequential_read_ns",
	[BENCH_RANDOM] = "random_read_ns",
};

/** struct bench - the measurement */
struct bench {
	struct bench_range range;
	struct system_bdf bdf;
	struct system_kernel kernel;
	const struct arm *chosen[ARMS];
	unsigned int count;
	unsigned int runs;
	bool json;
	/* By arm: of all runs. */
	uint64_t address[ARMS];
	double *values[ARMS][BENCH_METRICS];
};

/* A number with K, M, G or T behind it. */
static uint64_t parse_size(const char *option, const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t size = strtoull(text, &end, 0);
	const char *unit = *end ? strchr(units, *end) : NULL;
	unsigned int shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;

	if (end == text || *text == '-' || (unit && end[1]) || (*end && !unit) ||
	    size << shift >> shift != size)
		cli_fatal(EXIT_ERROR, "--%s=%s: it has to be a number of bytes, such as 4096 or 2G", option,
			  text);
	return size << shift;
}

static unsigned int parse_count(const char *option, const char *text, unsigned int most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || number > most)
		cli_fatal(EXIT_ERROR, "--%s=%s: it has to be a number of at most %u", option, text, most);
	return (unsigned int)number;
}

static void choose_arms(struct bench *bench, const char *list)
{
	char *names = cli_format("%s", list);
	char *rest = names;

	bench->count = 0;
	bench->chosen[bench->count++] = &arms[0];
	for (char *name; (name = strsep(&rest, ","));) {
		size_t i = 1;

		while (i < ARMS && strcmp(name, arms[i].name))
			i++;
		if (i == ARMS)
			cli_fatal(EXIT_ERROR, "--arms: there is no arm \"%s\"", name);
		for (unsigned int j = 0; j < bench->count; j++)
			if (bench->chosen[j] == &arms[i])
				cli_fatal(EXIT_ERROR, "--arms: %s is named twice", name);
		bench->chosen[bench->count++] = &arms[i];
	}
	free(names);
}

static void print_once(const struct bench *bench, bool by_hand)
{
	struct bench_result result;
	uint64_t modulus = 0;

	if (by_hand)
		modulus = align_huge_page(&bench->kernel.sizes, bench->range.offset, bench->range.size);
	bench_measure(&result, &bench->range, modulus);
	printf("address=0x%" PRIx64 "\n", result.address);
	for (int i = 0; i < BENCH_METRICS; i++)
		if (!isnan(result.metrics[i]))
			printf("%s=%.0f\n", metric_names[i], result.metrics[i]);
}

static void exec_once(const struct bench *bench, const struct arm *arm, const char *library)
{
	char *bar = cli_format("--bar=%u", bench->range.bar);
	char *offset = cli_format("--offset=%" PRIu64, bench->range.offset);
	char *size = cli_format("--size=%" PRIu64, bench->range.size);
	char once[] = "--once=plain", once_by_hand[] = "--once=hand", touch[] = "--touch";
	char program[] = "vfioalign", command[] = "bench", bdf[sizeof(bench->bdf.text)];
	char *arguments[] = { program, command, bar, offset, size,
			      arm->by_hand ? once_by_hand : once, bench->range.touch ? touch : bdf,
			      bench->range.touch ? bdf : NULL, NULL };

	strcpy(bdf, bench->bdf.text);
	/* Of the settings for the library only that of the arm shall count. */
	unsetenv("VFIOALIGN_ONLY");
	unsetenv("VFIOALIGN_PROBE");
	unsetenv("VFIOALIGN_REPORT");
	if (arm->align) {
		setenv("LD_PRELOAD", preload_list(getenv("LD_PRELOAD"), "", library), 1);
		setenv("VFIOALIGN", arm->align, 1);
	} else {
		setenv("VFIOALIGN", "off", 1);
	}
	execv("/proc/self/exe", arguments);
	_exit(EXIT_ERROR);
}

static bool take_line(struct bench *bench, unsigned int index, unsigned int run, char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (!strcmp(line, "address")) {
		bench->address[index] = strtoull(value, NULL, 0);
		return true;
	}
	for (int i = 0; i < BENCH_METRICS; i++)
		if (!strcmp(line, metric_names[i]))
			bench->values[index][i][run] = strtod(value, NULL);
	return false;
}

/* In a process of its own: page tables start empty, and the library is there or is not. */
static void measure(struct bench *bench, unsigned int index, unsigned int run, const char *library)
{
	const struct arm *arm = bench->chosen[index];
	char line[128];
	int ends[2], status = -1;
	bool complete = false;
	FILE *answer;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		cli_fatal(EXIT_ERROR, "pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		exec_once(bench, arm, library);
	}
	close(ends[1]);
	answer = fdopen(ends[0], "r");
	while (answer && fgets(line, sizeof(line), answer))
		complete |= take_line(bench, index, run, line);
	if (answer)
		fclose(answer);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !complete)
		cli_fatal(EXIT_ERROR, "measuring arm %s failed (above)", arm->name);
}

static uint64_t reached(const struct bench *bench, unsigned int index)
{
	return align_reached(&bench->kernel.sizes, bench->address[index], bench->range.offset,
			     bench->range.size);
}

/* What the library would have done; an arm that did not come out is no result. */
static void check_arm(const struct bench *bench, unsigned int index)
{
	const struct align_sizes *sizes = &bench->kernel.sizes;
	const struct arm *arm = bench->chosen[index];
	uint64_t best = align_huge_page(sizes, bench->range.offset, bench->range.size);
	uint64_t expected = best ? best : sizes->page;

	if (!strcmp(arm->name, "natural"))
		return;
	if (best && !strcmp(arm->name, "misalign"))
		expected = sizes->page;
	if (best && !strcmp(arm->name, "2M"))
		expected = align_smallest_huge_page(sizes);
	if (reached(bench, index) != expected)
		cli_fatal(EXIT_ERROR, "arm %s: the library did not put the mapping where it should be, but at 0x%"
			  PRIx64 ": did it load? VFIOALIGN_LOG=info tells more", arm->name,
			  bench->address[index]);
}

static void progress(const struct bench *bench, unsigned int done)
{
	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (done < bench->runs * bench->count)
		fprintf(stderr, "measuring, %u of %u", done + 1, bench->runs * bench->count);
}

/* Forth in one round and back in the next: what drifts goes to no arm alone. */
static void measure_all(struct bench *bench)
{
	const char *library = preload_library();
	unsigned int done = 0;

	if (!library)
		exit(EXIT_ERROR);
	/* Uncounted: the kernel's own code is cold. */
	measure(bench, 0, 0, library);
	for (unsigned int run = 0; run < bench->runs; run++) {
		for (unsigned int i = 0; i < bench->count; i++) {
			unsigned int index = run % 2 ? bench->count - 1 - i : i;

			progress(bench, done++);
			measure(bench, index, run, library);
			check_arm(bench, index);
		}
	}
	progress(bench, done);
}

static struct stats metric_stats(const struct bench *bench, unsigned int index, int metric)
{
	return stats_of(bench->values[index][metric], bench->runs);
}

static struct stats hand_ratio(const struct bench *bench, unsigned int index)
{
	return stats_ratios(bench->values[index][BENCH_DMA_MAP], bench->values[0][BENCH_DMA_MAP],
			    bench->runs);
}

static void print_table(const struct bench *bench)
{
	static const struct output_column columns[] = {
		{ "arm", OUTPUT_STRING, 0 },
		{ "pages", OUTPUT_STRING, OUTPUT_RIGHT },
		{ "faults", OUTPUT_STRING, OUTPUT_RIGHT },
		{ "tables", OUTPUT_STRING, OUTPUT_RIGHT },
		{ "DMA map", OUTPUT_STRING, 0 },
		{ "to hand", OUTPUT_STRING, 0 },
		{ NULL, 0, 0 },
	};
	struct output *output = output_start("bench", columns, false);

	output_headings(output);
	for (unsigned int i = 0; i < bench->count; i++) {
		struct stats tables = metric_stats(bench, i, BENCH_PTE_KB);

		output_line(output);
		output_string(output, 0, bench->chosen[i]->name);
		output_take(output, 1, cli_size(reached(bench, i)));
		output_range(output, 2, metric_stats(bench, i, BENCH_FAULTS), stats_count);
		output_take(output, 3, stats_count(tables.median));
		output_range(output, 4, metric_stats(bench, i, BENCH_DMA_MAP), stats_time);
		output_range(output, 5, hand_ratio(bench, i), stats_ratio);
	}
	output_finish(output);
}

static void print_times(const struct bench *bench)
{
	static const struct output_column columns[] = {
		{ "", OUTPUT_STRING, 0 },
		{ "arm", OUTPUT_STRING, 0 },
		{ "time", OUTPUT_STRING, 0 },
		{ NULL, 0, 0 },
	};
	static const struct {
		int metric;
		const char *title;
	} rows[] = {
		{ BENCH_MAP, "mmap" },
		{ BENCH_DMA_UNMAP, "DMA unmap" },
		{ BENCH_UNMAP, "munmap" },
		{ BENCH_SEQUENTIAL, "sequential read" },
		{ BENCH_RANDOM, "random read" },
	};
	struct output *output = output_start("bench", columns, false);

	putchar('\n');
	output_headings(output);
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (unsigned int i = 0; i < bench->count; i++) {
			struct stats stats = metric_stats(bench, i, rows[row].metric);

			/* Without --touch nothing is read. */
			if (isnan(stats.median))
				continue;
			output_line(output);
			output_string(output, 0, i ? "" : rows[row].title);
			output_string(output, 1, bench->chosen[i]->name);
			output_range(output, 2, stats, stats_time);
		}
	}
	output_finish(output);
}

static void print_human(const struct bench *bench)
{
	char *size = cli_size(bench->range.size);

	printf("%s BAR %u, %s from 0x%" PRIx64 ", on Linux %s\n"
	       "%u run%s of each arm in turn; times are medians (and ranges)\n"
	       "hand: an address made congruent by hand, the measure of the others; tables in kB\n\n",
	       bench->bdf.text, bench->range.bar, size, bench->range.offset, bench->kernel.release,
	       bench->runs, bench->runs == 1 ? "" : "s");
	print_table(bench);
	print_times(bench);
	free(size);
}

static void print_json(const struct bench *bench)
{
	static const char *const keys[] = { "arm", "device", "bar", "offset", "size", "runs", "page" };
	enum { KEYS = sizeof(keys) / sizeof(keys[0]), RATIO = KEYS + 3 * BENCH_METRICS };
	static const char *const suffixes[] = { "", "_min", "_max" };
	struct output_column columns[RATIO + 4] = { { NULL, 0, 0 } };
	struct output *output;

	for (int i = 0; i < RATIO + 3; i++) {
		const char *name = i < KEYS ? keys[i]
				   : i < RATIO ? metric_names[(i - KEYS) / 3] : "dma_map_to_hand";

		columns[i].name = i < KEYS ? name : cli_format("%s%s", name, suffixes[(i - KEYS) % 3]);
		columns[i].type = i < 2 ? OUTPUT_STRING : OUTPUT_NUMBER;
	}
	output = output_start("bench", columns, true);
	for (unsigned int i = 0; i < bench->count; i++) {
		output_line(output);
		output_string(output, 0, bench->chosen[i]->name);
		output_string(output, 1, bench->bdf.text);
		output_number(output, 2, bench->range.bar);
		output_number(output, 3, bench->range.offset);
		output_number(output, 4, bench->range.size);
		output_number(output, 5, bench->runs);
		output_number(output, 6, reached(bench, i));
		for (int metric = 0; metric < BENCH_METRICS; metric++)
			output_stats(output, KEYS + 3 * metric, metric_stats(bench, i, metric));
		output_stats(output, RATIO, hand_ratio(bench, i));
	}
	output_finish(output);
}

static unsigned int largest_bar(const struct system_bdf *bdf)
{
	unsigned int largest = 0;

	for (unsigned int bar = 1; bar < SYSTEM_BARS; bar++)
		if (system_bar_size(bdf, bar) > system_bar_size(bdf, largest))
			largest = bar;
	return largest;
}

static void check_range(struct bench_range *range, const struct system_bdf *bdf)
{
	uint64_t size = system_bar_size(bdf, range->bar);

	if (!size)
		cli_fatal(EXIT_ERROR, "%s has no BAR %u that is memory", bdf->text, range->bar);
	if (range->offset >= size || range->size > size - range->offset)
		cli_fatal(EXIT_ERROR, "BAR %u of %s ends at %llu bytes: there are not so many from there",
			  range->bar, bdf->text, (unsigned long long)size);
	if (!range->size)
		range->size = size - range->offset;
	if ((range->offset | range->size) % (uint64_t)sysconf(_SC_PAGESIZE))
		cli_fatal(EXIT_ERROR, "--offset and --size have to be whole pages");
}

static void check_device(const struct system_bdf *bdf)
{
	char *remedy, *problem;

	if (access(system_path("/sys/bus/pci/devices/%s", bdf->text), F_OK))
		cli_fatal(EXIT_ERROR, "%s: there is no such PCI device, see lspci -D", bdf->text);
	problem = binding_problem(bdf, &remedy);
	if (!problem)
		return;
	cli_complain("%s %s. What to do:", bdf->text, problem);
	for (char *line; (line = strsep(&remedy, "\n"));)
		fprintf(stderr, "  %s\n", line);
	exit(EXIT_ERROR);
}

static void make_room(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->count; i++) {
		for (int metric = 0; metric < BENCH_METRICS; metric++) {
			bench->values[i][metric] = calloc(bench->runs, sizeof(double));
			if (!bench->values[i][metric])
				cli_fatal(EXIT_ERROR, "no memory");
			for (unsigned int run = 0; run < bench->runs; run++)
				bench->values[i][metric][run] = NAN;
		}
	}
}

static int bench(int argc, char **argv)
{
	struct bench bench = { .runs = 5 };
	const char *arm_list = "natural,misalign,2M,1G", *once = NULL;
	bool bar_given = false;
	int key;

	while ((key = cli_option(&bench_command, argc, argv)) >= 0) {
		if (key == KEY_BAR) {
			bench.range.bar = parse_count("bar", optarg, SYSTEM_BARS - 1);
			bar_given = true;
		} else if (key == KEY_OFFSET) {
			bench.range.offset = parse_size("offset", optarg);
		} else if (key == KEY_SIZE) {
			bench.range.size = parse_size("size", optarg);
		} else if (key == KEY_ARMS) {
			arm_list = optarg;
		} else if (key == KEY_RUNS) {
			bench.runs = parse_count("runs", optarg, MOST_RUNS);
		} else if (key == KEY_TOUCH) {
			bench.range.touch = true;
		} else if (key == KEY_ONCE) {
			once = optarg;
		} else {
			bench.json = true;
		}
	}
	if (optind + 1 != argc)
		cli_fatal(EXIT_ERROR, "one device is to be named, such as 0000:01:00.0; see vfioalign bench --help");
	if (!bench.runs)
		cli_fatal(EXIT_ERROR, "--runs=0: then there is nothing to say");
	if (once && !cli_is_one_of("plain hand", once))
		cli_fatal(EXIT_ERROR, "--once=%s: it has to be one of: plain hand", once);
	choose_arms(&bench, arm_list);
	if (!system_kernel_read(&bench.kernel))
		cli_fatal(EXIT_ERROR, "cannot read /proc/sys/kernel/osrelease: %s", strerror(errno));
	if (!system_parse_bdf(argv[optind], &bench.bdf))
		cli_fatal(EXIT_ERROR, "%s is no PCI address, such as 0000:01:00.0", argv[optind]);
	bench.range.bdf = bench.bdf.text;
	check_device(&bench.bdf);
	if (!bar_given)
		bench.range.bar = largest_bar(&bench.bdf);
	check_range(&bench.range, &bench.bdf);
	if (once) {
		print_once(&bench, !strcmp(once, "hand"));
		return cli_finish(EXIT_GOOD);
	}
	make_room(&bench);
	measure_all(&bench);
	if (bench.json)
		print_json(&bench);
	else
		print_human(&bench);
	return cli_finish(EXIT_GOOD);
}

const struct command bench_command = {
	.name = "bench",
	.arguments = "BDF",
	.summary = "Measure what mapping a BAR costs",
	.details =
		"Maps a range of a BAR in each arm, DMA-maps it through type1, and takes faults,\n"
		"page tables and times. The device has to be bound to vfio-pci; no program may be\n"
		"using it. Its memory is neither read nor written, unless --touch is given.\n"
		"\n"
		"Exit status: 0, or 2 if something could not be measured: there is no result.\n",
	.options = options,
	.failed = EXIT_ERROR,
	.run = bench,
};
