// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../check.h"
#include "../device.h"
#include "../maps.h"
#include "pattern.h"

#define REGION 2

static struct maps before;

static struct vfio_region_info *ask(int fd, struct vfio_region_info *info, size_t room)
{
	info->argsz = (uint32_t)room;
	info->index = REGION;
	CHECK(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info), "%s", strerror(errno));
	return info;
}

static void read_areas(struct pattern *pattern, const struct vfio_region_info *info)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse;
	const struct vfio_info_cap_header *cap;

	for (uint32_t at = info->cap_offset; at; at = cap->next) {
		cap = (const void *)((const char *)info + at);
		if (cap->id != VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			continue;
		sparse = (const void *)cap;
		CHECK(sparse->nr_areas <= PATTERN_AREAS, "%u", sparse->nr_areas);
		for (uint32_t i = 0; i < sparse->nr_areas; i++)
			pattern->areas[pattern->count++] = (struct pattern_area){
				.offset = sparse->areas[i].offset,
				.size = sparse->areas[i].size,
			};
	}
}

static void learn(struct pattern *pattern)
{
	static union {
		struct vfio_region_info info;
		char room[1024];
	} reply;

	ask(pattern->fd, &reply.info, sizeof(reply.info));
	if (reply.info.argsz > sizeof(reply.info)) {
		CHECK(reply.info.argsz <= sizeof(reply), "%u", reply.info.argsz);
		ask(pattern->fd, &reply.info, reply.info.argsz);
	}
	pattern->file_offset = reply.info.offset;
	pattern->size = reply.info.size;
	read_areas(pattern, &reply.info);
	if (!pattern->count)
		pattern->areas[pattern->count++].size = pattern->size;
}

void pattern_open(struct pattern *pattern)
{
	*pattern = (struct pattern){ .fd = device_open() };
	learn(pattern);
	maps_open();
	maps_read(&before);
}

void pattern_inherit(struct pattern *pattern, int fd)
{
	*pattern = (struct pattern){ .fd = fd };
	learn(pattern);
	maps_open();
	maps_read(&before);
}

/* A byte goes in through the mapping and comes out of the file, and the other way round. */
static void check_byte(const struct pattern *pattern, const struct pattern_area *area, uint64_t at)
{
	off_t offset = (off_t)(pattern->file_offset + area->offset + at);
	char byte = 0;

	area->map[at] = (char)(at / page_size() + 1);
	CHECK(pread(pattern->fd, &byte, 1, offset) == 1, "%s", strerror(errno));
	CHECK(byte == area->map[at], "at %#" PRIx64 " of area %#" PRIx64, at, area->offset);
	byte = 'x';
	CHECK(pwrite(pattern->fd, &byte, 1, offset) == 1, "%s", strerror(errno));
	CHECK(byte == area->map[at], "at %#" PRIx64 " of area %#" PRIx64, at, area->offset);
}

static uint64_t reached(const struct pattern_area *area, uint64_t best)
{
	uint64_t distance = device_distance(area->map, (off_t)area->offset);

	for (; best > page_size(); best /= page_size() / 8)
		if (distance % best == 0)
			return best;
	return 0;
}

void pattern_report(const struct pattern *pattern)
{
	for (size_t i = 0; i < pattern->count; i++) {
		const struct pattern_area *area = &pattern->areas[i];
		uint64_t best = device_huge_page((off_t)area->offset, area->size);

		check_byte(pattern, area, 0);
		check_byte(pattern, area, area->size / 2);
		check_byte(pattern, area, area->size - 1);
		printf("%#" PRIx64 " %#" PRIx64 " %" PRIu64 "K %" PRIu64 "K\n", area->offset,
		       area->size, best >> 10, reached(area, best) >> 10);
	}
	fflush(stdout);
}

void pattern_check_nothing_left(void)
{
	maps_check_unchanged(&before);
}
