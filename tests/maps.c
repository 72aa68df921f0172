// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "mock.h"

static int maps_fd = -1, smaps_fd = -1;
static char text[1 << 20];

static int open_again(int fd, const char *path)
{
	if (fd >= 0)
		close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0, "%s", path);
	return fd;
}

void maps_open(void)
{
	maps_fd = open_again(maps_fd, "/proc/self/maps");
	smaps_fd = open_again(smaps_fd, "/proc/self/smaps");
}

static void read_text(int fd)
{
	size_t length = 0;
	ssize_t got;

	lseek(fd, 0, SEEK_SET);
	do {
		got = read(fd, text + length, sizeof(text) - 1 - length);
		CHECK(got >= 0, "cannot read /proc");
		length += (size_t)got;
	} while (got);
	CHECK(length < sizeof(text) - 1, "more mappings than a test can hold");
	text[length] = '\0';
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

static void parse(struct mapping *mapping, const char *line)
{
	mapping->name[0] = '\0';
	CHECK(sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s%*[ ]%63[^\n]",
		     &mapping->start, &mapping->end, mapping->access, &mapping->offset,
		     mapping->name) >= 4,
	      "%s", line);
}

static bool is_canary(const struct mapping *mapping)
{
	return strstr(mapping->name, MOCK_CANARY_NAME);
}

/* Grows by itself, and is no mapping of the program's. */
static bool is_heap(const struct mapping *mapping)
{
#ifdef __SANITIZE_ADDRESS__
	/* ASan's allocator on x86-64: sanitizer_common/sanitizer_platform.h, asan_allocator.h */
	if (mapping->start >= 0x600000000000 && mapping->end <= 0x640000000000 + GIB)
		return true;
#endif
	return !strcmp(mapping->name, "[heap]") || !strcmp(mapping->name, "[stack]");
}

void maps_read(struct maps *maps)
{
	maps->count = 0;
	read_text(maps_fd);
	for (const char *line = text; line; line = next_line(line)) {
		struct mapping *mapping = &maps->at[maps->count];

		CHECK(maps->count < MAPS_MAX, "more mappings than a test can hold");
		parse(mapping, line);
		if (!is_heap(mapping) && !is_canary(mapping))
			maps->count++;
	}
}

static bool is_same(const struct mapping *a, const struct mapping *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       !strcmp(a->access, b->access) && !strcmp(a->name, b->name);
}

size_t maps_added(const struct maps *before, struct mapping *added)
{
	static struct maps now;
	size_t count = 0, kept = 0;

	maps_read(&now);
	for (size_t i = 0; i < now.count; i++)
		if (kept < before->count && is_same(&now.at[i], &before->at[kept]))
			kept++;
		else if (!count++)
			*added = now.at[i];
	CHECK(kept == before->count, "lost or changed: %#" PRIx64 "-%#" PRIx64 " %s %s",
	      before->at[kept].start, before->at[kept].end, before->at[kept].access,
	      before->at[kept].name);
	return count;
}

void maps_check_unchanged(const struct maps *before)
{
	struct mapping added = { 0 };

	CHECK(maps_added(before, &added) == 0, "left behind: %#" PRIx64 "-%#" PRIx64 " %s %s",
	      added.start, added.end, added.access, added.name);
}

static void check_canary(const struct mapping *mapping, uint64_t at)
{
	const struct mock_canary *canary = (const struct mock_canary *)(uintptr_t)at;

	CHECK_EQUAL(canary->magic, MOCK_CANARY_MAGIC);
	CHECK_EQUAL(canary->start, mapping->start);
	CHECK_EQUAL(canary->end, mapping->end);
}

size_t maps_check_canaries(void)
{
	size_t count = 0;

	read_text(maps_fd);
	for (const char *line = text; line; line = next_line(line)) {
		struct mapping mapping;

		parse(&mapping, line);
		if (!is_canary(&mapping))
			continue;
		check_canary(&mapping, mapping.start);
		check_canary(&mapping, mapping.end - sizeof(struct mock_canary));
		count++;
	}
	return count;
}

bool maps_advised(const void *address)
{
	const char *flags;
	char start[32];
	const char *at;

	snprintf(start, sizeof(start), "%" PRIxPTR "-", (uintptr_t)address);
	read_text(smaps_fd);
	for (at = text; at && strncmp(at, start, strlen(start)); at = next_line(at))
		;
	CHECK(at, "nothing is mapped at %p", address);
	flags = strstr(at, "VmFlags:");
	CHECK(flags, "no VmFlags in /proc/self/smaps");
	at = strstr(flags, " hg");
	return at && at < strchr(flags, '\n');
}
