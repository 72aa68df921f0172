// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "report.h"
#include "sink.h"
#include "text.h"

static struct sink log_sink = { .fd = -1 };

static const struct {
	enum log_level level;
	const char *word;
	const char *reason;
} why_text[] = {
	[WHY_PLACED] = { LOG_INFO, "placed", "moved to an address congruent to the offset" },
	[WHY_HINT] = { LOG_INFO, "hint", "nearest congruent address above the program's hint" },
	[WHY_KEPT] = { LOG_INFO, "kept", "congruent already" },
	[WHY_SMALL] = { LOG_INFO, "small", "the range holds no whole huge page" },
	[WHY_FIXED] = { LOG_INFO, "fixed", "the program demands this address" },
	[WHY_STEERED] = { LOG_INFO, "steered", "reservation put where this range will be congruent" },
	[WHY_RELOCATED] = { LOG_INFO, "relocated",
			    "moved, since the program uses the address that it gets" },
	[WHY_NO_ROOM] = { LOG_ERROR, "no-room", "no address space for a reservation" },
	[WHY_TAKEN] = { LOG_ERROR, "taken", "other mappings took the congruent place first" },
	[WHY_REFUSED] = { LOG_ERROR, "refused", "the device refused a second mapping" },
	[WHY_STUCK] = { LOG_ERROR, "stuck", "the program's mapping could not be given back" },
	[WHY_FAILED] = { LOG_INFO, "failed", "the program's own call failed" },
};

void report_complaint(const char *about, const char *value, const char *remedy)
{
	struct text line;

	text_start(&line);
	text_add(&line, "libvfioalign: ");
	text_add(&line, about);
	text_add(&line, ": cannot use \"");
	text_add(&line, value);
	text_add(&line, "\"; ");
	text_add(&line, remedy);
	text_write_line(&line, STDERR_FILENO);
}

static void open_sink(struct sink *sink, const char *variable, const char *pattern)
{
	if (!sink_open(sink, pattern))
		report_complaint(variable, pattern, strerror(errno));
}

void report_open(void)
{
	if (config.log != LOG_OFF)
		open_sink(&log_sink, "VFIOALIGN_LOG_FILE", config.log_file);
}

/* Of the system calls that seccomp filters leave us, readlink is the one that tells the pid. */
static void start_line(struct text *line)
{
	char pid[24] = "";

	if (readlink("/proc/self", pid, sizeof(pid) - 1) < 0)
		pid[0] = '?';
	text_start(line);
	text_add(line, "vfioalign: ");
	text_add(line, config.program);
	text_add(line, "[");
	text_add(line, pid);
	text_add(line, "]: ");
}

static void add_address(struct text *line, const void *address)
{
	if (address == MAP_FAILED)
		text_add(line, "none");
	else
		text_add_hex(line, (uintptr_t)address);
}

void report_mapping(int fd, const struct region_range *range, const void *before,
		    const void *after, enum report_why why)
{
	int err = errno;
	struct text line;

	if (config.log < why_text[why].level || !sink_is_ours(&log_sink)) {
		errno = err;
		return;
	}
	start_line(&line);
	text_add(&line, "device fd ");
	text_add_decimal(&line, (uint64_t)fd);
	text_add(&line, " region ");
	text_add_decimal(&line, range->index);
	text_add(&line, " offset ");
	text_add_hex(&line, range->offset);
	text_add(&line, " length ");
	text_add_hex(&line, range->length);
	text_add(&line, ": ");
	add_address(&line, before);
	text_add(&line, " -> ");
	add_address(&line, after);
	text_add(&line, ", ");
	if (after != MAP_FAILED) {
		text_add_size(&line, align_reached(&config.sizes, (uintptr_t)after, range->offset,
						   range->length));
		text_add(&line, " pages, ");
	}
	text_add(&line, why_text[why].word);
	text_add(&line, ": ");
	text_add(&line, why_text[why].reason);
	if (config.mode != ALIGN_BEST)
		text_add(&line, " (control arm of VFIOALIGN)");
	text_write_line(&line, log_sink.fd);
	errno = err;
}

void report_region(int fd, uint32_t index, uint64_t size, unsigned int areas)
{
	int err = errno;
	struct text line;

	if (config.log >= LOG_DEBUG && sink_is_ours(&log_sink)) {
		start_line(&line);
		text_add(&line, "device fd ");
		text_add_decimal(&line, (uint64_t)fd);
		text_add(&line, " region ");
		text_add_decimal(&line, index);
		text_add(&line, " size ");
		text_add_hex(&line, size);
		text_add(&line, " sparse areas ");
		text_add_decimal(&line, areas);
		text_add(&line, ": learned from VFIO_DEVICE_GET_REGION_INFO");
		text_write_line(&line, log_sink.fd);
	}
	errno = err;
}
