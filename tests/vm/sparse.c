// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Holes in a real BAR: a preload for tests that stands behind libvfioalign.so and adds sparse
 * areas to the kernel's replies to VFIO_DEVICE_GET_REGION_INFO, for regions of which they are
 * true to the last byte:
 *
 *   SPARSE_REGION_SIZE  the size of the region, in bytes
 *   SPARSE_AREAS        offset and size of its areas: "0+0x100000 0x101000+0xffeff000"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_AREAS 16

static int (*next_ioctl)(int fd, unsigned long request, ...);
static uint64_t region_size;
/* struct vfio_region_info_cap_sparse_mmap, with room for its areas */
static struct {
	struct vfio_info_cap_header header;
	uint32_t nr_areas;
	uint32_t reserved;
	struct vfio_region_sparse_mmap_area areas[MAX_AREAS];
} sparse = { .header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1 } };

static void __attribute__((noreturn)) bad_setting(const char *name, const char *value)
{
	fprintf(stderr, "sparse: cannot use %s=%s\n", name, value);
	_exit(99);
}

static void read_areas(const char *setting)
{
	const char *text = setting;
	char *end;

	while (*text) {
		struct vfio_region_sparse_mmap_area *area = &sparse.areas[sparse.nr_areas];

		if (sparse.nr_areas++ == MAX_AREAS)
			bad_setting("SPARSE_AREAS", setting);
		area->offset = strtoull(text, &end, 0);
		if (*end != '+')
			bad_setting("SPARSE_AREAS", setting);
		area->size = strtoull(end + 1, &end, 0);
		if (!area->size || (*end && *end != ' '))
			bad_setting("SPARSE_AREAS", setting);
		text = end + (*end == ' ');
	}
}

__attribute__((constructor)) static void start(void)
{
	const char *size = getenv("SPARSE_REGION_SIZE");
	const char *areas = getenv("SPARSE_AREAS");

	next_ioctl = (__typeof__(next_ioctl))dlsym(RTLD_NEXT, "ioctl");
	if (size && areas) {
		region_size = strtoull(size, NULL, 0);
		if (!region_size)
			bad_setting("SPARSE_REGION_SIZE", size);
		read_areas(areas);
	}
}

/* As vfio_pci_ioctl_get_region_info(): what does not fit is left out and its size told. */
static void add_areas(struct vfio_region_info *info, uint32_t room)
{
	size_t size = offsetof(__typeof__(sparse), areas) +
		      sparse.nr_areas * sizeof(sparse.areas[0]);

	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (room < sizeof(*info) + size) {
		info->argsz = (uint32_t)(sizeof(*info) + size);
		return;
	}
	memcpy(info + 1, &sparse, size);
	info->cap_offset = sizeof(*info);
}

int ioctl(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
	struct vfio_region_info *info;
	uint32_t room;
	va_list ap;
	int ret;

	va_start(ap, request);
	info = va_arg(ap, void *);
	va_end(ap);
	if (request != VFIO_DEVICE_GET_REGION_INFO)
		return next_ioctl(fd, request, info);
	room = info->argsz;
	ret = next_ioctl(fd, request, info);
	if (!ret && region_size && info->size == region_size)
		add_areas(info, room);
	return ret;
}
