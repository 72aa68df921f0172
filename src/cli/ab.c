// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfioalign ab: a program in each arm in alternation, and what differs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "output.h"
#include "plot.h"
#include "preload.h"
#include "process.h"
#include "program.h"
#include "report-read.h"
#include "stats.h"
#include "system.h"

#define MOST_ARMS PLOT_BARS
#define MOST_RUNS 1000

/* Between two looks at the program. */
#define LOOK_NS 5000000L

/* What a program may take to end after SIGTERM. */
#define GRACE_NS 30e9

enum {
	KEY_JSON = 'J',
	KEY_RUNS = 'r',
	KEY_WARMUP = 'w',
	KEY_ARMS = 0x100,
	KEY_DARK,
	KEY_EXPORT,
	KEY_PLOT,
	KEY_STOP_AFTER,
	KEY_STOP_QUIET,
};

static const char arm_words[] = "off auto 1G 2M misalign";

static const struct option_row options[] = {
	{ KEY_ARMS, "arms", "LIST", NULL,
	  "values of VFIOALIGN, separated by commas: off, auto,\n"
	  "1G, 2M, misalign (the control: chance placement can\n"
	  "look good); off,auto if not given" },
	{ KEY_RUNS, "runs", "N", NULL, "run each arm so often; 5 if not given" },
	{ KEY_WARMUP, "warmup", "N", NULL, "and before so often uncounted; 1 if not given" },
	{ KEY_STOP_AFTER, "stop-after", "SECONDS", NULL,
	  "end PROGRAM with SIGTERM after so long: one that\n"
	  "does not end by itself, such as a virtual machine" },
	{ KEY_STOP_QUIET, "stop-when-quiet", "SECONDS", NULL,
	  "end it when it has mapped and DMA-mapped nothing\n"
	  "of VFIO for so long" },
	{ KEY_JSON, "json", NULL, NULL, "print JSON" },
	{ KEY_EXPORT, "export-json", "FILE", NULL, "write what each run took to FILE" },
	{ KEY_PLOT, "plot", "FILE.svg", NULL, "draw bars with their ranges; needs gnuplot" },
	{ KEY_DARK, "dark", NULL, NULL, "with --plot: for a dark background" },
	{ 0 },
};

enum metric {
	METRIC_WALL,
	METRIC_LAST,
	METRIC_DMA,
	METRIC_USER,
	METRIC_SYSTEM,
	METRIC_FAULTS,
	METRIC_DMA_FAULTS,
	METRIC_PTE,
	METRICS,
};

/** struct metric_row - how a metric is told; times are in nanoseconds, memory is in kB */
static const struct metric_row {
	const char *key;
	const char *title;
	char *(*write)(double);
	const char *plot_title;
	double plot_unit;
} metric_rows[METRICS] = {
	[METRIC_WALL] = { "wall_ns", "wall time", stats_time, NULL, 1 },
	[METRIC_LAST] = { "last_event_ns", "last mapping", stats_time, "until the last mapping, s", 1e9 },
	[METRIC_DMA] = { "dma_map_ns", "DMA map", stats_time, "in DMA map, ms", 1e6 },
	[METRIC_USER] = { "user_ns", "user time", stats_time, NULL, 1 },
	[METRIC_SYSTEM] = { "system_ns", "system time", stats_time, NULL, 1 },
	[METRIC_FAULTS] = { "faults", "minor faults", stats_count, "minor faults", 1 },
	[METRIC_DMA_FAULTS] = { "dma_map_faults", "in DMA map", stats_count, NULL, 1 },
	[METRIC_PTE] = { "vmpte_kb", "VmPTE, kB", stats_count, "page tables, MB", 1024 },
};

/** struct ab - the experiment */
struct ab {
	const char *arms[MOST_ARMS];
	unsigned int arm_count;
	unsigned int runs;
	unsigned int warmup;
	double stop_after;
	double stop_quiet;
	const char *preload;
	const char *program;
	char **arguments;
	char directory[64];
	double *values[MOST_ARMS][METRICS];
};

/** struct child - one run; @active is when it was last seen to map something, or 0 */
struct child {
	pid_t pid;
	char *report;
	char *output;
	double start;
	double pte_kb;
	double active;
	bool stopped;
	int status;
	struct rusage usage;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	interrupted = number;
}

static double parse_number(const char *option, const char *text, double least, double most)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end || !(number >= least && number <= most))
		cli_fatal(EXIT_ERROR, "--%s=%s: it has to be a number from %g to %g", option, text, least,
			  most);
	return number;
}

static unsigned int parse_count(const char *option, const char *text, unsigned int least)
{
	double number = parse_number(option, text, least, MOST_RUNS);

	if (number != floor(number))
		cli_fatal(EXIT_ERROR, "--%s=%s: it has to be a whole number", option, text);
	return (unsigned int)number;
}

static void choose_arms(struct ab *ab, char *list)
{
	ab->arm_count = 0;
	for (char *name; (name = strsep(&list, ","));) {
		if (!cli_is_one_of(arm_words, name))
			cli_fatal(EXIT_ERROR, "--arms: there is no arm \"%s\", but %s", name, arm_words);
		for (unsigned int i = 0; i < ab->arm_count; i++)
			if (!strcmp(ab->arms[i], name))
				cli_fatal(EXIT_ERROR, "--arms: %s is named twice", name);
		ab->arms[ab->arm_count++] = name;
	}
}

/* Temporary files go away however this ends. */
static char *job_directory;

static void remove_directory(void)
{
	char *report = cli_format("%s/report", job_directory);
	char *output = cli_format("%s/output", job_directory);

	unlink(report);
	unlink(output);
	rmdir(job_directory);
	free(report);
	free(output);
}

static void make_directory(struct ab *ab)
{
	const char *where = getenv("TMPDIR");

	if ((size_t)snprintf(ab->directory, sizeof(ab->directory), "%s/vfioalign-XXXXXX",
			     where && *where ? where : "/tmp") >= sizeof(ab->directory) ||
	    !mkdtemp(ab->directory))
		cli_fatal(EXIT_ERROR, "cannot make a directory for reports in %s: %s",
			  where && *where ? where : "/tmp", strerror(errno));
	job_directory = ab->directory;
	atexit(remove_directory);
}

static void exec_program(const struct ab *ab, const struct child *child, const char *arm)
{
	int input = open("/dev/null", O_RDONLY);
	int output = open(child->output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

	setpgid(0, 0);
	if (input < 0 || output < 0 || dup2(input, STDIN_FILENO) < 0 ||
	    dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_RUN_FAILED);
	close(input);
	close(output);
	unsetenv("VFIOALIGN_PROBE");
	setenv("VFIOALIGN", arm, 1);
	setenv("VFIOALIGN_REPORT", child->report, 1);
	setenv("LD_PRELOAD", ab->preload, 1);
	execvp(ab->program, ab->arguments);
	fprintf(stderr, "cannot run %s: %s\n", ab->program, strerror(errno));
	_exit(errno == ENOENT ? EXIT_RUN_MISSING : EXIT_RUN_CANNOT);
}

/* Of all processes that the library is in: PROGRAM may be a wrapper. */
static void look_at_page_tables(struct child *child, const struct report_sum *sum)
{
	double before = child->pte_kb;

	child->pte_kb = fmax(child->pte_kb, (double)process_pte_kb(child->pid));
	for (unsigned int i = 0; i < sum->pid_count; i++)
		child->pte_kb = fmax(child->pte_kb, (double)process_pte_kb(sum->pids[i]));
	/* A DMA map is reported when it is done; page by page it can take minutes. */
	if (sum->last_ns)
		child->active = fmax(child->active, (double)sum->last_ns);
	if (sum->last_ns && child->pte_kb > before)
		child->active = stats_now();
}

/* A program that has not mapped anything yet is on its way there. */
static bool is_quiet(const struct ab *ab, const struct child *child)
{
	return ab->stop_quiet > 0 && child->active > 0 &&
	       stats_now() - child->active > ab->stop_quiet * 1e9;
}

static bool is_over(const struct ab *ab, const struct child *child)
{
	return ab->stop_after > 0 && stats_now() - child->start > ab->stop_after * 1e9;
}

static __attribute__((noreturn)) void fail_with_output(const struct child *child, const char *arm,
						       const char *why)
{
	FILE *file = fopen(child->output, "re");
	char line[4096];

	kill(-child->pid, SIGKILL);
	while (file && fgets(line, sizeof(line), file)) {
		char *printable;

		line[strcspn(line, "\n")] = '\0';
		printable = cli_printable(line);
		fprintf(stderr, "  %s\n", printable);
		free(printable);
	}
	cli_fatal(EXIT_ERROR, "arm %s: the program %s; its output is above, if there was any", arm, why);
}

static void watch(const struct ab *ab, struct child *child, const char *arm)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	struct report_sum sum;
	double asked = 0;

	while (wait4(child->pid, &child->status, WNOHANG, &child->usage) == 0) {
		report_sum_up(&sum, child->report);
		look_at_page_tables(child, &sum);
		if (interrupted) {
			kill(-child->pid, SIGKILL);
			waitpid(child->pid, NULL, 0);
			exit(128 + interrupted);
		}
		if (!child->stopped && (is_quiet(ab, child) || is_over(ab, child))) {
			child->stopped = true;
			asked = stats_now();
			kill(-child->pid, SIGTERM);
		}
		if (child->stopped && stats_now() - asked > GRACE_NS)
			fail_with_output(child, arm, "did not end after SIGTERM");
		nanosleep(&pause, NULL);
	}
}

static bool ended_well(const struct child *child)
{
	int status = child->status;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return child->stopped && ((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) ||
				  (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM));
}

static double of_timeval(const struct timeval *time)
{
	return (double)time->tv_sec * 1e9 + (double)time->tv_usec * 1e3;
}

static void judge(const struct child *child, const char *arm, const struct report_sum *sum)
{
	char *why;

	if (!sum->loaded)
		fail_with_output(child, arm, "did not load the library");
	if (ended_well(child))
		return;
	why = WIFSIGNALED(child->status)
		      ? cli_format("was killed by signal %d", WTERMSIG(child->status))
		      : cli_format("failed with status %d", WEXITSTATUS(child->status));
	fail_with_output(child, arm, why);
}

static void run_once(const struct ab *ab, const char *arm, double *result)
{
	struct child child = {
		.report = cli_format("%s/report", ab->directory),
		.output = cli_format("%s/output", ab->directory),
	};
	struct report_sum sum;
	double end;

	unlink(child.report);
	fflush(NULL);
	child.start = stats_now();
	child.pid = fork();
	if (!child.pid)
		exec_program(ab, &child, arm);
	if (child.pid < 0)
		cli_fatal(EXIT_ERROR, "fork: %s", strerror(errno));
	watch(ab, &child, arm);
	end = stats_now();
	/* What a wrapper has left behind must not run beside the next. */
	kill(-child.pid, SIGKILL);
	report_sum_up(&sum, child.report);
	judge(&child, arm, &sum);
	result[METRIC_WALL] = end - child.start;
	result[METRIC_LAST] = sum.last_ns ? (double)sum.last_ns - child.start : NAN;
	result[METRIC_DMA] = sum.dma_maps ? (double)sum.dma_ns : NAN;
	result[METRIC_DMA_FAULTS] = sum.dma_maps ? (double)sum.dma_faults : NAN;
	result[METRIC_USER] = of_timeval(&child.usage.ru_utime);
	result[METRIC_SYSTEM] = of_timeval(&child.usage.ru_stime);
	result[METRIC_FAULTS] = (double)child.usage.ru_minflt;
	result[METRIC_PTE] = child.pte_kb;
	free(child.report);
	free(child.output);
}

static void progress(const struct ab *ab, unsigned int round, unsigned int done)
{
	unsigned int rounds = ab->warmup + ab->runs;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (round < rounds)
		fprintf(stderr, "%s %u of %u, arm %u of %u", round < ab->warmup ? "warm-up" : "run",
			round < ab->warmup ? round + 1 : round - ab->warmup + 1,
			round < ab->warmup ? ab->warmup : ab->runs, done + 1, ab->arm_count);
}

/* Forth in one round and back in the next: what drifts goes to no arm alone. */
static void run_all(struct ab *ab)
{
	double result[METRICS];

	for (unsigned int round = 0; round < ab->warmup + ab->runs; round++) {
		for (unsigned int i = 0; i < ab->arm_count; i++) {
			unsigned int index = round % 2 ? ab->arm_count - 1 - i : i;

			progress(ab, round, i);
			run_once(ab, ab->arms[index], result);
			for (int metric = 0; metric < METRICS && round >= ab->warmup; metric++)
				ab->values[index][metric][round - ab->warmup] = result[metric];
		}
	}
	progress(ab, ab->warmup + ab->runs, 0);
}

static struct stats metric_stats(const struct ab *ab, unsigned int arm, int metric)
{
	return stats_of(ab->values[arm][metric], ab->runs);
}

/* To the first arm, run by run. */
static struct stats ratio_stats(const struct ab *ab, unsigned int arm, int metric)
{
	return stats_ratios(ab->values[arm][metric], ab->values[0][metric], ab->runs);
}

static void print_table(const struct ab *ab)
{
	char *to_first = cli_format("to %s", ab->arms[0]);
	char *program = cli_printable(ab->arguments[0]);
	const struct output_column columns[] = {
		{ "", OUTPUT_STRING, 0 },
		{ "arm", OUTPUT_STRING, 0 },
		{ "median and range", OUTPUT_STRING, 0 },
		{ to_first, OUTPUT_STRING, 0 },
		{ NULL, 0, 0 },
	};
	struct output *output = output_start("ab", columns, false);

	output_headings(output);
	for (int metric = 0; metric < METRICS; metric++) {
		for (unsigned int arm = 0; arm < ab->arm_count; arm++) {
			output_line(output);
			output_string(output, 0, arm ? "" : metric_rows[metric].title);
			output_string(output, 1, ab->arms[arm]);
			output_range(output, 2, metric_stats(ab, arm, metric), metric_rows[metric].write);
			if (arm)
				output_range(output, 3, ratio_stats(ab, arm, metric), stats_ratio);
		}
	}
	printf("%u run%s of each arm in alternation after %u uncounted: %s\n\n", ab->runs,
	       ab->runs == 1 ? "" : "s", ab->warmup, program);
	output_finish(output);
	free(program);
	free(to_first);
}

static void print_json(const struct ab *ab)
{
	static const struct output_column columns[] = {
		{ "metric", OUTPUT_STRING, 0 },	 { "arm", OUTPUT_STRING, 0 },
		{ "runs", OUTPUT_NUMBER, 0 },	 { "median", OUTPUT_NUMBER, 0 },
		{ "min", OUTPUT_NUMBER, 0 },	 { "max", OUTPUT_NUMBER, 0 },
		{ "ratio", OUTPUT_NUMBER, 0 },	 { "ratio_min", OUTPUT_NUMBER, 0 },
		{ "ratio_max", OUTPUT_NUMBER, 0 }, { NULL, 0, 0 },
	};
	struct output *output = output_start("ab", columns, true);

	for (int metric = 0; metric < METRICS; metric++) {
		for (unsigned int arm = 0; arm < ab->arm_count; arm++) {
			output_line(output);
			output_string(output, 0, metric_rows[metric].key);
			output_string(output, 1, ab->arms[arm]);
			output_number(output, 2, ab->runs);
			output_stats(output, 3, metric_stats(ab, arm, metric));
			output_stats(output, 6, ratio_stats(ab, arm, metric));
		}
	}
	output_finish(output);
}

static void write_runs(const struct ab *ab, struct file_new *file)
{
	struct output_column columns[METRICS + 3] = {
		{ "arm", OUTPUT_STRING, 0 },
		{ "run", OUTPUT_NUMBER, 0 },
	};
	struct output *output;

	for (int metric = 0; metric < METRICS; metric++)
		columns[metric + 2] = (struct output_column){ metric_rows[metric].key, OUTPUT_NUMBER, 0 };
	output = output_start("runs", columns, true);
	output_to(output, file->stream);
	for (unsigned int run = 0; run < ab->runs; run++) {
		for (unsigned int arm = 0; arm < ab->arm_count; arm++) {
			output_line(output);
			output_string(output, 0, ab->arms[arm]);
			output_number(output, 1, run + 1);
			for (int metric = 0; metric < METRICS; metric++)
				if (!isnan(ab->values[arm][metric][run]))
					output_real(output, metric + 2, ab->values[arm][metric][run]);
		}
	}
	output_finish(output);
	file_finish(file);
}

static struct stats scaled(struct stats stats, double unit)
{
	return (struct stats){ stats.median / unit, stats.min / unit, stats.max / unit };
}

static void draw(const struct ab *ab, struct file_new *file, bool dark)
{
	struct plot_panel panels[METRICS];
	unsigned int count = 0;
	char *title;

	for (int metric = 0; metric < METRICS; metric++) {
		struct plot_panel *panel = &panels[count];

		/* A program without DMA maps has no panel for them. */
		if (!metric_rows[metric].plot_title || isnan(metric_stats(ab, 0, metric).median))
			continue;
		panel->title = metric_rows[metric].plot_title;
		panel->count = ab->arm_count;
		for (unsigned int arm = 0; arm < ab->arm_count; arm++) {
			panel->names[arm] = ab->arms[arm];
			panel->stats[arm] = scaled(metric_stats(ab, arm, metric),
						   metric_rows[metric].plot_unit);
		}
		count++;
	}
	title = cli_format("%s: medians and ranges of %u runs", ab->arguments[0], ab->runs);
	plot_write(file, title, panels, count, dark);
	free(title);
}

/* The library has to load into PROGRAM, and ASan to come before it, as for "run". */
static void find_program(struct ab *ab)
{
	static struct program program;
	const char *library = preload_library();
	const char *existing = getenv("LD_PRELOAD");
	int err;

	if (!library)
		exit(EXIT_ERROR);
	err = program_find(&program, ab->arguments[0]);
	if (err)
		cli_fatal(EXIT_ERROR, "cannot run %s: %s", ab->arguments[0], strerror(err));
	ab->preload = preload_list(existing, "", library);
	if (!program_inspect(&program, library, ab->preload))
		cli_fatal(EXIT_ERROR, "%s; what to do: %s", program.problem, program.remedy);
	if (*program.asan)
		ab->preload = preload_list(existing, program.asan, library);
	ab->program = program.path;
}

static void make_room(struct ab *ab)
{
	for (unsigned int arm = 0; arm < ab->arm_count; arm++) {
		for (int metric = 0; metric < METRICS; metric++) {
			ab->values[arm][metric] = calloc(ab->runs, sizeof(double));
			if (!ab->values[arm][metric])
				cli_fatal(EXIT_ERROR, "no memory");
		}
	}
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int ab(int argc, char **argv)
{
	struct ab ab = { .runs = 5, .warmup = 1 };
	char *arm_list = cli_format("off,auto");
	const char *export = NULL, *plot = NULL;
	struct file_new export_file, plot_file;
	bool json = false, dark = false;
	int key;

	while ((key = cli_option(&ab_command, argc, argv)) >= 0) {
		if (key == KEY_ARMS)
			arm_list = optarg;
		else if (key == KEY_RUNS)
			ab.runs = parse_count("runs", optarg, 1);
		else if (key == KEY_WARMUP)
			ab.warmup = parse_count("warmup", optarg, 0);
		else if (key == KEY_STOP_AFTER)
			ab.stop_after = parse_number("stop-after", optarg, 0.1, 86400);
		else if (key == KEY_STOP_QUIET)
			ab.stop_quiet = parse_number("stop-when-quiet", optarg, 0.1, 86400);
		else if (key == KEY_EXPORT)
			export = optarg;
		else if (key == KEY_PLOT)
			plot = optarg;
		else if (key == KEY_DARK)
			dark = true;
		else
			json = true;
	}
	if (optind == argc)
		cli_fatal(EXIT_ERROR, "which program? See vfioalign ab --help");
	if (dark && !plot)
		cli_fatal(EXIT_ERROR, "--dark is for --plot");
	choose_arms(&ab, arm_list);
	ab.arguments = argv + optind;
	find_program(&ab);
	if (plot)
		plot_require();
	make_directory(&ab);
	if (export)
		file_start(&export_file, export);
	if (plot)
		file_start(&plot_file, plot);
	make_room(&ab);
	catch_signals();
	run_all(&ab);
	if (export)
		write_runs(&ab, &export_file);
	if (plot)
		draw(&ab, &plot_file, dark);
	if (json)
		print_json(&ab);
	else
		print_table(&ab);
	return cli_finish(EXIT_GOOD);
}

const struct command ab_command = {
	.name = "ab",
	.arguments = "[--] PROGRAM [ARGUMENT...]",
	.summary = "Run a program in each arm, and compare",
	.details =
		"Runs PROGRAM in each arm in alternation, with its output put aside, and takes\n"
		"times, minor faults, page tables (the most that was seen) and, from the\n"
		"library's report, when the last mapping or DMA map was done and what DMA maps of\n"
		"BARs took. Ratios are those of runs beside each other, to the first arm.\n"
		"\n"
		"Exit status: 0, or 2 if the library did not load, PROGRAM failed, or something\n"
		"could not be written; there is no result then.\n",
	.options = options,
	.failed = EXIT_ERROR,
	.run = ab,
};
