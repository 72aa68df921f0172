// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "report.h"
#include "sink.h"
#include "text.h"

static struct sink log_sink = { .fd = -1 }, report_sink = { .fd = -1 };

bool report_on;

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
	[WHY_OFF] = { LOG_INFO, "off", "left as it is, since VFIOALIGN is off" },
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

/* Of the system calls that seccomp filters leave us, readlink is the one that tells the pid. */
static void add_pid(struct text *line, const char *unknown)
{
	char pid[24] = "";

	text_add(line, readlink("/proc/self", pid, sizeof(pid) - 1) < 0 ? unknown : pid);
}

static void start_line(struct text *line)
{
	text_start(line);
	text_add(line, "vfioalign: ");
	text_add(line, config.program);
	text_add(line, "[");
	add_pid(line, "?");
	text_add(line, "]: ");
}

static void add_address(struct text *line, const void *address)
{
	if (address == MAP_FAILED)
		text_add(line, "none");
	else
		text_add_hex(line, (uintptr_t)address);
}

static void log_mapping(int fd, const struct region_range *range, const void *before,
			const void *after, enum report_why why)
{
	struct text line;

	if (config.log < why_text[why].level || !sink_is_ours(&log_sink))
		return;
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
}

/*
 * Events. Programs and devices have the only strings of any length: they are kept so short that
 * no event comes near the size of struct text. A byte takes six at the most, \u0001.
 */
#define MAX_PROGRAM 512
#define MAX_DEVICE ((size_t)6 * REGION_DEVICE_SIZE)

static void add_key(struct text *line, const char *key)
{
	text_add(line, ",\"");
	text_add(line, key);
	text_add(line, "\":");
}

static void add_bool(struct text *line, const char *key, bool value)
{
	add_key(line, key);
	text_add(line, value ? "true" : "false");
}

static void add_number(struct text *line, const char *key, uint64_t number)
{
	add_key(line, key);
	text_add_decimal(line, number);
}

/* A string, because programs that read JSON keep 53 bits of a number. */
static void add_pointer(struct text *line, const char *key, uint64_t address)
{
	add_key(line, key);
	text_add(line, "\"");
	text_add_hex(line, address);
	text_add(line, "\"");
}

static void add_pointer_or_null(struct text *line, const char *key, const void *address)
{
	if (address && address != MAP_FAILED) {
		add_pointer(line, key, (uintptr_t)address);
		return;
	}
	add_key(line, key);
	text_add(line, "null");
}

static void add_string_or_null(struct text *line, const char *key, const char *string, size_t most)
{
	add_key(line, key);
	if (string)
		text_add_json(line, string, most);
	else
		text_add(line, "null");
}

static void add_range(struct text *line, int fd, const char *device,
		      const struct region_range *range)
{
	add_string_or_null(line, "device", *device ? device : NULL, MAX_DEVICE);
	add_number(line, "fd", (uint64_t)fd);
	add_number(line, "region", range->index);
	add_number(line, "offset", range->offset);
	add_number(line, "length", range->length);
}

uint64_t report_clock(void)
{
	struct timespec time = { .tv_sec = 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static bool start_event(struct text *line, const char *event)
{
	if (!report_on || !sink_is_ours(&report_sink))
		return false;
	text_start(line);
	text_add(line, "{\"schema\":1,\"event\":\"");
	text_add(line, event);
	text_add(line, "\",\"pid\":");
	add_pid(line, "null");
	add_number(line, "time_ns", report_clock());
	return true;
}

static void end_event(struct text *line)
{
	text_add(line, "}");
	text_write_line(line, report_sink.fd);
}

static void event_start(void)
{
	struct text line;
	const char *comma = "";

	if (!start_event(&line, "start"))
		return;
	add_string_or_null(&line, "version", PACKAGE_VERSION, MAX_DEVICE);
	add_string_or_null(&line, "program", config.program, MAX_PROGRAM);
	add_string_or_null(&line, "placement", config.placement, MAX_DEVICE);
	add_bool(&line, "steer", config.steer);
	add_bool(&line, "relocate", config.relocate);
	add_bool(&line, "acting", config.act);
	add_string_or_null(&line, "idle_by", config.idle, MAX_DEVICE);
	add_number(&line, "base_page", config.sizes.page);
	add_key(&line, "huge_pages");
	text_add(&line, "[");
	for (int level = 0; level < ALIGN_LEVELS; level++) {
		if (!config.sizes.huge[level])
			continue;
		text_add(&line, comma);
		text_add_decimal(&line, config.sizes.huge[level]);
		comma = ",";
	}
	text_add(&line, "]");
	end_event(&line);
}

static void event_map(int fd, const struct region_range *range, const void *asked,
		      const void *before, const void *after, enum report_why why, int error)
{
	uint64_t best = align_huge_page(&config.sizes, range->offset, range->length);
	bool landed = why != WHY_HINT && why != WHY_RELOCATED;
	char device[REGION_DEVICE_SIZE];
	struct text line;

	if (!start_event(&line, "map"))
		return;
	region_device(fd, device);
	add_range(&line, fd, device, range);
	add_pointer_or_null(&line, "asked", asked);
	add_pointer_or_null(&line, "landed", landed ? before : NULL);
	add_pointer_or_null(&line, "address", after);
	add_number(&line, "best_page", best ? best : config.sizes.page);
	if (after == MAP_FAILED)
		add_string_or_null(&line, "page", NULL, 0);
	else
		add_number(&line, "page", align_reached(&config.sizes, (uintptr_t)after,
							range->offset, range->length));
	add_string_or_null(&line, "outcome", why_text[why].word, MAX_DEVICE);
	add_number(&line, "errno", why == WHY_FAILED ? (uint64_t)error : 0);
	end_event(&line);
}

static void event_reserve(const struct region_fit *fit, const void *asked, const void *address,
			  const void *area, uint64_t length)
{
	char device[REGION_DEVICE_SIZE];
	struct text line;

	if (!start_event(&line, "reserve"))
		return;
	region_device(fit->fd, device);
	add_range(&line, fit->fd, device, &fit->range);
	add_pointer_or_null(&line, "asked", asked);
	add_pointer_or_null(&line, "reserved", address);
	add_number(&line, "reserved_length", length);
	add_pointer_or_null(&line, "address", area);
	end_event(&line);
}

static void event_dma_map(const struct report_dma *dma)
{
	struct text line;

	if (!start_event(&line, "dma_map"))
		return;
	add_range(&line, dma->fd, dma->device, &dma->range);
	add_pointer(&line, "address", dma->address);
	add_pointer(&line, "iova", dma->iova);
	add_number(&line, "duration_ns", dma->nanoseconds);
	if (dma->faults < 0)
		add_string_or_null(&line, "faults", NULL, 0);
	else
		add_number(&line, "faults", (uint64_t)dma->faults);
	add_number(&line, "errno", (uint64_t)dma->error);
	end_event(&line);
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

void report_mapping(int fd, const struct region_range *range, const void *asked,
		    const void *before, const void *after, enum report_why why)
{
	int err = errno;

	log_mapping(fd, range, before, after, why);
	event_map(fd, range, asked, before, after, why, err);
	errno = err;
}

void report_reservation(const struct region_fit *fit, const void *asked, const void *address,
			uint64_t length)
{
	const char *area = (const char *)address + align_lead(&config.sizes, fit->slack);
	int err = errno;

	log_mapping(fit->fd, &fit->range, asked, area, WHY_STEERED);
	event_reserve(fit, asked, address, area, length);
	errno = err;
}

void report_dma(const struct report_dma *dma)
{
	int err = errno;

	event_dma_map(dma);
	errno = err;
}

void report_open(void)
{
	if (config.log != LOG_OFF)
		open_sink(&log_sink, "VFIOALIGN_LOG_FILE", config.log_file);
	if (config.report_file)
		open_sink(&report_sink, "VFIOALIGN_REPORT", config.report_file);
	report_on = report_sink.fd >= 0;
	event_start();
}
