/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzzers have in common. One is a program for libFuzzer, which calls
 * LLVMFuzzerTestOneInput() with bytes of its own making and watches which code they reach; the
 * sanitizers and FUZZ_CHECK() say what must not be. tests/fuzz.bats builds and runs them.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What does not hold ends the program, and libFuzzer keeps the input. */
#define FUZZ_CHECK(condition, ...)                                                                 \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition);    \
			fprintf(stderr, __VA_ARGS__);                                              \
			fprintf(stderr, "\n");                                                     \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/** struct fuzz_input - the bytes that are left; behind their end come zeroes */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz_input *input, void *to, size_t size)
{
	size_t length = size < input->left ? size : input->left;

	memset(to, 0, size);
	if (length)
		memcpy(to, input->at, length);
	input->at += length;
	input->left -= length;
}

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	uint8_t byte;

	fuzz_bytes(input, &byte, sizeof(byte));
	return byte;
}

/* Any number, and more often one at or near a power of two, or of whole pages. */
static inline uint64_t fuzz_number(struct fuzz_input *input)
{
	uint8_t kind = fuzz_byte(input);
	uint64_t number;
	int8_t step;

	if (kind < 32) {
		fuzz_bytes(input, &number, sizeof(number));
		return number;
	}
	number = 1ULL << (fuzz_byte(input) & 63);
	step = (int8_t)fuzz_byte(input);
	if (kind < 64)
		return number + (uint64_t)(int64_t)step;
	if (kind < 160)
		return number + ((uint64_t)(int64_t)step << 12);
	return number - 1 < 1ULL << 30 ? (uint64_t)(uint8_t)step * number : number;
}

/* A string of at most @size - 1 bytes, in @to. Its length comes first. */
static inline void fuzz_string(struct fuzz_input *input, char *to, size_t size)
{
	size_t length = fuzz_byte(input);

	if (length >= 0xf0)
		length = (length & 15) << 8 | fuzz_byte(input);
	if (length > size - 1)
		length = size - 1;
	fuzz_bytes(input, to, length);
	to[length] = '\0';
}

/* All of the bytes as a string, exactly as long, for the sanitizer to see who reads on. To be freed. */
static inline char *fuzz_all(const uint8_t *data, size_t size)
{
	char *string = malloc(size + 1);

	FUZZ_CHECK(string, "no memory");
	if (size)
		memcpy(string, data, size);
	string[size] = '\0';
	return string;
}

#endif
