/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mock device from the side of the programs that map it. */
#ifndef TESTS_DEVICE_H
#define TESTS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mock.h"

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/**
 * device_open - a new device that nothing has been asked of
 *
 * With $TESTS_DEVICE, the file descriptor of this number instead: a real device that tests/vm/probe has
 * opened.
 */
int device_open(void);

/** device_ask - ask about all regions, as a VMM does at its start; without a mock they are none */
void device_ask(int fd);

/** device_open_asked - a new device that was asked about all regions */
int device_open_asked(void);

/** device_largest_page - the largest page that a BAR can be mapped with on this machine, in bytes */
uint64_t device_largest_page(void);

/** device_huge_page - the huge page size that a range should be mapped with, 0 for none */
uint64_t device_huge_page(off_t file_offset, size_t length);

/** device_reaches_huge_page - can a huge page of any size map part of the range at @address? */
bool device_reaches_huge_page(const void *address, off_t file_offset, size_t length);

/** device_distance - how far past a congruent address this one is, modulo the largest page */
uint64_t device_distance(const void *address, off_t file_offset);

/**
 * device_arrange - fill the address space so that the system's next choice is known
 * @distance: how far past a congruent address it shall be, see device_distance()
 *
 * Return: the address that mmap(NULL, @length, ..., MAP_SHARED, @fd, @file_offset) will have.
 */
void *device_arrange(int fd, off_t file_offset, size_t length, uint64_t distance);

/** page_size - of this machine, in bytes */
size_t page_size(void);

/** whole_pages - @length rounded up */
size_t whole_pages(size_t length);

#endif
