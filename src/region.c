// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "node.h"
#include "region.h"
#include "report.h"
#include "table.h"
#include "text.h"

#define MAX_REGIONS 128
#define MAX_DEVICES 64
#define MAX_AREAS 8
#define MAX_CAPS 16
#define MAX_SLACK (1ULL << 30)
#define LINK_SIZE 256

struct region {
	uint64_t fd;
	uint64_t index;
	uint64_t file_offset;
	uint64_t size;
	uint64_t nr_areas;
	struct vfio_region_sparse_mmap_area areas[MAX_AREAS];
};

struct device {
	uint64_t fd;
	char name[REGION_DEVICE_SIZE];
};

/* What the program has learned, and, with a report on, the names that it opened devices by. */
TABLE(regions, struct region, MAX_REGIONS);
TABLE(devices, struct device, MAX_DEVICES);

bool region_spoken;
bool region_learned;

static void remember(const struct region *region)
{
	struct region old;

	for (unsigned int i = 0; i < table_used(&regions); i++)
		if (table_read(&regions, i, &old) && old.fd == region->fd &&
		    old.index == region->index) {
			table_write(&regions, i, region);
			return;
		}
	table_add(&regions, region);
}

static bool is_page(uint64_t offset)
{
	return !(offset & (config.sizes.page - 1));
}

/* What a program can map of a region is whole pages of it, whatever its driver says. */
static bool is_area(const struct region *region, const struct vfio_region_sparse_mmap_area *area)
{
	return is_page(area->offset) && area->offset <= region->size &&
	       area->size <= region->size - area->offset;
}

static void read_areas(struct region *region, const char *areas, uint32_t count)
{
	struct vfio_region_sparse_mmap_area area;

	for (; count && region->nr_areas < MAX_AREAS; count--, areas += sizeof(area)) {
		memcpy(&area, areas, sizeof(area));
		if (is_area(region, &area))
			region->areas[region->nr_areas++] = area;
	}
}

/*
 * The capability chain is bounded by argsz: where the kernel sets cap_offset, the chain fits
 * the size that the caller gave (vfio_pci_ioctl_get_region_info()).
 */
static void read_sparse_areas(struct region *region, const struct vfio_region_info *info)
{
	const char *start = (const char *)info;
	struct vfio_region_info_cap_sparse_mmap sparse;
	uint32_t at = (info->flags & VFIO_REGION_INFO_FLAG_CAPS) ? info->cap_offset : 0;

	for (int hops = 0; at && hops < MAX_CAPS; hops++, at = sparse.header.next) {
		size_t room;

		memset(&sparse, 0, sizeof(sparse));
		if (at < sizeof(*info) || info->argsz < at ||
		    info->argsz - at < sizeof(sparse.header))
			return;
		room = info->argsz - at;
		memcpy(&sparse, start + at, room < sizeof(sparse) ? room : sizeof(sparse));
		if (sparse.header.id != VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			continue;
		if (room < sizeof(sparse) ||
		    (room - sizeof(sparse)) / sizeof(region->areas[0]) < sparse.nr_areas)
			return;
		read_areas(region, start + at + sizeof(sparse), sparse.nr_areas);
		return;
	}
}

static void learn(int fd, const struct vfio_region_info *info)
{
	struct region region = {
		.fd = (uint64_t)fd,
		.index = info->index,
		.file_offset = info->offset,
		.size = info->size,
	};

	/* mmap() takes no offset inside a page. */
	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP) || !is_page(info->offset) ||
	    !align_huge_page(&config.sizes, 0, info->size))
		return;
	read_sparse_areas(&region, info);
	remember(&region);
	__atomic_store_n(&region_learned, true, __ATOMIC_RELEASE);
	report_region(fd, info->index, info->size, (unsigned int)region.nr_areas);
}

static void learn_name(int fd, const char *name)
{
	struct device device = { .fd = (uint64_t)fd }, old;
	size_t length = strcspn(name, " "); /* what may follow is a secret: "BDF vf_token=UUID" */

	if (length < sizeof(device.name))
		memcpy(device.name, name, length);
	for (unsigned int i = 0; i < table_used(&devices); i++)
		if (table_read(&devices, i, &old) && old.fd == device.fd) {
			table_write(&devices, i, &device);
			return;
		}
	table_add(&devices, &device);
}

void region_watch(int fd, unsigned long request, const void *arg, int ret)
{
	__atomic_store_n(&region_spoken, true, __ATOMIC_RELAXED);
	if (request == VFIO_GROUP_GET_DEVICE_FD && report_on)
		learn_name(ret, arg);
	if (request == VFIO_DEVICE_GET_REGION_INFO && config.act)
		learn(fd, arg);
}

static bool recall(struct region *region, int fd, uint64_t file_offset)
{
	for (unsigned int i = 0; i < table_used(&regions); i++)
		if (table_read(&regions, i, region) && region->fd == (uint64_t)fd &&
		    file_offset >= region->file_offset &&
		    file_offset - region->file_offset < region->size)
			return true;
	return false;
}

enum fd_kind {
	FD_VFIO,
	FD_OTHER,
	FD_UNKNOWN,
};

static enum fd_kind link_kind(struct text *path, char target[LINK_SIZE])
{
	ssize_t length = readlink(text_string(path), target, LINK_SIZE - 1);

	if (length < 0)
		return FD_UNKNOWN;
	target[length] = '\0';
	return !strcmp(target, "anon_inode:[vfio-device]") || node_name(target) ? FD_VFIO : FD_OTHER;
}

static enum fd_kind fd_kind(int fd, char target[LINK_SIZE])
{
	struct text path;
	enum fd_kind kind;
	int err = errno;

	text_start(&path);
	text_add(&path, "/proc/self/fd/");
	text_add_decimal(&path, (uint64_t)fd);
	kind = link_kind(&path, target);
	errno = err;
	return kind;
}

void region_device(int fd, char name[REGION_DEVICE_SIZE])
{
	char target[LINK_SIZE];
	struct device device;
	enum fd_kind kind = fd_kind(fd, target);

	name[0] = '\0';
	if (kind == FD_VFIO && node_name(target)) {
		strncat(name, node_name(target), REGION_DEVICE_SIZE - 1);
		return;
	}
	for (unsigned int i = 0; kind != FD_OTHER && i < table_used(&devices); i++)
		if (table_read(&devices, i, &device) && device.fd == (uint64_t)fd)
			memcpy(name, device.name, sizeof(device.name));
}

/* A directory is no link: EINVAL. */
static bool has_map_files(void)
{
	char target[1];

	return readlink("/proc/self/map_files", target, sizeof(target)) < 0 && errno == EINVAL;
}

bool region_is_mapped(uint64_t start, uint64_t end)
{
	char target[LINK_SIZE];
	struct text path;
	enum fd_kind kind;
	int err = errno;
	bool mapped;

	text_start(&path);
	text_add(&path, "/proc/self/map_files/");
	text_add_digits(&path, start);
	text_add(&path, "-");
	text_add_digits(&path, end);
	kind = link_kind(&path, target);
	mapped = kind == FD_VFIO || (kind == FD_UNKNOWN && !has_map_files());
	errno = err;
	return mapped;
}

bool region_resolve(struct region_range *range, int fd, off_t file_offset, size_t length)
{
	char target[LINK_SIZE];
	struct region region;
	enum fd_kind kind;
	bool known;

	if (fd < 0 || file_offset < 0)
		return false;
	kind = fd_kind(fd, target);
	known = recall(&region, fd, (uint64_t)file_offset);
	if (kind == FD_OTHER || (kind == FD_UNKNOWN && !known))
		return false;
	if (!known) {
		region.index = (uint64_t)file_offset >> REGION_OFFSET_SHIFT;
		region.file_offset = region.index << REGION_OFFSET_SHIFT;
	}
	range->index = (uint32_t)region.index;
	range->offset = (uint64_t)file_offset - region.file_offset;
	range->length = align_pages(&config.sizes, length);
	return true;
}

static void try_fit(struct region_fit *best, const struct region *region, uint64_t offset,
		    uint64_t size, uint64_t length)
{
	uint64_t pages = align_pages(&config.sizes, size);
	uint64_t slack = length - pages;

	if (pages > length || slack > best->slack || slack & (slack - 1) ||
	    !align_huge_page(&config.sizes, offset, pages))
		return;
	best->fd = (int)region->fd;
	best->range.index = (uint32_t)region->index;
	best->range.offset = offset;
	best->range.length = pages;
	best->slack = slack;
}

bool region_fit_reservation(struct region_fit *fit, uint64_t length)
{
	struct region region;

	*fit = (struct region_fit){ .fd = -1, .slack = MAX_SLACK };
	for (unsigned int i = 0; i < table_used(&regions); i++) {
		if (!table_read(&regions, i, &region))
			continue;
		for (uint64_t area = 0; area < region.nr_areas; area++)
			try_fit(fit, &region, region.areas[area].offset, region.areas[area].size,
				length);
		try_fit(fit, &region, 0, region.size, length);
	}
	return fit->fd >= 0;
}
