// SPDX-License-Identifier: LGPL-2.1-or-later
/* vfioalign check: would it help here? */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "binding.h"
#include "cli.h"
#include "output.h"
#include "pages.h"
#include "preload.h"
#include "program.h"
#include "system.h"

enum {
	KEY_DEVICE = 'd',
	KEY_JSON = 'J',
	KEY_PROGRAM = 'p',
	KEY_SYSROOT = 0x100,
};

static const struct option_row options[] = {
	{ KEY_DEVICE, "device", "BDF", NULL,
	  "look at this PCI device, not at all that VFIO has;\n"
	  "may be given again" },
	{ KEY_PROGRAM, "program", "PROGRAM", NULL, "would the library load into PROGRAM?" },
	{ KEY_JSON, "json", NULL, NULL, "print JSON" },
	{ KEY_SYSROOT, "sysroot", "DIR", NULL,
	  "read DIR/proc, DIR/sys and DIR/dev, as copied from\n"
	  "another machine" },
	{ 0 },
};

enum status {
	STATUS_OK,
	STATUS_NOTE,
	STATUS_PROBLEM,
};

static const char *const status_words[] = {
	[STATUS_OK] = "ok",
	[STATUS_NOTE] = "note",
	[STATUS_PROBLEM] = "problem",
};

static const char *const status_colours[] = {
	[STATUS_OK] = "green",
	[STATUS_NOTE] = "yellow",
	[STATUS_PROBLEM] = "red",
};

enum { COLUMN_STATUS, COLUMN_ITEM, COLUMN_TEXT, COLUMN_REMEDY };

static const struct output_column json_columns[] = {
	{ "status", OUTPUT_STRING, 0 },
	{ "item", OUTPUT_STRING, 0 },
	{ "text", OUTPUT_STRING, 0 },
	{ "remedy", OUTPUT_STRING, OUTPUT_LINES },
	{ NULL, 0, 0 },
};

/* A remedy has lines of its own below the text. */
static const struct output_column table_columns[] = {
	{ "status", OUTPUT_STRING, 0 },
	{ "item", OUTPUT_STRING, 0 },
	{ "text", OUTPUT_STRING, OUTPUT_LINES },
	{ NULL, 0, 0 },
};

#define MOST_DEVICES 256

/* Of the line, what comes before the text: "problem 10000:01:00.0 ". */
#define TEXT_AT 22

struct check {
	struct system_kernel kernel;
	struct output *output;
	bool json;
	bool bad;
	size_t width;
};

/* The lines of @text below each other, indented. */
static char *indent(const char *text)
{
	char *result = cli_format("%s", "");

	for (;;) {
		size_t length = strcspn(text, "\n");
		char *longer = cli_format("%s\n  %.*s", result, (int)length, text);

		free(result);
		result = longer;
		if (!text[length])
			return result;
		text += length + 1;
	}
}

/* @text and @remedy are freed. @remedy has commands to type, one a line, or is a sentence, or NULL. */
static void say(struct check *check, enum status status, const char *item, char *text, char *remedy)
{
	struct output *output = check->output;

	check->bad |= status == STATUS_PROBLEM;
	output_line(output);
	output_string(output, COLUMN_STATUS, status_words[status]);
	output_string(output, COLUMN_ITEM, item);
	if (check->json) {
		output_string(output, COLUMN_REMEDY, remedy);
	} else {
		/* A newline of a name that somebody else chose is to be none of ours. */
		char *printable = cli_printable(text);

		free(text);
		text = printable;
		output_colour(output, COLUMN_STATUS, status_colours[status]);
		cli_wrap(text, check->width);
		if (remedy) {
			char *lines = indent(remedy);
			char *both = cli_format("%s%s", text, lines);

			free(lines);
			free(text);
			text = both;
		}
	}
	output_string(output, COLUMN_TEXT, text);
	free(text);
	free(remedy);
}

static void check_kernel(struct check *check)
{
	const struct system_kernel *kernel = &check->kernel;

	if (!kernel->huge)
		say(check, STATUS_PROBLEM, "kernel",
		    cli_format("Linux %s maps BARs with small pages only; huge pages came with 6.12 (unless "
			       "a distribution has put them into an older one)", kernel->release),
		    cli_format("install a kernel of version 6.12 or later,\n"
			       "6.15 or later for the fastest DMA mapping"));
	else if (!kernel->fast_dma)
		say(check, STATUS_NOTE, "kernel",
		    cli_format("Linux %s maps BARs with huge pages: few faults. VFIO_IOMMU_MAP_DMA still goes "
			       "through a BAR by 4 KiB steps, which 6.15 ended", kernel->release),
		    NULL);
	else
		say(check, STATUS_OK, "kernel",
		    cli_format("Linux %s maps BARs with huge pages, and DMA-maps them so", kernel->release),
		    NULL);
}

static void check_thp(struct check *check)
{
	static const char *const words[] = {
		[THP_MISSING] = "not built into this kernel",
		[THP_NEVER] = "never",
		[THP_MADVISE] = "madvise",
		[THP_ALWAYS] = "always",
	};
	const struct system_kernel *kernel = &check->kernel;

	if (!kernel->huge)
		return;
	if (kernel->thp == THP_MISSING)
		say(check, STATUS_PROBLEM, "thp",
		    cli_format("transparent huge pages are %s, and huge pages for BARs need them",
			       words[kernel->thp]),
		    cli_format("use a kernel with CONFIG_TRANSPARENT_HUGEPAGE"));
	else if (!kernel->asks_thp)
		say(check, STATUS_OK, "thp",
		    cli_format("transparent huge pages: %s, which does not matter to BARs in this kernel",
			       words[kernel->thp]),
		    NULL);
	else if (kernel->thp == THP_NEVER)
		say(check, STATUS_PROBLEM, "thp",
		    cli_format("transparent huge pages: never, and this kernel obeys that for BARs, too (until "
			       "6.12.115, 6.18.54 and 7.3)"),
		    cli_format("echo madvise >/sys/kernel/mm/transparent_hugepage/enabled"));
	else
		say(check, STATUS_OK, "thp",
		    cli_format("transparent huge pages: %s%s", words[kernel->thp],
			       kernel->thp == THP_MADVISE
				       ? ", and the library gives the advice that BARs need then" : ""),
		    NULL);
}

/* VFIO's unsafe mode without an IOMMU has groups of its own. */
static bool has_real_group(void)
{
	DIR *directory = opendir(system_path("/sys/kernel/iommu_groups"));
	struct dirent *entry;
	bool found = false;
	char node[300];

	while (directory && !found && (entry = readdir(directory)))
		found = entry->d_name[0] != '.' && system_group_node(entry->d_name, node, sizeof(node));
	if (directory)
		closedir(directory);
	return found;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static void check_iommu(struct check *check)
{
	char line[16] = "";

	if (has_real_group())
		say(check, STATUS_OK, "iommu", cli_format("on"), NULL);
	else if (system_read(system_path("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"), line,
			     sizeof(line)) && *line == 'Y')
		say(check, STATUS_NOTE, "iommu",
		    cli_format("none: VFIO runs in its unsafe mode without one, in which BARs are mapped but not "
			       "DMA-mapped"),
		    NULL);
	else
		say(check, STATUS_PROBLEM, "iommu",
		    cli_format("no IOMMU is in use, and VFIO needs one"),
		    cli_format("switch it on in the firmware (VT-d, AMD-Vi, SMMU);\n"
			       "Intel's also needs the kernel parameter intel_iommu=on"));
}

static void check_modules(struct check *check)
{
	bool type1 = exists(system_path("/sys/module/vfio_iommu_type1"));
	bool iommufd = exists(system_path("/sys/module/iommufd")) ||
		       exists(system_path("/sys/class/misc/iommu"));

	if (!exists(system_path("/sys/bus/pci/drivers/vfio-pci")))
		say(check, STATUS_PROBLEM, "modules", cli_format("vfio-pci is not loaded"),
		    cli_format("modprobe vfio-pci"));
	else if (!type1 && !iommufd)
		say(check, STATUS_PROBLEM, "modules",
		    cli_format("vfio-pci is loaded, but neither vfio_iommu_type1 nor iommufd, without which no "
			       "program can use a device"),
		    cli_format("modprobe vfio_iommu_type1"));
	else if (!type1)
		say(check, STATUS_NOTE, "modules",
		    cli_format("vfio-pci and iommufd are loaded, vfio_iommu_type1 is not: IOMMU_IOAS_MAP takes no "
			       "BARs, so that only faults are saved"),
		    NULL);
	else
		say(check, STATUS_OK, "modules", cli_format("vfio-pci and vfio_iommu_type1 are loaded"), NULL);
}

/* A copy of another machine's /proc and /sys may come without its /dev. */
static void check_node(struct check *check, const char *bdf, const char *group)
{
	char node[64];
	int err;

	system_group_node(group, node, sizeof(node));
	if (!system_is_here() && !exists(system_path("/dev/vfio")))
		return;
	if (!access(system_path("/dev/vfio/%s", node), R_OK | W_OK))
		return;
	err = errno;
	/* A kernel may be built to have nodes of devices alone. */
	if (err == ENOENT && exists(system_path("/dev/vfio/devices")))
		return;
	if (err == ENOENT)
		say(check, STATUS_PROBLEM, bdf,
		    cli_format("/dev/vfio/%s, the node of its IOMMU group, is missing: has this container "
			       "been given it?", node),
		    cli_format("udevadm trigger --subsystem-match=vfio"));
	else
		say(check, STATUS_NOTE, bdf,
		    cli_format("/dev/vfio/%s may not be opened by this user: %s", node, strerror(err)),
		    cli_format("chown %u /dev/vfio/%s", getuid(), node));
}

static bool check_binding(struct check *check, const struct system_bdf *bdf)
{
	char *remedy, *problem = binding_problem(bdf, &remedy);
	char group[32];

	if (problem) {
		say(check, STATUS_PROBLEM, bdf->text, problem, remedy);
		return false;
	}
	if (binding_group(bdf, group, sizeof(group)))
		check_node(check, bdf->text, group);
	return true;
}

/* "BAR 2 of 16G with 1G pages: 16 faults, not 4,194,304" */
static char *describe_bar(const struct align_sizes *sizes, unsigned int bar, uint64_t size,
			  uint64_t best)
{
	char *size_text = cli_size(size);
	char *best_text = cli_size(best);
	char *least = cli_number(pages_faults(sizes, best, 0, size));
	char *most = cli_number(size / sizes->page);
	char *text = cli_format("BAR %u of %s with %s pages: %s fault%s instead of %s", bar, size_text,
				best_text, least, strcmp(least, "1") ? "s" : "", most);

	free(size_text);
	free(best_text);
	free(least);
	free(most);
	return text;
}

static void check_bars(struct check *check, const struct system_bdf *bdf)
{
	const struct align_sizes *sizes = &check->kernel.sizes;
	char *list = cli_format("%s", "");

	for (unsigned int bar = 0; bar < SYSTEM_BARS; bar++) {
		uint64_t size = system_bar_size(bdf, bar);
		uint64_t best = align_huge_page(sizes, 0, size);
		char *text, *longer;

		if (!best)
			continue;
		text = describe_bar(sizes, bar, size, best);
		longer = cli_format("%s%s%s", list, *list ? "; " : "", text);
		free(text);
		free(list);
		list = longer;
	}
	if (*list) {
		say(check, STATUS_OK, bdf->text, list, NULL);
		return;
	}
	free(list);
	say(check, STATUS_NOTE, bdf->text,
	    cli_format("no BAR of it holds a huge page: there is nothing to gain"), NULL);
}

static void check_device(struct check *check, const char *name)
{
	struct system_bdf bdf;

	if (!system_parse_bdf(name, &bdf))
		say(check, STATUS_PROBLEM, name,
		    cli_format("is no PCI address, such as 0000:01:00.0"), cli_format("lspci -D"));
	else if (!exists(system_path("/sys/bus/pci/devices/%s", bdf.text)))
		say(check, STATUS_PROBLEM, bdf.text, cli_format("there is no such PCI device"),
		    cli_format("lspci -D"));
	else if (check_binding(check, &bdf))
		check_bars(check, &bdf);
}

static int is_vfio_device(const struct dirent *entry)
{
	struct system_bdf device;
	char driver[256];

	return entry->d_name[0] != '.' &&
	       (size_t)snprintf(device.text, sizeof(device.text), "%s", entry->d_name) <
		       sizeof(device.text) &&
	       system_driver(&device, driver, sizeof(driver)) && system_is_vfio_driver(driver);
}

static void check_all_devices(struct check *check)
{
	struct dirent **entries = NULL;
	int count = scandir(system_path("/sys/bus/pci/devices"), &entries, is_vfio_device, alphasort);

	for (int i = 0; i < count; i++) {
		check_device(check, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (count <= 0)
		say(check, STATUS_NOTE, "devices",
		    cli_format("no device is bound to vfio-pci; look at one that is to be"),
		    cli_format("vfioalign check --device BDF"));
}

static void check_program(struct check *check, const char *name)
{
	const char *library = preload_library();
	char *preload = library ? preload_list(getenv("LD_PRELOAD"), "", library) : NULL;
	struct program program;
	int err = program_find(&program, name);

	if (err)
		say(check, STATUS_PROBLEM, "program", cli_format("cannot run %s: %s", name, strerror(err)),
		    cli_format("give the path of an executable file"));
	else if (library && program_inspect(&program, library, preload))
		say(check, STATUS_OK, "program",
		    cli_format("the library loads into %s", program.executable), NULL);
	else if (library)
		say(check, STATUS_PROBLEM, "program", cli_format("%s", program.problem),
		    cli_format("%s", program.remedy));
	free(preload);
}

/* The library answers for itself, in a process of its own: see VFIOALIGN_PROBE in config.c. */
static bool probe(const char *preload, char *answer, size_t size)
{
	ssize_t length = 0;
	int ends[2], status = -1;
	pid_t pid;

	if (pipe2(ends, 0))
		return false;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		setenv("LD_PRELOAD", preload, 1);
		setenv("VFIOALIGN_PROBE", "1", 1);
		execl("/proc/self/exe", "vfioalign", "--version", (char *)NULL);
		_exit(EXIT_RUN_MISSING);
	}
	close(ends[1]);
	if (pid > 0) {
		length = read(ends[0], answer, size - 1);
		waitpid(pid, &status, 0);
	}
	close(ends[0]);
	answer[length > 0 ? length : 0] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return !status;
}

static bool inspect_self(struct program *self, const char *library)
{
	ssize_t length = readlink("/proc/self/exe", self->path, sizeof(self->path) - 1);

	self->path[length > 0 ? length : 0] = '\0';
	return program_inspect(self, library, library);
}

static void check_library(struct check *check)
{
	const char *library = preload_library();
	struct program self;
	char answer[128] = "";

	if (!library)
		say(check, STATUS_PROBLEM, "library", cli_format("libvfioalign.so is not there"),
		    cli_format("make install"));
	else if (!inspect_self(&self, library))
		say(check, STATUS_PROBLEM, "library", self.problem, self.remedy);
	else if (probe(preload_list(NULL, self.asan, library), answer, sizeof(answer)) &&
		 !strcmp(answer, "libvfioalign " PACKAGE_VERSION))
		say(check, STATUS_OK, "library", cli_format("%s loads: %s", library, answer), NULL);
	else
		say(check, STATUS_PROBLEM, "library",
		    cli_format("%s does not load as version " PACKAGE_VERSION ", but answers \"%s\"", library,
			       answer),
		    cli_format("make install"));
}

static size_t terminal_width(void)
{
	struct winsize size = { .ws_col = 0 };
	const char *columns = getenv("COLUMNS");

	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? (size_t)atoi(columns) : 80;
}

static int check(int argc, char **argv)
{
	struct check check = { .json = false };
	const char *devices[MOST_DEVICES], *program = NULL;
	unsigned int count = 0;
	int key;

	while ((key = cli_option(&check_command, argc, argv)) >= 0) {
		if (key == KEY_JSON)
			check.json = true;
		else if (key == KEY_PROGRAM)
			program = optarg;
		else if (key == KEY_SYSROOT)
			system_set_root(optarg);
		else if (count < MOST_DEVICES)
			devices[count++] = optarg;
		else
			cli_fatal(EXIT_ERROR, "--device: no more than %d", MOST_DEVICES);
	}
	if (optind < argc)
		cli_fatal(EXIT_ERROR, "what is %s? See vfioalign check --help", argv[optind]);
	if (!system_kernel_read(&check.kernel))
		cli_fatal(EXIT_ERROR, "cannot read %s: %s", system_path("/proc/sys/kernel/osrelease"),
			  strerror(errno));
	check.width = terminal_width();
	check.width = check.width > TEXT_AT + 20 ? check.width - TEXT_AT : 20;
	check.output = output_start("checks", check.json ? json_columns : table_columns, check.json);
	check_kernel(&check);
	check_thp(&check);
	check_iommu(&check);
	check_modules(&check);
	for (unsigned int i = 0; i < count; i++)
		check_device(&check, devices[i]);
	if (!count)
		check_all_devices(&check);
	check_library(&check);
	if (program)
		check_program(&check, program);
	output_finish(check.output);
	return cli_finish(check.bad ? EXIT_BAD : EXIT_GOOD);
}

const struct command check_command = {
	.name = "check",
	.arguments = "",
	.summary = "Check whether it would help here",
	.details = "Looks at the kernel and its settings, at the devices that VFIO has, and at the\n"
		   "library. Each line is ok, note or problem, with the reason, and what to do.\n"
		   "\n"
		   "Exit status: 0 if nothing is wrong, 1 if there are problems, 2 for errors.\n",
	.options = options,
	.failed = EXIT_ERROR,
	.run = check,
};
