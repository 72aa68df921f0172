/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests that speak TAP. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_points, tap_failures;

/* In a function that returns bool: the first failure ends it and shows the values in question. */
#define TAP_CHECK(condition, ...)                                                                  \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("# %s:%d: not so: %s: ", __FILE__, __LINE__, #condition);           \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
			return false;                                                              \
		}                                                                                  \
	} while (0)

static inline void tap(bool holds, const char *sentence)
{
	printf("%s %d - %s\n", holds ? "ok" : "not ok", ++tap_points, sentence);
	tap_failures += !holds;
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_points);
	return tap_failures ? 1 : 0;
}

#endif
