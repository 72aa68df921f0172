/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log lines, and the events of a report. Formatted on the stack and written with one write(2), to
 * a file opened at the start.
 */
#ifndef VFIOALIGN_REPORT_H
#define VFIOALIGN_REPORT_H

#include "region.h"

/**
 * enum report_why - what was done with a mapping, and why
 * @WHY_PLACED: moved to an address that suits its offset
 * @WHY_HINT: put at the nearest address above the program's hint that suits its offset
 * @WHY_KEPT: the address suits the offset already
 * @WHY_SMALL: the range holds no whole huge page
 * @WHY_FIXED: the program demands this address
 * @WHY_STEERED: a reservation, put where the range that it fits will be congruent
 * @WHY_RELOCATED: the program demanded another address, but will use the one that it gets
 * @WHY_NO_ROOM: no address space for a reservation
 * @WHY_TAKEN: other mappings took the place first, as often as it was tried
 * @WHY_REFUSED: the device refused a second mapping
 * @WHY_STUCK: the first mapping could not be given back
 * @WHY_OFF: left as it is, since VFIOALIGN is off
 * @WHY_FAILED: the program's own call failed
 */
enum report_why {
	WHY_PLACED,
	WHY_HINT,
	WHY_KEPT,
	WHY_SMALL,
	WHY_FIXED,
	WHY_STEERED,
	WHY_RELOCATED,
	WHY_NO_ROOM,
	WHY_TAKEN,
	WHY_REFUSED,
	WHY_STUCK,
	WHY_OFF,
	WHY_FAILED,
};

/** report_on - events are wanted, and there is a file for them */
extern bool report_on;

/** report_open - open the log and the report, from the constructor; the report's first event */
void report_open(void);

/**
 * report_mapping - one mapping of a VFIO device
 * @fd: the device
 * @range: the range of the region that it maps
 * @asked: the address in the program's call, or NULL
 * @before: where the program's own call landed, or the hint; MAP_FAILED if it failed
 * @after: what the program gets
 * @why: what was done; of WHY_FAILED, errno has the reason
 *
 * errno is unchanged, as by every function here.
 */
void report_mapping(int fd, const struct region_range *range, const void *asked,
		    const void *before, const void *after, enum report_why why);

/**
 * report_reservation - one reservation that was steered
 * @fit: the range that it fits
 * @asked: the address in the program's call, or NULL
 * @address: where the reservation is
 * @length: of the reservation, in bytes
 */
void report_reservation(const struct region_fit *fit, const void *asked, const void *address,
			uint64_t length);

/** report_clock - CLOCK_MONOTONIC, in nanoseconds */
uint64_t report_clock(void);

/**
 * struct report_dma - one VFIO_IOMMU_MAP_DMA of a VFIO mapping
 * @fd: the device
 * @device: its name, "" if that is not known
 * @range: what it maps of which region
 * @address: where that is mapped
 * @iova: the address for DMA
 * @nanoseconds: what the call took
 * @faults: page faults of the calling thread in it, -1 if that is not known
 * @error: errno, 0 for success
 */
struct report_dma {
	int fd;
	const char *device;
	struct region_range range;
	uint64_t address;
	uint64_t iova;
	uint64_t nanoseconds;
	int64_t faults;
	int error;
};

/** report_dma - that one */
void report_dma(const struct report_dma *dma);

/**
 * report_region - log, for debugging, a region that the program has learned about
 * @fd: the device
 * @index: the region
 * @size: bytes
 * @areas: number of sparse areas, 0 if the whole region can be mapped
 */
void report_region(int fd, uint32_t index, uint64_t size, unsigned int areas);

/** report_complaint - one line on stderr, from the constructor: @about cannot be used */
void report_complaint(const char *about, const char *value, const char *remedy);

#endif
