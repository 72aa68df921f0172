/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What DMA-mapping a BAR takes: measured for the report, around the program's own ioctl. */
#ifndef VFIOALIGN_DMA_H
#define VFIOALIGN_DMA_H

#include <linux/vfio.h>
#include <stdint.h>

#include "region.h"

/**
 * dma_remember - take note of a mapping of a VFIO device, so that DMA maps of it are known
 * @address: what mmap(2) returned, MAP_FAILED included
 * @fd: the device
 * @range: the range of the region that it maps
 *
 * What it overlaps is forgotten: the kernel has replaced it. errno is unchanged.
 */
void dma_remember(const void *address, int fd, const struct region_range *range);

/**
 * dma_map - make a program's VFIO_IOMMU_MAP_DMA, and report it if it is of a VFIO mapping
 * @fd: the container
 * @map: the ioctl's argument
 *
 * Return: as ioctl(2), errno included.
 */
int dma_map(int fd, struct vfio_iommu_type1_dma_map *map);

#endif
