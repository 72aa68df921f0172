// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report-read.h"

/*
 * Not a parser of JSON: of the library's own lines, which have no space in them and no object in
 * an object, and in whose strings a quote is escaped.
 */
static const char *value_of(const char *line, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = line; (at = strstr(at, key)); at += length)
		if (at > line + 1 && at[-1] == '"' && (at[-2] == ',' || at[-2] == '{') &&
		    !strncmp(at + length, "\":", 2))
			return at + length + 2;
	return "";
}

static uint64_t number_of(const char *line, const char *key)
{
	return strtoull(value_of(line, key), NULL, 10);
}

static bool is_event(const char *line, const char *event)
{
	size_t length = strlen(event);
	const char *value = value_of(line, "event");

	return *value == '"' && !strncmp(value + 1, event, length) && value[length + 1] == '"';
}

static void add_start(struct report_sum *sum, const char *line)
{
	sum->loaded = true;
	if (!sum->first_ns)
		sum->first_ns = number_of(line, "time_ns");
	if (sum->pid_count < REPORT_PIDS)
		sum->pids[sum->pid_count++] = (pid_t)number_of(line, "pid");
}

void report_add_line(struct report_sum *sum, const char *line)
{
	bool map = is_event(line, "map");

	if (is_event(line, "start"))
		add_start(sum, line);
	if ((!map && !is_event(line, "dma_map")) || number_of(line, "errno"))
		return;
	sum->last_ns = number_of(line, "time_ns");
	if (map) {
		sum->mappings++;
		return;
	}
	sum->dma_maps++;
	sum->dma_ns += number_of(line, "duration_ns");
	sum->dma_faults += number_of(line, "faults");
}

bool report_sum_up(struct report_sum *sum, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[2048];

	*sum = (struct report_sum){ .loaded = false };
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		report_add_line(sum, line);
	fclose(file);
	return true;
}
