// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "system.h"
#include "vfio.h"

/* Where no ranges are told: above the MSI windows, and below 2^39, the least that is translated. */
#define SAFE_START (4ULL << 30)
#define SAFE_END ((1ULL << 39) - 1)

static __attribute__((noreturn)) void failed(const char *what)
{
	cli_fatal(EXIT_ERROR, "%s: %s", what, strerror(errno));
}

/* A kernel may be built to have iommufd alone, or to have it be the container. */
#define NEEDS_TYPE1 "DMA mapping of BARs takes a kernel with type1 (CONFIG_VFIO_CONTAINER), " \
	"since iommufd refuses them"

/* It is told by what it cannot do: iommufd_vfio_check_extension(), drivers/iommu/iommufd/vfio_compat.c. */
static bool is_iommufd(int container)
{
	return !ioctl(container, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR);
}

void vfio_open(struct vfio *vfio, const char *bdf)
{
	char group[32], path[64];

	if (!system_link(system_path("/sys/bus/pci/devices/%s/iommu_group", bdf), group, sizeof(group)))
		cli_fatal(EXIT_ERROR, "%s has no IOMMU group", bdf);
	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	vfio->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (vfio->container < 0 && errno == ENOENT && !access("/dev/iommu", F_OK))
		cli_fatal(EXIT_ERROR, "there is no /dev/vfio/vfio here: " NEEDS_TYPE1);
	if (vfio->container < 0)
		failed("/dev/vfio/vfio");
	vfio->group = open(path, O_RDWR | O_CLOEXEC);
	if (vfio->group < 0)
		failed(path);
	if (ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container))
		failed("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		failed("VFIO_SET_IOMMU (type1)");
	vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (vfio->device < 0)
		failed("VFIO_GROUP_GET_DEVICE_FD");
}

uint64_t vfio_region(const struct vfio *vfio, unsigned int index, uint64_t *size)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		failed("VFIO_DEVICE_GET_REGION_INFO");
	if (!info.size || !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		cli_fatal(EXIT_ERROR, "BAR %u cannot be mapped", index);
	*size = info.size;
	return info.offset;
}

/* Calls the ioctl again with as much room as it asks for. */
static struct vfio_iommu_type1_info *read_info(const struct vfio *vfio)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	struct vfio_iommu_type1_info *info;

	if (ioctl(vfio->container, VFIO_IOMMU_GET_INFO, &head))
		failed("VFIO_IOMMU_GET_INFO");
	info = calloc(1, head.argsz);
	if (!info)
		cli_fatal(EXIT_ERROR, "no memory");
	info->argsz = head.argsz;
	if (ioctl(vfio->container, VFIO_IOMMU_GET_INFO, info))
		failed("VFIO_IOMMU_GET_INFO");
	return info;
}

static const struct vfio_iommu_type1_info_cap_iova_range *
iova_ranges(const struct vfio_iommu_type1_info *info)
{
	uint32_t at = (info->flags & VFIO_IOMMU_INFO_CAPS) ? info->cap_offset : 0;

	while (at && at + sizeof(struct vfio_info_cap_header) <= info->argsz) {
		const struct vfio_info_cap_header *header =
			(const void *)((const char *)info + at);

		if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			return (const void *)header;
		at = header->next > at ? header->next : 0;
	}
	return NULL;
}

static bool fit(uint64_t *iova, uint64_t start, uint64_t end, uint64_t size, uint64_t offset,
		uint64_t modulus)
{
	*iova = start + ((offset - start) & (modulus - 1));
	return *iova >= start && *iova <= end && size - 1 <= end - *iova;
}

uint64_t vfio_iova(const struct vfio *vfio, uint64_t size, uint64_t offset, uint64_t modulus)
{
	struct vfio_iommu_type1_info *info = read_info(vfio);
	const struct vfio_iommu_type1_info_cap_iova_range *ranges = iova_ranges(info);
	bool found = false;
	uint64_t iova = 0;

	if (!ranges)
		found = fit(&iova, SAFE_START, SAFE_END, size, offset, modulus);
	for (uint32_t i = 0; ranges && !found && i < ranges->nr_iovas; i++)
		found = fit(&iova, ranges->iova_ranges[i].start, ranges->iova_ranges[i].end, size, offset,
			    modulus);
	free(info);
	if (!found)
		cli_fatal(EXIT_ERROR, "the IOMMU's address space has no room for %llu bytes",
			  (unsigned long long)size);
	return iova;
}

void vfio_dma_map(const struct vfio *vfio, void *address, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)address,
		.iova = iova,
		.size = size,
	};

	if (!ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map))
		return;
	if (errno == EFAULT && is_iommufd(vfio->container))
		cli_fatal(EXIT_ERROR, "the container /dev/vfio/vfio is iommufd's here: " NEEDS_TYPE1);
	failed("VFIO_IOMMU_MAP_DMA");
}

void vfio_dma_unmap(const struct vfio *vfio, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	if (ioctl(vfio->container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		failed("VFIO_IOMMU_UNMAP_DMA");
}
