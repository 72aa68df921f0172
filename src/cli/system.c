// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli.h"
#include "system.h"

/* include/linux/ioport.h */
#define IORESOURCE_MEM 0x200

static const char *root = "";

bool system_parse_bdf(const char *text, struct system_bdf *bdf)
{
	unsigned int domain = 0, bus, slot, function;
	int length = 0;

	if (text[strspn(text, "0123456789abcdefABCDEF:.")])
		return false;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &length) != 4 ||
	    text[length]) {
		domain = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &length) != 3 || text[length])
			return false;
	}
	snprintf(bdf->text, sizeof(bdf->text), "%04x:%02x:%02x.%x", domain, bus, slot, function);
	return true;
}

void system_set_root(const char *directory)
{
	root = directory;
}

bool system_is_here(void)
{
	return !*root;
}

const char *system_path(const char *format, ...)
{
	static char paths[2][PATH_MAX];
	static int turn;
	char *path = paths[turn = !turn];
	size_t length = (size_t)snprintf(path, PATH_MAX, "%s", root);
	va_list arguments;

	if (length >= PATH_MAX)
		length = PATH_MAX - 1;
	va_start(arguments, format);
	vsnprintf(path + length, PATH_MAX - length, format, arguments);
	va_end(arguments);
	return path;
}

bool system_read(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, line, size - 1);
	close(fd);
	if (length < 0)
		return false;
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

bool system_link(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	char *slash;

	if (length <= 0)
		return false;
	target[length] = '\0';
	slash = strrchr(target, '/');
	return (size_t)snprintf(name, size, "%s", slash ? slash + 1 : target) < size;
}

/* Is "6.12.95+deb13-amd64" this version or later? */
static bool at_least(const char *release, unsigned int major, unsigned int minor, unsigned int patch)
{
	unsigned int numbers[3] = { 0, 0, 0 };

	sscanf(release, "%u.%u.%u", &numbers[0], &numbers[1], &numbers[2]);
	if (numbers[0] != major)
		return numbers[0] > major;
	if (numbers[1] != minor)
		return numbers[1] > minor;
	return numbers[2] >= patch;
}

/* "mm/huge_memory: bypass THP tuneables for huge pfnmap mappings", and where it was taken over. */
static bool asks_thp(const char *release)
{
	if (at_least(release, 6, 18, 54) && !at_least(release, 6, 19, 0))
		return false;
	if (at_least(release, 6, 12, 115) && !at_least(release, 6, 13, 0))
		return false;
	return !at_least(release, 7, 3, 0);
}

static enum system_thp read_thp(void)
{
	char line[128];

	if (!system_read(system_path("/sys/kernel/mm/transparent_hugepage/enabled"), line, sizeof(line)))
		return THP_MISSING;
	if (strstr(line, "[always]"))
		return THP_ALWAYS;
	return strstr(line, "[madvise]") ? THP_MADVISE : THP_NEVER;
}

/* A table of one page holds page / 8 entries, so that the PMD size tells the page size. */
static uint64_t page_of_pmd(uint64_t pmd)
{
	uint64_t page = 1;

	while (page * (page / 8) < pmd)
		page *= 2;
	return page;
}

/* No machine has a larger one than arm64 with pages of 64 KiB. What is none counts as missing. */
static uint64_t pmd_size(const char *line)
{
	uint64_t size = strtoull(line, NULL, 10);

	return size > 4096 && size <= 512ULL << 20 && !(size & (size - 1)) ? size : 0;
}

/* As the library does, config.c. */
static void read_sizes(struct align_sizes *sizes)
{
	char line[64];
	struct utsname here;
	uint64_t pmd = 0;

	if (system_read(system_path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"), line,
			sizeof(line)))
		pmd = pmd_size(line);
	sizes->page = pmd ? page_of_pmd(pmd) : (uint64_t)sysconf(_SC_PAGESIZE);
	if (!pmd)
		pmd = sizes->page * (sizes->page / 8);
	if (!system_read(system_path("/proc/sys/kernel/arch"), line, sizeof(line)))
		strcpy(line, uname(&here) || strcmp(here.machine, "x86_64") ? "" : "x86_64");
	sizes->huge[0] = strcmp(line, "x86_64") ? 0 : pmd * (sizes->page / 8);
	sizes->huge[1] = pmd;
}

bool system_kernel_read(struct system_kernel *kernel)
{
	const char *release = kernel->release;

	if (!system_read(system_path("/proc/sys/kernel/osrelease"), kernel->release,
			 sizeof(kernel->release)))
		return false;
	kernel->huge = at_least(release, 6, 12, 0);
	kernel->fast_dma = at_least(release, 6, 15, 0);
	kernel->asks_thp = asks_thp(release);
	kernel->thp = read_thp();
	read_sizes(&kernel->sizes);
	return true;
}

uint64_t system_bar_size(const struct system_bdf *bdf, unsigned int bar)
{
	FILE *file = fopen(system_path("/sys/bus/pci/devices/%s/resource", bdf->text), "re");
	uint64_t start, end, flags, size = 0;

	if (!file)
		return 0;
	for (unsigned int i = 0; i <= bar && i < SYSTEM_BARS; i++) {
		if (fscanf(file, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
			break;
		if (i == bar && flags & IORESOURCE_MEM && end > start)
			size = end - start + 1;
	}
	fclose(file);
	return size;
}

unsigned int system_group_devices(unsigned int group, struct system_bdf *devices, unsigned int most)
{
	DIR *directory = opendir(system_path("/sys/kernel/iommu_groups/%u/devices", group));
	unsigned int found = 0;
	struct dirent *entry;

	if (!directory)
		return 0;
	while (found < most && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof(devices->text))
			strcpy(devices[found++].text, entry->d_name);
	closedir(directory);
	return found;
}

bool system_driver(const struct system_bdf *bdf, char *driver, size_t size)
{
	return system_link(system_path("/sys/bus/pci/devices/%s/driver", bdf->text), driver, size);
}

/* vfio_noiommu_group_alloc(), drivers/vfio/group.c */
bool system_group_node(const char *group, char *node, size_t size)
{
	char name[64] = "";
	bool noiommu = system_read(system_path("/sys/kernel/iommu_groups/%s/name", group), name,
				   sizeof(name)) && !strcmp(name, "vfio-noiommu");

	snprintf(node, size, "%s%s", noiommu ? "noiommu-" : "", group);
	return !noiommu;
}

bool system_is_vfio_driver(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}
