// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../node.h"
#include "../region.h"
#include "cli.h"
#include "process.h"

#define GROUP_FD "anon_inode:[vfio-device]"
#define SYSPATH_KEY "vfio-device-syspath:"

/** struct device_set - PCI devices that a process has open */
struct device_set {
	struct system_bdf devices[PROCESS_DEVICES];
	unsigned int count;
};

static bool is_number(const char *string)
{
	return *string && strspn(string, "0123456789") == strlen(string);
}

bool process_name(struct process *process)
{
	char path[PATH_MAX];
	ssize_t length = readlink(system_path("/proc/%d/exe", process->pid), path, sizeof(path) - 1);

	if (length < 0 && errno == ENOENT && !access(system_path("/proc/%d", process->pid), F_OK))
		return false;
	if (length > 0) {
		const char *slash;

		path[length] = '\0';
		if (length > 10 && !strcmp(path + length - 10, " (deleted)"))
			path[length - 10] = '\0';
		slash = strrchr(path, '/');
		snprintf(process->name, sizeof(process->name), "%.255s", slash ? slash + 1 : path);
		return true;
	}
	return system_read(system_path("/proc/%d/comm", process->pid), process->name,
			   sizeof(process->name));
}

bool process_parse_mapping(char *line, struct process_mapping *mapping, const char **path)
{
	uint64_t start, end, file_offset;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64 " %*x:%*x %*u %n", &start, &end,
		   &file_offset, &at) != 3 || !at || end <= start)
		return false;
	*path = line + at;
	if (strcmp(*path, GROUP_FD) && !node_name(*path))
		return false;
	mapping->address = start;
	mapping->length = end - start;
	mapping->region = (unsigned int)(file_offset >> REGION_OFFSET_SHIFT);
	mapping->offset = file_offset & ((1ULL << REGION_OFFSET_SHIFT) - 1);
	return true;
}

bool process_parse_fdinfo(const char *line, struct system_bdf *bdf)
{
	const char *slash;

	if (strncmp(line, SYSPATH_KEY, strlen(SYSPATH_KEY)))
		return false;
	slash = strrchr(line, '/');
	return slash && system_parse_bdf(slash + 1, bdf);
}

static void add_device(struct device_set *set, const struct system_bdf *bdf)
{
	for (unsigned int i = 0; i < set->count; i++)
		if (!strcmp(set->devices[i].text, bdf->text))
			return;
	if (set->count < PROCESS_DEVICES)
		set->devices[set->count++] = *bdf;
}

static bool add_device_of_fdinfo(struct device_set *set, pid_t pid, const char *fd)
{
	FILE *file = fopen(system_path("/proc/%d/fdinfo/%s", pid, fd), "re");
	struct system_bdf bdf;
	char line[PATH_MAX + 64];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = process_parse_fdinfo(line, &bdf);
	}
	if (file)
		fclose(file);
	if (found)
		add_device(set, &bdf);
	return found;
}

static void add_devices_of_group(struct device_set *set, unsigned int group)
{
	struct system_bdf devices[PROCESS_DEVICES];
	unsigned int count = system_group_devices(group, devices, PROCESS_DEVICES);
	char driver[256];

	for (unsigned int i = 0; i < count; i++)
		if (system_driver(&devices[i], driver, sizeof(driver)) && system_is_vfio_driver(driver))
			add_device(set, &devices[i]);
}

/* "/dev/vfio/7", and "/dev/vfio/noiommu-7" where VFIO runs without an IOMMU */
static const char *group_number(const char *path)
{
	const char *name = strrchr(path, '/');

	if (!name || name - path < 5 || strncmp(name - 5, "/vfio", 5))
		return NULL;
	name++;
	if (!strncmp(name, "noiommu-", 8))
		name += 8;
	return is_number(name) ? name : NULL;
}

/* From its fds: of the devices themselves, if the kernel tells (6.18), or of their groups. */
static void find_devices(struct device_set *set, pid_t pid)
{
	DIR *directory = opendir(system_path("/proc/%d/fd", pid));
	struct device_set of_groups = { .count = 0 };
	bool told = true;
	struct dirent *entry;

	set->count = 0;
	while (directory && (entry = readdir(directory))) {
		char target[PATH_MAX];
		ssize_t length;
		const char *group;

		if (!is_number(entry->d_name))
			continue;
		length = readlink(system_path("/proc/%d/fd/%s", pid, entry->d_name), target,
				  sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		group = group_number(target);
		if (!strcmp(target, GROUP_FD))
			told &= add_device_of_fdinfo(set, pid, entry->d_name);
		else if (group)
			add_devices_of_group(&of_groups, (unsigned int)strtoul(group, NULL, 10));
	}
	if (directory)
		closedir(directory);
	if (!told || !set->count)
		for (unsigned int i = 0; i < of_groups.count; i++)
			add_device(set, &of_groups.devices[i]);
}

static void find_device_of_node(struct process_mapping *mapping, const char *node)
{
	char name[64];

	if (system_link(system_path("/sys/class/vfio-dev/%s/device", node), name, sizeof(name)) &&
	    system_parse_bdf(name, &mapping->devices[0]))
		mapping->device_count = 1;
}

/* All mappings of the group interface look the same: what is left are the BARs that are so large. */
static void choose_devices(struct process_mapping *mapping, const struct device_set *set)
{
	for (unsigned int i = 0; i < set->count; i++) {
		uint64_t size = system_bar_size(&set->devices[i], mapping->region);

		if (mapping->length <= size && mapping->offset <= size - mapping->length)
			mapping->devices[mapping->device_count++] = set->devices[i];
	}
}

static struct process_mapping *new_mapping(void)
{
	struct process_mapping *mapping = calloc(1, sizeof(*mapping));

	if (!mapping)
		cli_fatal(EXIT_ERROR, "no memory");
	return mapping;
}

static int read_mappings(struct process *process, const struct device_set *set, FILE *file)
{
	struct process_mapping parsed = { 0 };
	struct process_mapping **end = &process->mappings;
	char *line = NULL;
	size_t size = 0;
	const char *path;

	while (getline(&line, &size, file) > 0) {
		struct process_mapping *mapping;

		if (!process_parse_mapping(line, &parsed, &path))
			continue;
		mapping = new_mapping();
		*mapping = parsed;
		if (node_name(path))
			find_device_of_node(mapping, node_name(path));
		else
			choose_devices(mapping, set);
		*end = mapping;
		end = &mapping->next;
	}
	free(line);
	/* Of a process that has gone, reading fails in the middle. */
	return ferror(file) ? errno : 0;
}

/* "VmFlags: rd wr sh mr mw me ms pf io de dd nh hg": hg is VM_HUGEPAGE, fs/proc/task_mmu.c. */
static void read_advice(struct process *process)
{
	FILE *file = fopen(system_path("/proc/%d/smaps", process->pid), "re");
	struct process_mapping *mapping = process->mappings;
	struct process_mapping parsed;
	bool inside = false;
	char *line = NULL;
	size_t size = 0;
	const char *path;

	while (file && mapping && getline(&line, &size, file) > 0) {
		if (process_parse_mapping(line, &parsed, &path)) {
			while (mapping && mapping->address < parsed.address)
				mapping = mapping->next;
			inside = mapping && mapping->address == parsed.address;
		} else if (inside && !strncmp(line, "VmFlags:", 8)) {
			mapping->advised = strstr(line, " hg") != NULL;
			mapping = mapping->next;
			inside = false;
		}
	}
	free(line);
	if (file)
		fclose(file);
}

uint64_t process_pte_kb(pid_t pid)
{
	FILE *file = fopen(system_path("/proc/%d/status", pid), "re");
	char line[256];
	uint64_t kb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmPTE: %" SCNu64, &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

int process_read(struct process *process, bool advice)
{
	struct device_set set;
	FILE *file;
	int err;

	process->mappings = NULL;
	if (!process_name(process))
		return ESRCH;
	file = fopen(system_path("/proc/%d/maps", process->pid), "re");
	if (!file)
		return errno == ENOENT ? ESRCH : errno;
	find_devices(&set, process->pid);
	errno = 0;
	err = read_mappings(process, &set, file);
	fclose(file);
	if (process->mappings && advice)
		read_advice(process);
	process->pte_kb = process_pte_kb(process->pid);
	return err;
}

void process_free(struct process *process)
{
	while (process->mappings) {
		struct process_mapping *next = process->mappings->next;

		free(process->mappings);
		process->mappings = next;
	}
}
