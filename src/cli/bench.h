/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One measurement of "vfioalign bench", made in a process of its own. */
#ifndef VFIOALIGN_CLI_BENCH_H
#define VFIOALIGN_CLI_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct bench_range - what is measured
 * @bdf: the PCI device
 * @bar: number of the BAR
 * @offset: of the range in the BAR, in bytes
 * @size: of the range in bytes; 0 is all from @offset on
 * @touch: read the device's memory, too
 */
struct bench_range {
	const char *bdf;
	unsigned int bar;
	uint64_t offset;
	uint64_t size;
	bool touch;
};

/** enum bench_metric - what is measured; times are in nanoseconds */
enum bench_metric {
	BENCH_FAULTS,	 /* of the thread, while the range is DMA-mapped */
	BENCH_PTE_KB,	 /* what page tables grew by, in kB */
	BENCH_MAP,	 /* mmap(), with the advice where there is any */
	BENCH_DMA_MAP,	 /* VFIO_IOMMU_MAP_DMA */
	BENCH_DMA_UNMAP, /* VFIO_IOMMU_UNMAP_DMA */
	BENCH_UNMAP,	 /* munmap() */
	BENCH_SEQUENTIAL, /* one read of 32 bits, one after the other; with @touch only */
	BENCH_RANDOM,	 /* the same, all over the range */
	BENCH_METRICS,
};

/**
 * struct bench_result - one measurement
 * @address: where the range was mapped
 * @metrics: by enum bench_metric; NAN for what was not measured
 */
struct bench_result {
	uint64_t address;
	double metrics[BENCH_METRICS];
};

/**
 * bench_measure - measure, in this process
 * @result: set
 * @range: what
 * @modulus: 0 for a plain mmap(), which the library may place; or the modulus, in bytes, of an
 *           address that is made congruent by hand, as a program does that knows about it
 *
 * What fails ends the process with a message.
 */
void bench_measure(struct bench_result *result, const struct bench_range *range, uint64_t modulus);

#endif
