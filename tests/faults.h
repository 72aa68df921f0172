/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libfaults.so, preloaded between the library and the mock device, and the program
 * "faults" have in common. The layer counts the system calls of one call of the program's,
 * makes one or two of them fail, and keeps account of what the library may unmap.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FAULTS_RANGES 64

/* The symbol that dlsym() finds. */
#define FAULTS_SYMBOL "faults_control"

/** enum faults_kind - a function of the layer, as bits */
enum faults_kind {
	FAULTS_MMAP = 1,
	FAULTS_MUNMAP = 2,
	FAULTS_MADVISE = 4,
	FAULTS_READLINK = 8,
	FAULTS_IOCTL = 16,
	FAULTS_SYSCALL = 32,
};

/** struct faults_range - addresses from @start to before @end */
struct faults_range {
	uint64_t start;
	uint64_t end;
};

/** struct faults_ranges - @count of them, in no order */
struct faults_ranges {
	size_t count;
	struct faults_range at[FAULTS_RANGES];
};

/** struct faults_call - the program's own mmap(2) */
struct faults_call {
	void *addr;
	size_t length;
	int prot;
	int flags;
	int fd;
	off_t offset;
};

/**
 * struct faults_control - set by the program before its call, and by the layer in it
 * @armed: count, and let fail
 * @nth: the calls that shall fail, counted from 1; 0 for none
 * @error: what they shall fail with
 * @own: what is the program's own call
 * @calls: how many there were
 * @fired: kinds of those that were made to fail
 * @nr_fired: their number
 * @own_calls: how often the program's own call was made
 * @own_error: what it failed with, 0 if it did not
 * @given_up: the range of the program's MAP_FIXED was given back
 * @violation: what the library did and must not, NULL if nothing
 * @violated: where
 * @live: what the library was given by its mmap(2) and did not give back
 * @stuck: what it tried to give back, without success
 * @plain: mmap(2) behind the layer
 */
struct faults_control {
	bool armed;
	unsigned int nth[2];
	int error[2];
	struct faults_call own;

	unsigned int calls;
	unsigned int fired;
	unsigned int nr_fired;
	unsigned int own_calls;
	int own_error;
	bool given_up;
	const char *violation;
	struct faults_range violated;
	struct faults_ranges live;
	struct faults_ranges stuck;
	void *(*plain)(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
};

#endif
