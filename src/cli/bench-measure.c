// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"
#include "process.h"
#include "stats.h"
#include "vfio.h"

/* Enough for a mean, and not a second of a slow device. */
#define READS 20000

/* The IOMMU, too, has larger pages for what is congruent. */
#define IOVA_MODULUS (1ULL << 30)

static double thread_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)(usage.ru_minflt + usage.ru_majflt);
}

static void *map_by_hand(int device, uint64_t file_offset, uint64_t size, uint64_t offset,
			 uint64_t modulus)
{
	char *room = mmap(NULL, size + modulus, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);
	uint64_t head = (offset - (uintptr_t)room) & (modulus - 1);
	char *map;

	if (room == MAP_FAILED)
		return MAP_FAILED;
	map = mmap(room + head, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device,
		   (off_t)file_offset);
	if (map == MAP_FAILED)
		return map;
	/* What is left of the reservation would make each look-up of the mapping a little longer. */
	if (head)
		munmap(room, head);
	munmap(map + size, modulus - head);
	madvise(map, size, MADV_HUGEPAGE);
	return map;
}

static double mean_read(const volatile uint32_t *map, uint64_t words, uint64_t step)
{
	uint64_t at = 0;
	double start = stats_now();

	for (int i = 0; i < READS; i++) {
		(void)map[at];
		at = (at + step) % words;
	}
	return (stats_now() - start) / READS;
}

/* An odd step, coprime with a size that is a power of two, and far from any page size. */
static uint64_t scattering_step(uint64_t words)
{
	return (uint64_t)((double)words * 0.6180339887) | 1;
}

void bench_measure(struct bench_result *result, const struct bench_range *range, uint64_t modulus)
{
	double *metrics = result->metrics;
	uint64_t region_size, size = range->size, file_offset, iova;
	struct vfio vfio;
	void *map;

	vfio_open(&vfio, range->bdf);
	file_offset = vfio_region(&vfio, range->bar, &region_size);
	if (range->offset >= region_size || size > region_size - range->offset)
		cli_fatal(EXIT_ERROR, "BAR %u has only %llu bytes", range->bar,
			  (unsigned long long)region_size);
	if (!size)
		size = region_size - range->offset;
	file_offset += range->offset;
	iova = vfio_iova(&vfio, size, range->offset, IOVA_MODULUS);

	metrics[BENCH_PTE_KB] = (double)process_pte_kb(getpid());
	metrics[BENCH_MAP] = stats_now();
	map = modulus ? map_by_hand(vfio.device, file_offset, size, range->offset, modulus)
		      : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vfio.device,
			     (off_t)file_offset);
	metrics[BENCH_MAP] = stats_now() - metrics[BENCH_MAP];
	if (map == MAP_FAILED)
		cli_fatal(EXIT_ERROR, "mmap: %s", strerror(errno));
	result->address = (uintptr_t)map;

	metrics[BENCH_FAULTS] = thread_faults();
	metrics[BENCH_DMA_MAP] = stats_now();
	vfio_dma_map(&vfio, map, iova, size);
	metrics[BENCH_DMA_MAP] = stats_now() - metrics[BENCH_DMA_MAP];
	metrics[BENCH_FAULTS] = thread_faults() - metrics[BENCH_FAULTS];
	metrics[BENCH_PTE_KB] = (double)process_pte_kb(getpid()) - metrics[BENCH_PTE_KB];

	metrics[BENCH_SEQUENTIAL] = range->touch ? mean_read(map, size / 4, 1) : NAN;
	metrics[BENCH_RANDOM] = range->touch ? mean_read(map, size / 4, scattering_step(size / 4)) : NAN;

	metrics[BENCH_DMA_UNMAP] = stats_now();
	vfio_dma_unmap(&vfio, iova, size);
	metrics[BENCH_DMA_UNMAP] = stats_now() - metrics[BENCH_DMA_UNMAP];
	metrics[BENCH_UNMAP] = stats_now();
	munmap(map, size);
	metrics[BENCH_UNMAP] = stats_now() - metrics[BENCH_UNMAP];
}
