/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moves in the address space. Nothing here ever replaces a mapping: no call that this library
 * adds carries MAP_FIXED, because a MAP_FIXED that fails can leave a hole (Linux 6.12,
 * vms_abort_munmap_vmas() in mm/vma.c) into which another thread may have mapped by the time
 * it returns, and then nobody can say whose the range is.
 */
#ifndef VFIOALIGN_PLACE_H
#define VFIOALIGN_PLACE_H

#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "region.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0 /* x86-64 alone has it */
#endif

/** struct place_call - the arguments of a program's mmap(2) */
struct place_call {
	void *addr;
	size_t length;
	int prot;
	int flags;
	int fd;
	off_t offset;
};

/**
 * place_as_asked - make a program's call just as it stands
 * @call: the call
 *
 * Return: as mmap(2).
 */
void *place_as_asked(const struct place_call *call);

/**
 * place_observed - make the program's own call, and report it
 * @call: a shared mapping of a VFIO device
 * @range: the range of the region that it maps
 *
 * For the arm of an experiment in which the library shall do nothing.
 *
 * Return: as mmap(2).
 */
void *place_observed(const struct place_call *call, const struct region_range *range);

/**
 * place_device - map a device where its offset can be mapped with huge pages
 * @call: a shared mapping of a VFIO device, with the address left to the system
 * @range: the range of the region that it maps
 *
 * Whatever fails on the way, the program gets the mapping that it would have had.
 *
 * Return: as mmap(2); the error is that of the program's own call. On success errno is
 * unchanged.
 */
void *place_device(const struct place_call *call, const struct region_range *range);

/**
 * place_fixed - map a device at the address that the program demands
 * @call: a shared mapping of a VFIO device with MAP_FIXED or MAP_FIXED_NOREPLACE
 * @range: the range of the region that it maps
 *
 * For a program that is known to use only the address that it gets, a MAP_FIXED address that
 * does not suit the offset is given back and another returned.
 *
 * Return: as mmap(2). On success errno is unchanged.
 */
void *place_fixed(const struct place_call *call, const struct region_range *range);

/**
 * place_reservation - reserve address space where a range can be mapped with huge pages
 * @call: a PROT_NONE private anonymous mapping, with the address left to the system
 * @fit: the range that it fits
 *
 * Return: as mmap(2); the error is that of the program's own call. On success errno is
 * unchanged.
 */
void *place_reservation(const struct place_call *call, const struct region_fit *fit);

#endif
