/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small programs over the mock device, one function each; the bats files say when to run which. */
#ifndef TESTS_SCENARIOS_H
#define TESTS_SCENARIOS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of region 2, as the mock has it if it is not told otherwise. */
#define SIZE (4 * GIB)

/* The flags of the reservations that VMMs make, with PROT_NONE. */
#define RESERVATION (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/**
 * struct scenario - one program
 * @name: first argument of the command
 * @run: gets the arguments that follow, up to a NULL
 */
struct scenario {
	const char *name;
	void (*run)(char **args);
};

/* Each ends with an empty one. */
extern const struct scenario place_scenarios[];
extern const struct scenario hint_scenarios[];
extern const struct scenario fixed_scenarios[];
extern const struct scenario pass_scenarios[];
extern const struct scenario process_scenarios[];
extern const struct scenario log_scenarios[];
extern const struct scenario report_scenarios[];
extern const struct scenario trace_scenarios[];

/** first_errno - what main() found in errno */
extern int first_errno;

/** map - mmap, or mmap64 if the command says so; never inlined or known to the compiler */
extern void *(*map)(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

/**
 * map_checked - map a device readable and writable, and check what holds for every success
 *
 * errno is unchanged, the kernel knows of one mapping more and no other difference, and
 * MADV_HUGEPAGE is there if and only if a huge page can be reached.
 *
 * Return: the address.
 */
char *map_checked(void *addr, size_t length, int flags, int fd, off_t offset);

/** check_congruent - fail unless no address were better for this range */
void check_congruent(const void *address, off_t offset, size_t length);

/** check_unmaps - unmap and fail unless that gives the range back */
void check_unmaps(void *address, size_t length);

/** free_space - a multiple of 1 GiB, with nothing mapped for @length above it */
char *free_space(size_t length);

/** sparse_file - an ordinary file that takes no room */
int sparse_file(off_t size);

/** named_device - a new device, asked for by name, that was asked about all regions */
int named_device(const char *name);

/** dma_map - VFIO_IOMMU_MAP_DMA; errno is 77 before */
int dma_map(const void *address, size_t length);

/** number - an argument: "0x101000", "16M", "4G" */
uint64_t number(const char *text);

#endif
