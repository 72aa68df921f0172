// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "config.h"
#include "report.h"
#include "text.h"

#define PMD_SIZE_FILE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

struct config config;

struct choice {
	const char *word;
	int value;
};

enum placement {
	PLACEMENT_AUTO,
	PLACEMENT_OFF,
	PLACEMENT_1G,
	PLACEMENT_2M,
	PLACEMENT_MISALIGN,
};

/* The first choice of each list is the default. This one is in the order of the enum. */
static const struct choice placements[] = {
	{ "auto", PLACEMENT_AUTO },
	{ "off", PLACEMENT_OFF },
	{ "1G", PLACEMENT_1G },
	{ "2M", PLACEMENT_2M },
	{ "misalign", PLACEMENT_MISALIGN },
	{ NULL, 0 },
};

static const struct choice on_off[] = {
	{ "on", true },
	{ "off", false },
	{ NULL, 0 },
};

enum relocation {
	RELOCATION_AUTO,
	RELOCATION_ON,
	RELOCATION_OFF,
};

static const struct choice relocations[] = {
	{ "auto", RELOCATION_AUTO },
	{ "on", RELOCATION_ON },
	{ "off", RELOCATION_OFF },
	{ NULL, 0 },
};

/*
 * Programs that use the address that mmap() returns, also with MAP_FIXED, and no other:
 * docs/architecture.md has the place in the source of each.
 */
#define RELOCATABLE "qemu-system-*:qemu-kvm:cloud-hypervisor"

static const struct choice log_levels[] = {
	{ "off", LOG_OFF },     { "error", LOG_ERROR }, { "info", LOG_INFO },
	{ "debug", LOG_DEBUG }, { NULL, 0 },
};

static const struct choice probes[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ NULL, 0 },
};

/* A variable that is set to nothing is as good as not set. */
static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

static int choose(const char *name, const struct choice *choices)
{
	const char *value = variable(name);
	struct text accepted;

	if (!value)
		return choices[0].value;
	text_start(&accepted);
	text_add(&accepted, "accepted: ");
	for (const struct choice *choice = choices; choice->word; choice++) {
		if (!strcmp(value, choice->word))
			return choice->value;
		text_add(&accepted, choice == choices ? "" : ", ");
		text_add(&accepted, choice->word);
	}
	text_add(&accepted, "; using ");
	text_add(&accepted, choices[0].word);
	report_complaint(name, value, text_string(&accepted));
	return choices[0].value;
}

static uint64_t read_number(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char digits[24] = "";
	ssize_t length;

	if (fd < 0)
		return 0;
	length = read(fd, digits, sizeof(digits) - 1);
	close(fd);
	return length > 0 ? strtoull(digits, NULL, 10) : 0;
}

static bool is_page_size(uint64_t size, uint64_t smaller)
{
	return size > smaller && !(size & (size - 1));
}

/* A table of one page holds page / 8 entries, so each level maps page / 8 times the one below. */
static uint64_t next_level(uint64_t page, uint64_t size)
{
	return size * (page / 8);
}

/* BARs are mapped at the PUD level on x86-64 alone: ARCH_SUPPORTS_PUD_PFNMAP, Linux 6.12. */
static uint64_t pud_size(uint64_t page, uint64_t pmd)
{
#if defined(__x86_64__)
	return next_level(page, pmd);
#else
	(void)page;
	(void)pmd;
	return 0;
#endif
}

static struct align_sizes read_sizes(void)
{
	uint64_t page = getauxval(AT_PAGESZ);
	uint64_t pmd = read_number(PMD_SIZE_FILE);

	if (!is_page_size(pmd, page))
		pmd = next_level(page, page);
	return (struct align_sizes){
		.page = page,
		.huge = { pud_size(page, pmd), pmd },
	};
}

/* "1G" asks for that where the kernel has nothing so large, too. */
static struct align_sizes aim_of(int placement, const struct align_sizes *sizes)
{
	struct align_sizes aim = *sizes;

	if (placement == PLACEMENT_1G && !aim.huge[0] && aim.huge[1] < 1ULL << 30)
		aim.huge[0] = 1ULL << 30;
	return aim;
}

static enum align_mode mode_of(int placement)
{
	if (placement == PLACEMENT_2M)
		return ALIGN_PMD;
	if (placement == PLACEMENT_MISALIGN)
		return ALIGN_OFF_BY_A_PAGE;
	return ALIGN_BEST;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *executable_name(void)
{
	static char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return length > 0 ? base_name(path) : program_invocation_short_name;
}

/* A program goes by its executable's name and by the one it was started as: kvm, qemu-kvm. */
static bool is_named(const char *names)
{
	char name[256];

	while (*names) {
		size_t length = strcspn(names, ":");

		if (length && length < sizeof(name)) {
			memcpy(name, names, length);
			name[length] = '\0';
			if (!fnmatch(name, config.program, 0) ||
			    !fnmatch(name, program_invocation_short_name, 0))
				return true;
		}
		names += length + (names[length] == ':');
	}
	return false;
}

static bool may_relocate(int relocation)
{
	return relocation == RELOCATION_AUTO ? is_named(RELOCATABLE) : relocation == RELOCATION_ON;
}

static const char *idle_reason(int placement, const char *only)
{
	if (placement == PLACEMENT_OFF)
		return "off";
	return only && !is_named(only) ? "only" : NULL;
}

static void answer_probe(void)
{
	static const char answer[] = "libvfioalign " PACKAGE_VERSION "\n";

	_exit(write(STDOUT_FILENO, answer, sizeof(answer) - 1) == sizeof(answer) - 1 ? 0 : 1);
}

void config_read(void)
{
	int placement;

	if (choose("VFIOALIGN_PROBE", probes))
		answer_probe();
	config.program = executable_name();
	placement = choose("VFIOALIGN", placements);
	config.placement = placements[placement].word;
	config.mode = mode_of(placement);
	config.sizes = read_sizes();
	config.aim = aim_of(placement, &config.sizes);
	config.steer = choose("VFIOALIGN_STEER", on_off);
	config.relocate = may_relocate(choose("VFIOALIGN_RELOCATE", relocations));
	config.log = (enum log_level)choose("VFIOALIGN_LOG", log_levels);
	config.log_file = variable("VFIOALIGN_LOG_FILE");
	config.report_file = variable("VFIOALIGN_REPORT");
	config.idle = idle_reason(placement, variable("VFIOALIGN_ONLY"));
	config.act = !config.idle;
	config.observe = placement == PLACEMENT_OFF && config.report_file;
}
