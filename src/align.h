/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arithmetic of congruent addresses. No state, no system call. */
#ifndef VFIOALIGN_ALIGN_H
#define VFIOALIGN_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

#define ALIGN_LEVELS 2

/**
 * struct align_sizes - the page sizes that a BAR can be mapped with on this machine
 * @page: base page size in bytes
 * @huge: huge page sizes in bytes, largest first; 0 for a level that is not used
 */
struct align_sizes {
	uint64_t page;
	uint64_t huge[ALIGN_LEVELS];
};

/**
 * enum align_mode - what an address is to be congruent to
 * @ALIGN_BEST: the offset, modulo the largest huge page that the range holds
 * @ALIGN_PMD: the offset modulo the smallest huge page and, on purpose, no larger one
 * @ALIGN_OFF_BY_A_PAGE: one base page past the offset, which no huge page can map
 */
enum align_mode {
	ALIGN_BEST,
	ALIGN_PMD,
	ALIGN_OFF_BY_A_PAGE,
};

/**
 * struct align_goal - the addresses that will do: address % @modulus == @residue
 * @modulus: bytes, a power of two
 * @residue: bytes, less than @modulus
 */
struct align_goal {
	uint64_t modulus;
	uint64_t residue;
};

/**
 * align_huge_page - the largest huge page that a range can be mapped with
 * @sizes: the machine's page sizes
 * @offset: start of the range in its region, in bytes
 * @length: length of the range in bytes, a multiple of the base page
 *
 * A huge page can map a block only if the whole block lies in the mapping: Linux 6.12,
 * vfio_pci_mmap_huge_fault() in drivers/vfio/pci/vfio_pci_core.c.
 *
 * Return: the first of @sizes->huge of which the range holds a whole, naturally aligned
 * block, in bytes; 0 if it holds none or if @offset + @length overflows.
 */
uint64_t align_huge_page(const struct align_sizes *sizes, uint64_t offset, uint64_t length);

/**
 * align_smallest_huge_page - the PMD size
 * @sizes: the machine's page sizes
 *
 * Return: bytes, 0 if the machine has no huge pages.
 */
uint64_t align_smallest_huge_page(const struct align_sizes *sizes);

/**
 * align_goal_for - the addresses that suit a range
 * @goal: set on success
 * @mode: what to aim at
 * @sizes: the machine's page sizes
 * @offset: start of the range in its region, in bytes
 * @length: length of the range in bytes, a multiple of the base page
 *
 * Return: false if the range holds no whole huge page, so that any address is as good.
 */
bool align_goal_for(struct align_goal *goal, enum align_mode mode, const struct align_sizes *sizes,
		    uint64_t offset, uint64_t length);

/**
 * align_lead - how far into a reservation the range shall come
 * @sizes: the machine's page sizes
 * @slack: what the reservation is longer than the range, in bytes
 *
 * One page, if there is room for that. A program that rounds up gets there, and so does one that
 * has a header page before the range (VPP, clib_mem_vm_reserve()).
 *
 * Return: bytes.
 */
uint64_t align_lead(const struct align_sizes *sizes, uint64_t slack);

/**
 * align_goal_reserved - the addresses for a reservation that a range is to be mapped into
 * @goal: in, the addresses that suit the range; out, those that suit the reservation
 * @sizes: the machine's page sizes
 * @slack: what the reservation is longer than the range, in bytes: 0, or the power of two to
 *         which the program rounds the range's address up
 *
 * Return: false if the program's rounding makes @goal impossible.
 */
bool align_goal_reserved(struct align_goal *goal, const struct align_sizes *sizes, uint64_t slack);

/**
 * align_meets - does an address meet a goal?
 * @goal: the goal
 * @address: the address in bytes
 */
bool align_meets(const struct align_goal *goal, uint64_t address);

/**
 * align_at_or_above - the nearest address that meets a goal
 * @goal: the goal
 * @address: the lowest address that will do, in bytes
 * @nearest: set on success
 *
 * Return: false if there is none below the end of the address space.
 */
bool align_at_or_above(const struct align_goal *goal, uint64_t address, uint64_t *nearest);

/**
 * align_reached - the largest page that a mapping's address allows
 * @sizes: the machine's page sizes
 * @address: address of the mapping in bytes
 * @offset: start of the mapped range in its region, in bytes
 * @length: length of the mapped range in bytes, a multiple of the base page
 *
 * Return: a huge page size, or the base page size, in bytes.
 */
uint64_t align_reached(const struct align_sizes *sizes, uint64_t address, uint64_t offset,
		       uint64_t length);

/**
 * align_pages - round a length up to whole pages, as the kernel does in mmap(2)
 * @sizes: the machine's page sizes
 * @length: bytes
 *
 * Return: the length in whole pages, in bytes; 0 if that overflows.
 */
uint64_t align_pages(const struct align_sizes *sizes, uint64_t length);

#endif
