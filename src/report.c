// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "report.h"
#include "text.h"

/* Above the numbers that programs dup2() to and select() on. */
#define LOG_FD_FLOOR 512

static int log_fd = -1;
static char log_link[256];

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

static ssize_t read_log_link(char *target, size_t size)
{
	struct text path;

	text_start(&path);
	text_add(&path, "/proc/self/fd/");
	text_add_decimal(&path, (uint64_t)log_fd);
	return readlink(text_string(&path), target, size);
}

static int open_log_file(const char *pattern)
{
	struct text path;
	int fd;

	text_start(&path);
	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p') {
			text_add_decimal(&path, (uint64_t)getpid());
			pattern++;
		} else {
			text_add_byte(&path, *pattern);
		}
	}
	if (text_is_cut(&path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* O_NONBLOCK: a FIFO that nobody reads must not hold up the program. */
	fd = open(text_string(&path),
		  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
		  0600);
	return fd;
}

void report_open(void)
{
	int fd = STDERR_FILENO;
	int high;

	if (config.log == LOG_OFF)
		return;
	if (config.log_file) {
		fd = open_log_file(config.log_file);
		if (fd < 0) {
			report_complaint("VFIOALIGN_LOG_FILE", config.log_file, strerror(errno));
			return;
		}
	}
	high = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD_FLOOR);
	if (high < 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (config.log_file)
		close(fd);
	log_fd = high;
	if (log_fd >= 0 && read_log_link(log_link, sizeof(log_link) - 1) < 0)
		log_link[0] = '\0';
}

/* A program that closes every fd and opens its own must not find our lines in its file. */
static bool log_is_ours(void)
{
	char target[sizeof(log_link)] = "";

	if (log_fd < 0)
		return false;
	return read_log_link(target, sizeof(target) - 1) < 0 ? !log_link[0]
							     : !strcmp(target, log_link);
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

	if (config.log < why_text[why].level || !log_is_ours()) {
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
	text_write_line(&line, log_fd);
	errno = err;
}

void report_region(int fd, uint32_t index, uint64_t size, unsigned int areas)
{
	int err = errno;
	struct text line;

	if (config.log >= LOG_DEBUG && log_is_ours()) {
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
		text_write_line(&line, log_fd);
	}
	errno = err;
}
