/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a report of the library says, see libvfioalign(7). */
#ifndef VFIOALIGN_CLI_REPORT_READ_H
#define VFIOALIGN_CLI_REPORT_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REPORT_PIDS 64

/**
 * struct report_sum - what a report says in all
 * @loaded: the library has loaded into a process at least
 * @mappings: VFIO mappings that came about
 * @dma_maps: VFIO_IOMMU_MAP_DMA calls of VFIO mappings that succeeded
 * @dma_ns: how long they took, in nanoseconds
 * @dma_faults: page faults during them
 * @first_ns: when the first process began, by CLOCK_MONOTONIC, in nanoseconds
 * @last_ns: when the last mapping or DMA map was done; 0 if there was none
 * @pids: processes that the library has loaded into
 * @pid_count: how many of them are there
 */
struct report_sum {
	bool loaded;
	unsigned int mappings;
	unsigned int dma_maps;
	uint64_t dma_ns;
	uint64_t dma_faults;
	uint64_t first_ns;
	uint64_t last_ns;
	pid_t pids[REPORT_PIDS];
	unsigned int pid_count;
};

/** report_add_line - add what a line of a report says; of a line that is none, nothing */
void report_add_line(struct report_sum *sum, const char *line);

/**
 * report_sum_up - read a report
 * @sum: set
 * @path: the report
 *
 * Return: false if it cannot be read; errno says why.
 */
bool report_sum_up(struct report_sum *sum, const char *path);

#endif
