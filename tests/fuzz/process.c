// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the command reads of processes and devices, over a /proc and a /sys that say anything: maps,
 * smaps, fdinfo, status, links, the lists of directories, and the BARs of devices.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/types.h>

#include "../../src/cli/pages.h"
#include "../../src/cli/process.h"
#include "fuzz.h"

#define MOST_ENTRIES 80
#define MOST_TEXT 4096
#define GIB (1ULL << 30)

static struct fuzz_input input;
static char text[MOST_TEXT];

/* Open directories; a group's is read while a process's is. */
static struct directory {
	bool open;
	int left;
	struct dirent entry;
} directories[2];

/* process.c and system.c are compiled to call these. */
FILE *fuzz_fopen(const char *path, const char *mode);
int fuzz_open(const char *path, int flags, ...);
ssize_t fuzz_read(int fd, void *to, size_t size);
int fuzz_close(int fd);
ssize_t fuzz_readlink(const char *path, char *target, size_t size);
int fuzz_access(const char *path, int mode);
DIR *fuzz_opendir(const char *path);
struct dirent *fuzz_readdir(DIR *directory);
int fuzz_closedir(DIR *directory);

/* Lines that are right in most of their parts let the rest of them be read. */
static size_t add_likely(char *to, size_t size)
{
	static const char *const files[] = {
		"anon_inode:[vfio-device]", "/dev/vfio/devices/vfio7", "/dev/vfio/devices/vfio",
		"/vfio/devices/vfio7 (deleted)",
	};
	uint8_t what = fuzz_byte(&input);
	uint64_t start = fuzz_number(&input), end = fuzz_number(&input);
	int length;

	if (what & 1)
		length = snprintf(to, size, "%llx-%llx rw-s %llx 00:0f 1035       %s\n",
				  (unsigned long long)start,
				  (unsigned long long)(what & 2 ? end : start + end),
				  (unsigned long long)fuzz_number(&input), files[what >> 2 & 3]);
	else if (what & 2)
		length = snprintf(to, size, "VmFlags: rd wr sh%s\n", what & 4 ? " hg" : "");
	else if (what & 4)
		length = snprintf(to, size, "vfio-device-syspath: /sys/devices/pci0000:00/%04x:%02x:00.0\n",
				  what, what);
	else
		length = snprintf(to, size, "0x%llx 0x%llx 0x14220c\n", (unsigned long long)start,
				  (unsigned long long)end);
	return (size_t)length < size ? (size_t)length : size;
}

static size_t make_text(void)
{
	size_t length = 0;

	for (uint8_t pieces = fuzz_byte(&input) % 8; pieces; pieces--) {
		char piece[MOST_TEXT];

		if (fuzz_byte(&input) & 1) {
			length += add_likely(text + length, sizeof(text) - length);
			continue;
		}
		fuzz_string(&input, piece, sizeof(text) - length);
		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
	}
	return length;
}

FILE *fuzz_fopen(const char *path, const char *mode)
{
	size_t length = make_text();

	FUZZ_CHECK(*path == '/' && !strcmp(mode, "re"), "%s, %s", path, mode);
	if (length)
		return fmemopen(text, length, "r");
	errno = ENOENT;
	return NULL;
}

int fuzz_open(const char *path, int flags, ...)
{
	(void)path, (void)flags;
	errno = EACCES;
	return fuzz_byte(&input) & 1 ? -1 : 1000;
}

ssize_t fuzz_read(int fd, void *to, size_t size)
{
	size_t length = make_text();

	FUZZ_CHECK(fd == 1000, "fd %d", fd);
	length = length < size ? length : size;
	memcpy(to, text, length);
	return (ssize_t)length;
}

int fuzz_close(int fd)
{
	FUZZ_CHECK(fd == 1000, "fd %d", fd);
	return 0;
}

ssize_t fuzz_readlink(const char *path, char *target, size_t size)
{
	static const char *const likely[] = {
		"anon_inode:[vfio-device]", "/dev/vfio/7", "/dev/vfio/noiommu-7",
		"../../../bus/pci/drivers/vfio-pci", "../../../0000:01:00.0", "/usr/bin/qemu (deleted)",
	};
	uint8_t kind = fuzz_byte(&input);
	char any[MOST_TEXT];
	size_t length;

	FUZZ_CHECK(*path == '/', "%s", path);
	if (kind < 16) {
		errno = ENOENT;
		return -1;
	}
	if (kind < 160)
		strcpy(any, likely[kind % (sizeof(likely) / sizeof(likely[0]))]);
	else
		fuzz_string(&input, any, sizeof(any));
	length = strlen(any) < size ? strlen(any) : size;
	memcpy(target, any, length);
	return (ssize_t)length;
}

int fuzz_access(const char *path, int mode)
{
	(void)path, (void)mode;
	return fuzz_byte(&input) & 1 ? -1 : 0;
}

DIR *fuzz_opendir(const char *path)
{
	struct directory *directory = &directories[directories[0].open];

	FUZZ_CHECK(*path == '/' && !directory->open, "%s", path);
	directory->left = fuzz_byte(&input) % MOST_ENTRIES;
	directory->open = directory->left != 0;
	return directory->open ? (DIR *)(void *)directory : NULL;
}

struct dirent *fuzz_readdir(DIR *stream)
{
	struct directory *directory = (struct directory *)(void *)stream;
	struct dirent *entry = &directory->entry;
	uint8_t kind = fuzz_byte(&input);

	FUZZ_CHECK(directory->open, "it is closed");
	if (!directory->left--)
		return NULL;
	if (kind < 96)
		snprintf(entry->d_name, sizeof(entry->d_name), "%d", kind);
	else if (kind < 192)
		snprintf(entry->d_name, sizeof(entry->d_name), "0000:%02x:00.0", kind);
	else
		fuzz_string(&input, entry->d_name, sizeof(entry->d_name));
	return entry;
}

int fuzz_closedir(DIR *stream)
{
	struct directory *directory = (struct directory *)(void *)stream;

	FUZZ_CHECK(directory->open, "it is closed");
	directory->open = false;
	return 0;
}

static void check_faults(const struct process_mapping *mapping)
{
	const struct align_sizes sizes = { .page = 4096, .huge = { GIB, 2ULL << 20 } };
	uint64_t most = mapping->length / sizes.page + 2;

	for (int level = 0; level < ALIGN_LEVELS; level++) {
		uint64_t faults = pages_faults(&sizes, sizes.huge[level], mapping->offset,
					       mapping->length);

		FUZZ_CHECK(faults <= most, "%llu of %llu", (unsigned long long)faults,
			   (unsigned long long)most);
	}
}

static void check_mapping(const struct process_mapping *mapping)
{
	FUZZ_CHECK(mapping->length && mapping->address + mapping->length > mapping->address,
		   "%#llx + %#llx", (unsigned long long)mapping->address,
		   (unsigned long long)mapping->length);
	FUZZ_CHECK(mapping->offset < 1ULL << 40, "%#llx", (unsigned long long)mapping->offset);
	FUZZ_CHECK(mapping->device_count <= PROCESS_DEVICES, "%u devices", mapping->device_count);
	for (unsigned int i = 0; i < mapping->device_count; i++)
		FUZZ_CHECK(memchr(mapping->devices[i].text, 0, sizeof(mapping->devices[i].text)),
			   "device %u", i);
	check_faults(mapping);
}

/* Lines by themselves, exactly as long as they are. */
static void read_lines(void)
{
	char any[MOST_TEXT], *line;
	struct process_mapping mapping = { .device_count = 0 };
	struct system_bdf bdf, again;
	const char *path;

	fuzz_string(&input, any, sizeof(any));
	line = fuzz_all((const uint8_t *)any, strlen(any));
	if (process_parse_fdinfo(line, &bdf) || system_parse_bdf(line, &bdf)) {
		FUZZ_CHECK(system_parse_bdf(bdf.text, &again) && !strcmp(bdf.text, again.text),
			   "%s becomes %s", bdf.text, again.text);
		FUZZ_CHECK(strlen(bdf.text) >= 12, "%s", bdf.text);
	}
	if (process_parse_mapping(line, &mapping, &path)) {
		FUZZ_CHECK(path > line && path <= line + strlen(any), "path");
		check_mapping(&mapping);
	}
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process process = { .pid = 1000 };
	struct system_kernel kernel;
	int err;

	input = (struct fuzz_input){ data, size };
	read_lines();
	err = process_read(&process, fuzz_byte(&input) & 1);
	if (err != ESRCH)
		FUZZ_CHECK(memchr(process.name, 0, sizeof(process.name)), "name");
	for (const struct process_mapping *mapping = process.mappings; mapping; mapping = mapping->next)
		check_mapping(mapping);
	process_free(&process);
	if (system_kernel_read(&kernel))
		FUZZ_CHECK(kernel.sizes.page && kernel.thp <= THP_ALWAYS, "thp %d", (int)kernel.thp);
	return 0;
}
