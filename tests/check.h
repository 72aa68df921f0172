/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assertions of the test programs: the first that fails ends the program with status 1. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For what this machine cannot test; the harness shows the reason. */
#define STATUS_SKIP 77

#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(STDERR_FILENO, "%s:%d: not so: %s: ", __FILE__, __LINE__,          \
				#condition);                                                       \
			dprintf(STDERR_FILENO, __VA_ARGS__);                                       \
			dprintf(STDERR_FILENO, "\n");                                              \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Of integers or of addresses. */
#define CHECK_EQUAL(actual, expected)                                                              \
	do {                                                                                       \
		const uintptr_t actual_ = (uintptr_t)(actual), expected_ = (uintptr_t)(expected);  \
		CHECK(actual_ == expected_, "%s is %#" PRIxPTR ", expected %s = %#" PRIxPTR,       \
		      #actual, actual_, #expected, expected_);                                     \
	} while (0)

#define SKIP(...)                                                                                  \
	do {                                                                                       \
		dprintf(STDOUT_FILENO, __VA_ARGS__);                                               \
		_exit(STATUS_SKIP);                                                                \
	} while (0)

#endif
