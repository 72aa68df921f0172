/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VFIO device of the group interface with type1 DMA mapping, for measuring. */
#ifndef VFIOALIGN_CLI_VFIO_H
#define VFIOALIGN_CLI_VFIO_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct vfio - an open device
 * @container: of type1
 * @group: the device's group, in @container
 * @device: the device
 */
struct vfio {
	int container;
	int group;
	int device;
};

/**
 * vfio_open - open a device
 * @vfio: set
 * @bdf: the PCI device, bound to vfio-pci
 *
 * What fails ends the process with a message.
 */
void vfio_open(struct vfio *vfio, const char *bdf);

/**
 * vfio_region - ask about a region
 * @vfio: the device
 * @index: of the region; the number of a BAR
 * @size: set to its size in bytes
 *
 * Return: its file offset; the process ends with a message if it cannot be mapped.
 */
uint64_t vfio_region(const struct vfio *vfio, unsigned int index, uint64_t *size);

/**
 * vfio_iova - where in the device's address space there is room for a range
 * @vfio: the device
 * @size: of the range in bytes
 * @offset: what the address is to be congruent to
 * @modulus: modulo this, in bytes, a power of two
 *
 * Return: the address; the process ends with a message if there is no room.
 */
uint64_t vfio_iova(const struct vfio *vfio, uint64_t size, uint64_t offset, uint64_t modulus);

/** vfio_dma_map - VFIO_IOMMU_MAP_DMA, for reading and writing; what fails ends the process */
void vfio_dma_map(const struct vfio *vfio, void *address, uint64_t iova, uint64_t size);

/** vfio_dma_unmap - VFIO_IOMMU_UNMAP_DMA of such a range; what fails ends the process */
void vfio_dma_unmap(const struct vfio *vfio, uint64_t iova, uint64_t size);

#endif
