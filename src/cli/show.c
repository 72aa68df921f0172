// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfioalign show: what processes have. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"
#include "pages.h"
#include "process.h"
#include "system.h"

enum {
	KEY_JSON = 'J',
	KEY_SYSROOT = 0x100,
};

static const struct option_row options[] = {
	{ KEY_JSON, "json", NULL, NULL, "print JSON" },
	{ KEY_SYSROOT, "sysroot", "DIR", NULL,
	  "read DIR/proc and DIR/sys, as copied from another\n"
	  "machine" },
	{ 0 },
};

/** enum limit - what keeps a mapping from the best pages that it could have */
enum limit {
	LIMIT_NONE,
	LIMIT_ADDRESS,
	LIMIT_ADVICE,
	LIMIT_THP,
	LIMIT_KERNEL,
	LIMITS,
};

static const char *const limit_words[LIMITS] = {
	[LIMIT_ADDRESS] = "address",
	[LIMIT_ADVICE] = "advice",
	[LIMIT_THP] = "thp",
	[LIMIT_KERNEL] = "kernel",
};

static const struct {
	const char *reason;
	const char *remedy;
} limit_notes[LIMITS] = {
	[LIMIT_ADDRESS] = { "the address is not congruent to the offset. Start the program with",
			    "vfioalign run -- PROGRAM ARGUMENT..." },
	[LIMIT_ADVICE] = { "the address is good, but this kernel also wants MADV_HUGEPAGE. Start the "
			   "program with", "vfioalign run -- PROGRAM ARGUMENT..." },
	[LIMIT_THP] = { "this kernel goes by the setting for transparent huge pages, which is never. "
			"Before the program starts:",
			"echo madvise >/sys/kernel/mm/transparent_hugepage/enabled" },
	[LIMIT_KERNEL] = { "this kernel has no huge pages for BARs, as this tells:", "vfioalign check" },
};

/** struct verdict - what a mapping could have, and what it has */
struct verdict {
	uint64_t best;
	uint64_t has;
	enum limit limit;
};

/* Of a terminal. */
#define LINE_WIDTH 80

/* Of a process's name in the table, for the line to fit. */
#define NAME_WIDTH 32

struct show {
	struct system_kernel kernel;
	struct output *json;
	unsigned int processes;
	bool bad;
	bool failed;
};

enum {
	JSON_PID, JSON_PROGRAM, JSON_DEVICE, JSON_CANDIDATES, JSON_BAR, JSON_OFFSET, JSON_LENGTH,
	JSON_ADDRESS, JSON_BEST, JSON_HAS, JSON_LIMIT, JSON_FAULTS, JSON_LEAST, JSON_VMPTE,
};

static const struct output_column json_columns[] = {
	[JSON_PID] = { "pid", OUTPUT_NUMBER, 0 },
	[JSON_PROGRAM] = { "program", OUTPUT_STRING, 0 },
	[JSON_DEVICE] = { "device", OUTPUT_STRING, 0 },
	[JSON_CANDIDATES] = { "candidates", OUTPUT_STRINGS, 0 },
	[JSON_BAR] = { "bar", OUTPUT_NUMBER, 0 },
	[JSON_OFFSET] = { "offset", OUTPUT_NUMBER, 0 },
	[JSON_LENGTH] = { "length", OUTPUT_NUMBER, 0 },
	[JSON_ADDRESS] = { "address", OUTPUT_STRING, 0 },
	[JSON_BEST] = { "best", OUTPUT_NUMBER, 0 },
	[JSON_HAS] = { "has", OUTPUT_NUMBER, 0 },
	[JSON_LIMIT] = { "limit", OUTPUT_STRING, 0 },
	[JSON_FAULTS] = { "faults", OUTPUT_NUMBER, 0 },
	[JSON_LEAST] = { "least_faults", OUTPUT_NUMBER, 0 },
	[JSON_VMPTE] = { "vmpte_kb", OUTPUT_NUMBER, 0 },
	{ NULL, 0, 0 },
};

enum {
	TABLE_DEVICE, TABLE_BAR, TABLE_OFFSET, TABLE_LENGTH, TABLE_ADDRESS, TABLE_BEST, TABLE_HAS,
	TABLE_FAULTS, TABLE_LEAST,
};

static const struct output_column table_columns[] = {
	[TABLE_DEVICE] = { "device", OUTPUT_STRING, 0 },
	[TABLE_BAR] = { "bar", OUTPUT_NUMBER, OUTPUT_RIGHT },
	[TABLE_OFFSET] = { "offset", OUTPUT_STRING, OUTPUT_RIGHT },
	[TABLE_LENGTH] = { "length", OUTPUT_STRING, OUTPUT_RIGHT },
	[TABLE_ADDRESS] = { "address", OUTPUT_STRING, OUTPUT_RIGHT },
	[TABLE_BEST] = { "best", OUTPUT_STRING, OUTPUT_RIGHT },
	[TABLE_HAS] = { "has", OUTPUT_STRING, OUTPUT_RIGHT },
	[TABLE_FAULTS] = { "faults", OUTPUT_NUMBER, OUTPUT_RIGHT },
	[TABLE_LEAST] = { "least", OUTPUT_NUMBER, OUTPUT_RIGHT },
	{ NULL, 0, 0 },
};

static bool advice_counts(const struct system_kernel *kernel)
{
	return kernel->huge && kernel->asks_thp && kernel->thp == THP_MADVISE;
}

static struct verdict judge(const struct system_kernel *kernel,
			    const struct process_mapping *mapping)
{
	const struct align_sizes *sizes = &kernel->sizes;
	uint64_t best = align_huge_page(sizes, mapping->offset, mapping->length);
	uint64_t reached = align_reached(sizes, mapping->address, mapping->offset, mapping->length);

	if (!best)
		return (struct verdict){ sizes->page, sizes->page, LIMIT_NONE };
	if (!kernel->huge)
		return (struct verdict){ best, sizes->page, LIMIT_KERNEL };
	if (kernel->thp == THP_MISSING)
		return (struct verdict){ best, sizes->page, LIMIT_KERNEL };
	if (kernel->asks_thp && kernel->thp == THP_NEVER)
		return (struct verdict){ best, sizes->page, LIMIT_THP };
	if (reached > sizes->page && advice_counts(kernel) && !mapping->advised)
		return (struct verdict){ best, sizes->page, LIMIT_ADVICE };
	return (struct verdict){ best, reached, reached < best ? LIMIT_ADDRESS : LIMIT_NONE };
}

static char *list_devices(const struct process_mapping *mapping, const char *separator)
{
	char *list = cli_format("%s", "");

	for (unsigned int i = 0; i < mapping->device_count; i++) {
		char *longer = cli_format("%s%s%s", list, i ? separator : "", mapping->devices[i].text);

		free(list);
		list = longer;
	}
	return list;
}

static void add_json(const struct show *show, const struct process *process,
		     const struct process_mapping *mapping, const struct verdict *verdict)
{
	const struct align_sizes *sizes = &show->kernel.sizes;
	struct output *output = show->json;

	output_line(output);
	output_number(output, JSON_PID, (unsigned long long)process->pid);
	output_string(output, JSON_PROGRAM, process->name);
	if (mapping->device_count == 1)
		output_string(output, JSON_DEVICE, mapping->devices[0].text);
	if (mapping->device_count)
		output_take(output, JSON_CANDIDATES, list_devices(mapping, "\n"));
	output_number(output, JSON_BAR, mapping->region);
	output_number(output, JSON_OFFSET, mapping->offset);
	output_number(output, JSON_LENGTH, mapping->length);
	output_take(output, JSON_ADDRESS, cli_format("0x%llx", (unsigned long long)mapping->address));
	output_number(output, JSON_BEST, verdict->best);
	output_number(output, JSON_HAS, verdict->has);
	output_string(output, JSON_LIMIT, limit_words[verdict->limit]);
	output_number(output, JSON_FAULTS,
		      pages_faults(sizes, verdict->has, mapping->offset, mapping->length));
	output_number(output, JSON_LEAST,
		      pages_faults(sizes, verdict->best, mapping->offset, mapping->length));
	output_number(output, JSON_VMPTE, process->pte_kb);
}

/* Without the domain that nearly every machine has, as lspci prints it. */
static const char *short_bdf(const struct system_bdf *bdf)
{
	return strncmp(bdf->text, "0000:", 5) ? bdf->text : bdf->text + 5;
}

static void add_row(const struct show *show, struct output *output,
		    const struct process_mapping *mapping, const struct verdict *verdict)
{
	const struct align_sizes *sizes = &show->kernel.sizes;

	output_line(output);
	output_string(output, TABLE_DEVICE,
		      mapping->device_count == 1 ? short_bdf(&mapping->devices[0]) : "?");
	output_number(output, TABLE_BAR, mapping->region);
	output_take(output, TABLE_OFFSET, cli_format("0x%llx", (unsigned long long)mapping->offset));
	output_take(output, TABLE_LENGTH, cli_size(mapping->length));
	output_take(output, TABLE_ADDRESS, cli_format("0x%llx", (unsigned long long)mapping->address));
	output_take(output, TABLE_BEST, cli_size(verdict->best));
	output_take(output, TABLE_HAS, cli_size(verdict->has));
	output_colour(output, TABLE_HAS, verdict->limit ? "red" : "green");
	output_number(output, TABLE_FAULTS,
		      pages_faults(sizes, verdict->has, mapping->offset, mapping->length));
	output_number(output, TABLE_LEAST,
		      pages_faults(sizes, verdict->best, mapping->offset, mapping->length));
}

static void print_wrapped(char *line)
{
	cli_wrap(line, LINE_WIDTH);
	puts(line);
	free(line);
}

static void print_process(const struct show *show, const struct process *process)
{
	struct output *output = output_start("mappings", table_columns, false);
	char *name = cli_printable(process->name);
	char *pte_kb = cli_number(process->pte_kb);
	unsigned int mappings = 0, limited[LIMITS] = { 0 };
	const struct process_mapping *unclear = NULL;

	output_headings(output);
	for (const struct process_mapping *mapping = process->mappings; mapping;
	     mapping = mapping->next) {
		struct verdict verdict = judge(&show->kernel, mapping);

		add_row(show, output, mapping, &verdict);
		mappings++;
		limited[verdict.limit]++;
		if (mapping->device_count != 1)
			unclear = mapping;
	}
	if (strlen(name) > NAME_WIDTH)
		strcpy(name + NAME_WIDTH, "...");
	printf("%s%s, pid %d, page tables (VmPTE) %s kB\n", show->processes ? "\n" : "", name,
	       process->pid, pte_kb);
	output_finish(output);
	if (unclear && unclear->device_count) {
		char *devices = list_devices(unclear, ", ");

		print_wrapped(cli_format("? is one of %s: the kernel does not tell which.", devices));
		free(devices);
	}
	if (limited[LIMIT_NONE] == mappings)
		printf("All as good as it can be.\n");
	for (int limit = LIMIT_NONE + 1; limit < LIMITS; limit++)
		if (limited[limit]) {
			print_wrapped(cli_format("%u of %u could have larger pages: %s", limited[limit],
						 mappings, limit_notes[limit].reason));
			printf("  %s\n", limit_notes[limit].remedy);
		}
	free(pte_kb);
	free(name);
}

static void show_process(struct show *show, struct process *process)
{
	if (!process->mappings)
		return;
	for (const struct process_mapping *mapping = process->mappings; mapping;
	     mapping = mapping->next) {
		struct verdict verdict = judge(&show->kernel, mapping);

		show->bad |= verdict.limit != LIMIT_NONE;
		if (show->json)
			add_json(show, process, mapping, &verdict);
	}
	if (!show->json)
		print_process(show, process);
	show->processes++;
}

/* "name[pid]", appended to a list. */
static void add_name(char **list, const struct process *process)
{
	char *longer = cli_format("%s%s%s[%d]", *list, **list ? ", " : "", process->name, process->pid);

	free(*list);
	*list = longer;
}

static int is_pid(const struct dirent *entry)
{
	return entry->d_name[0] && strspn(entry->d_name, "0123456789") == strlen(entry->d_name);
}

static bool is_called(const struct process *process, const char *name)
{
	char comm[64];

	if (!name || !fnmatch(name, process->name, 0))
		return true;
	return system_read(system_path("/proc/%d/comm", process->pid), comm, sizeof(comm)) &&
	       !fnmatch(name, comm, 0);
}

/* Of the processes of this name, or all of them. */
static void show_named(struct show *show, const char *name)
{
	struct dirent **entries;
	int count = scandir(system_path("/proc"), &entries, is_pid, versionsort);
	char *unreadable = cli_format("%s", "");
	unsigned int found = 0, before = show->processes;

	if (count < 0)
		cli_fatal(EXIT_ERROR, "cannot read %s: %s", system_path("/proc"), strerror(errno));
	for (int i = 0; i < count; i++) {
		struct process process = { .pid = atoi(entries[i]->d_name) };
		int err;

		free(entries[i]);
		if (!process_name(&process) || !is_called(&process, name))
			continue;
		err = process_read(&process, advice_counts(&show->kernel));
		if (!err)
			show_process(show, &process);
		else if (err != ESRCH)
			add_name(&unreadable, &process);
		found += err != ESRCH;
		process_free(&process);
	}
	free(entries);
	if (name && !found)
		cli_complain("no process is called %s", name);
	if (*unreadable)
		cli_complain("may not be read%s: %s", geteuid() ? ", try it as root" : "", unreadable);
	if (found && show->processes == before && !show->json)
		cli_complain("%s has VFIO mappings",
			     name ? "no process of that name" : "no process that may be read");
	show->failed |= name && (!found || *unreadable);
	free(unreadable);
}

static void show_pid(struct show *show, pid_t pid)
{
	struct process process = { .pid = pid };
	int err = process_read(&process, advice_counts(&show->kernel));

	if (err == ESRCH)
		cli_complain("there is no process %d", pid);
	else if (err)
		cli_complain("process %d, %s, may not be read: %s%s", pid, process.name, strerror(err),
			     geteuid() ? "; try it as root" : "");
	else if (!process.mappings && !show->json)
		cli_complain("process %d, %s, has no VFIO mappings", pid, process.name);
	else
		show_process(show, &process);
	show->failed |= err != 0;
	process_free(&process);
}

static void show_number(struct show *show, const char *digits)
{
	errno = 0;
	if (strtoul(digits, NULL, 10) <= INT_MAX && !errno) {
		show_pid(show, atoi(digits));
		return;
	}
	cli_complain("there is no process %s", digits);
	show->failed = true;
}

static int show(int argc, char **argv)
{
	struct show show = { .processes = 0 };
	bool json = false;
	int key;

	while ((key = cli_option(&show_command, argc, argv)) >= 0) {
		if (key == KEY_JSON)
			json = true;
		else
			system_set_root(optarg);
	}
	if (!system_kernel_read(&show.kernel))
		cli_fatal(EXIT_ERROR, "cannot read %s: %s", system_path("/proc/sys/kernel/osrelease"),
			  strerror(errno));
	if (json)
		show.json = output_start("mappings", json_columns, true);
	if (optind == argc)
		show_named(&show, NULL);
	for (int i = optind; i < argc; i++) {
		if (*argv[i] && strspn(argv[i], "0123456789") == strlen(argv[i]))
			show_number(&show, argv[i]);
		else
			show_named(&show, argv[i]);
	}
	if (json)
		output_finish(show.json);
	return cli_finish(show.failed ? EXIT_ERROR : show.bad ? EXIT_BAD : EXIT_GOOD);
}

const struct command show_command = {
	.name = "show",
	.arguments = "[PID|NAME]...",
	.summary = "Show what pages the BARs of processes have",
	.details =
		"Shows all processes that may be read, or those of these numbers or names. A\n"
		"name may be a shell pattern. Nothing has to be done to the processes beforehand.\n"
		"\n"
		"  BEST     the largest page that the range could have\n"
		"  HAS      the largest page that its address, the kernel and its settings allow\n"
		"  FAULTS   page faults to map it all, as it is; DMA-mapping it takes them all\n"
		"  LEAST    as many as that could be\n"
		"\n"
		"Exit status: 0 if all is as good as it can be, 1 if something is not, 2 for\n"
		"errors.\n",
	.options = options,
	.failed = EXIT_ERROR,
	.run = show,
};
