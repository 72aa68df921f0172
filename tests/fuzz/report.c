// SPDX-License-Identifier: LGPL-2.1-or-later
/* A report that is read back: lines of any bytes, some of them like the library's own. */
#define _GNU_SOURCE
#include "../../src/cli/report-read.h"
#include "fuzz.h"

#define MOST_LINES 100
#define MOST_LINE 2048

/* Keys and values in any order, and the characters between them. */
static void make_line(struct fuzz_input *input, char *line, size_t size)
{
	static const char *const pieces[] = {
		"{", "}", ",", "\"", ":", "event", "\"event\":", "\"start\"", "\"map\"", "\"dma_map\"",
		"\"pid\":", "\"time_ns\":", "\"errno\":", "\"duration_ns\":", "\"faults\":", "null", "0",
		"18446744073709551616", "\\\"", "{\"event\":\"start\",\"pid\":",
		"{\"event\":\"map\",\"time_ns\":7", "{\"event\":\"dma_map\",\"duration_ns\":",
	};
	size_t length = 0;

	*line = '\0';
	for (uint8_t count = fuzz_byte(input) % 32; count; count--) {
		uint8_t piece = fuzz_byte(input);
		char any[MOST_LINE];

		if (piece < sizeof(pieces) / sizeof(pieces[0]))
			snprintf(any, sizeof(any), "%s", pieces[piece]);
		else if (piece < 64)
			snprintf(any, sizeof(any), "%llu", (unsigned long long)fuzz_number(input));
		else
			fuzz_string(input, any, sizeof(any));
		length += (size_t)snprintf(line + length, size - length, "%s", any);
		if (length >= size)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct report_sum sum = { .loaded = false };
	unsigned int lines;

	for (lines = 0; lines < MOST_LINES && input.left; lines++) {
		char line[MOST_LINE], *copy;

		make_line(&input, line, sizeof(line));
		/* Exactly as long, for the sanitizer to see who reads before it or behind it. */
		copy = fuzz_all((const uint8_t *)line, strlen(line));
		report_add_line(&sum, copy);
		free(copy);
	}
	FUZZ_CHECK(sum.mappings + sum.dma_maps <= lines, "%u and %u of %u", sum.mappings, sum.dma_maps,
		   lines);
	FUZZ_CHECK(sum.pid_count <= REPORT_PIDS && sum.pid_count <= lines, "%u", sum.pid_count);
	FUZZ_CHECK(sum.loaded == (sum.pid_count > 0), "loaded");
	FUZZ_CHECK(sum.dma_maps || (!sum.dma_ns && !sum.dma_faults), "of no DMA maps");
	return 0;
}
