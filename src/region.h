/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known about VFIO: is this fd a device, what did it answer about its regions. */
#ifndef VFIOALIGN_REGION_H
#define VFIOALIGN_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct region_range - a range of one region of a VFIO device
 * @index: index of the region; of a PCI device, the number of the BAR
 * @offset: start of the range in the region, in bytes
 * @length: bytes, whole pages
 */
struct region_range {
	uint32_t index;
	uint64_t offset;
	uint64_t length;
};

/**
 * struct region_fit - a range that a reservation of address space may be meant for
 * @fd: the device
 * @range: the range
 * @slack: what the reservation is longer, in bytes: 0, or a power of two to which the program
 *         will round the address up
 */
struct region_fit {
	int fd;
	struct region_range range;
	uint64_t slack;
};

/** region_spoken - this process has had an answer to a VFIO ioctl; read with region_in_sight() */
extern bool region_spoken;

/** region_learned - the program has asked about a region that can hold a huge page */
extern bool region_learned;

/*
 * Today's drivers put a region at index << 40: VFIO_PCI_OFFSET_SHIFT in
 * include/linux/vfio_pci_core.h, and the same in the platform, fsl-mc and mdev drivers.
 */
#define REGION_OFFSET_SHIFT 40

/**
 * region_in_sight - may a shared mapping at this file offset be of a VFIO device at all?
 * @file_offset: as given to mmap(2), in bytes
 *
 * Settles nearly every call without a system call. A process that has not spoken VFIO can
 * still have been sent a device; then only the offsets that no ordinary file has are taken.
 */
static inline bool region_in_sight(off_t file_offset)
{
	return __atomic_load_n(&region_spoken, __ATOMIC_RELAXED) ||
	       file_offset >= (off_t)1 << REGION_OFFSET_SHIFT;
}

/** region_may_be_reserved_for - may a reservation be for a VFIO device at all? */
static inline bool region_may_be_reserved_for(void)
{
	return __atomic_load_n(&region_learned, __ATOMIC_RELAXED);
}

/**
 * region_watch - take note of a VFIO ioctl that succeeded
 * @fd: the file descriptor it was made on
 * @request: its number
 * @arg: its argument, after the call
 * @ret: what it returned
 *
 * Remembers the regions that VFIO_DEVICE_GET_REGION_INFO describes and that can hold a huge
 * page, with their sparse areas, and with a report on the names that VFIO_GROUP_GET_DEVICE_FD
 * was asked for. Makes no system call, unless debug lines are wanted.
 */
void region_watch(int fd, unsigned long request, const void *arg, int ret);

/* A BDF has 12 bytes; a mediated device's UUID, 36. */
#define REGION_DEVICE_SIZE 64

/**
 * region_device - the name of a device
 * @fd: the device
 * @name: set to the name that the program asked the group for, of PCI the BDF; to that of the
 *        node, "vfio7"; or to "" if it is not known
 *
 * errno is unchanged.
 */
void region_device(int fd, char name[REGION_DEVICE_SIZE]);

/**
 * region_is_mapped - is a mapping of a VFIO device still there?
 * @start: its first address
 * @end: the address behind it
 *
 * The kernel never merges such mappings (VM_PFNMAP, Linux mm/vma.c), so that one that is there
 * has the bounds that mmap(2) gave it, unless part of it was unmapped or replaced.
 *
 * Return: true also if /proc is not there to tell. errno is unchanged.
 */
bool region_is_mapped(uint64_t start, uint64_t end);

/**
 * region_resolve - which range of which region is this part of a file?
 * @range: set on success
 * @fd: file descriptor
 * @file_offset: as given to mmap(2), in bytes
 * @length: as given to mmap(2), in bytes
 *
 * The fd is a VFIO device if /proc says so. Without /proc it is one if it has answered
 * VFIO_DEVICE_GET_REGION_INFO for a region that holds @file_offset.
 *
 * Return: false if it is not VFIO's. errno is unchanged.
 */
bool region_resolve(struct region_range *range, int fd, off_t file_offset, size_t length);

/**
 * region_fit_reservation - what may a reservation of this length be for?
 * @fit: set on success
 * @length: bytes, whole pages
 *
 * Programs reserve a whole region (DPDK, pci_vfio_mmap_bar(); OpenVMM), or a region or an area and
 * slack to align it by, a power of two of at most 1 GiB (QEMU since 9.2, vfio_region_mmap();
 * cloud-hypervisor 53; VPP). Of several that fit, the tightest counts, and of those the one that was
 * learned last.
 *
 * Return: false if no region or area that the program has asked about fits.
 */
bool region_fit_reservation(struct region_fit *fit, uint64_t length);

#endif
