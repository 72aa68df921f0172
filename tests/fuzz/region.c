// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the library takes from a kernel or a driver that says anything: replies to
 * VFIO_DEVICE_GET_REGION_INFO with capability chains, and what /proc says of an fd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <sys/types.h>

#include "../../src/config.h"
#include "../../src/region.h"
#include "../../src/report.h"
#include "fuzz.h"

#define GIB (1ULL << 30)
#define PAGE 4096ULL
#define FDS 3
#define INDICES 4
#define FIRST_FD 100
#define MOST_STEPS 24
#define MOST_REPLY 1024
#define MOST_AREAS 12

struct config config = {
	.act = true,
	.sizes = { .page = PAGE, .huge = { GIB, 2ULL << 20 } },
};

bool report_on = true;

/* What was learned last of each region, as far as it counts. */
static struct known {
	bool set;
	uint64_t size;
} known[FDS][INDICES];

/* Lengths that reservations of this input may well have. */
static uint64_t sizes[MOST_STEPS * (MOST_AREAS + 1)];
static unsigned int nr_sizes;

static char link_target[300];
static ssize_t link_length;

void report_region(int fd, uint32_t index, uint64_t size, unsigned int areas)
{
	FUZZ_CHECK(areas <= 8, "%u areas", areas);
	(void)fd, (void)index, (void)size;
}

/* region.c is compiled to call this. */
ssize_t fuzz_readlink(const char *path, char *target, size_t size);

ssize_t fuzz_readlink(const char *path, char *target, size_t size)
{
	size_t length = (size_t)link_length < size ? (size_t)link_length : size;

	FUZZ_CHECK(!strncmp(path, "/proc/self/", 11), "%s", path);
	if (link_length < 0) {
		errno = link_length == -1 ? ENOENT : EINVAL;
		return -1;
	}
	memcpy(target, link_target, length);
	return (ssize_t)length;
}

static void reply(int fd, const struct vfio_region_info *head, const uint8_t *rest, size_t room)
{
	/* As large as the caller's, for the sanitizer to see what is read behind it. */
	char *copy = malloc(sizeof(*head) + room);

	FUZZ_CHECK(copy, "no memory");
	memcpy(copy, head, sizeof(*head));
	memcpy(copy + sizeof(*head), rest, room);
	region_watch(fd, VFIO_DEVICE_GET_REGION_INFO, copy, 0);
	free(copy);
}

/*
 * What an earlier input taught would make this one's results its own. A region so large that no
 * page is left over, at an offset that no file has, fits nothing, and its slot stays the same.
 */
static void forget(int fd, uint32_t index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.flags = VFIO_REGION_INFO_FLAG_MMAP,
		.index = index,
		.size = UINT64_MAX,
		.offset = UINT64_MAX & ~(PAGE - 1),
	};

	reply(FIRST_FD + fd, &info, (const uint8_t *)"", 0);
	known[fd][index].set = false;
}

static void forget_all(void)
{
	static bool begun;

	for (int fd = 0; fd < FDS; fd++)
		for (uint32_t index = 0; index < INDICES; index++)
			if (!begun || known[fd][index].set)
				forget(fd, index);
	begun = true;
	nr_sizes = 0;
	link_length = -1;
}

/* A capability that is well formed, with areas that need not be. */
static size_t sparse_areas(struct fuzz_input *input, uint8_t *rest, uint64_t size)
{
	struct vfio_region_info_cap_sparse_mmap sparse = {
		.header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1 },
		.nr_areas = fuzz_byte(input) % MOST_AREAS,
	};
	struct vfio_region_sparse_mmap_area area;
	uint64_t end = 0;

	memcpy(rest, &sparse, sizeof(sparse));
	for (uint32_t i = 0; i < sparse.nr_areas; i++) {
		uint8_t kind = fuzz_byte(input);

		area.offset = kind & 1 ? fuzz_number(input) : end + (kind & 2 ? PAGE : 0);
		area.size = kind & 4 ? fuzz_number(input) : size - area.offset;
		end = area.offset + area.size;
		memcpy(rest + sizeof(sparse) + i * sizeof(area), &area, sizeof(area));
		sizes[nr_sizes++] = area.size;
	}
	return sizeof(sparse) + sparse.nr_areas * sizeof(area);
}

/* One that is whatever it is: chains, loops, and lengths of all kinds. */
static size_t any_capabilities(struct fuzz_input *input, uint8_t *rest)
{
	uint16_t room;

	fuzz_bytes(input, &room, sizeof(room));
	room %= MOST_REPLY;
	fuzz_bytes(input, rest, room);
	return room;
}

static void watch(struct fuzz_input *input)
{
	uint8_t who = fuzz_byte(input), rest[MOST_REPLY];
	struct vfio_region_info info = { .index = (who >> 2) % INDICES };
	int fd = who % FDS;
	size_t room;

	info.flags = fuzz_byte(input);
	info.size = fuzz_number(input);
	info.offset = info.flags & 0x80 ? (uint64_t)info.index << 40 : fuzz_number(input);
	info.cap_offset = info.flags & 0x40 ? sizeof(info) : fuzz_byte(input);
	if (info.flags & 0x40)
		room = sparse_areas(input, rest, info.size);
	else
		room = any_capabilities(input, rest);
	/*
	 * Of a reply that does not fit, the kernel tells the size that it needs, and leaves
	 * cap_offset at 0. One that is too short for its own header is an error of the kernel's.
	 */
	info.argsz = info.cap_offset ? (uint32_t)(sizeof(info) + room) : UINT32_MAX;
	if (who & 0x80)
		info.argsz = who & 0x40 ? 0 : (uint32_t)offsetof(struct vfio_region_info, size);
	sizes[nr_sizes++] = info.size;
	reply(FIRST_FD + fd, &info, rest, info.cap_offset ? room : 0);
	if (info.flags & VFIO_REGION_INFO_FLAG_MMAP && align_huge_page(&config.sizes, 0, info.size) &&
	    !(info.offset & (PAGE - 1)))
		known[fd][info.index] = (struct known){ true, info.size };
}

static void check_goal(const struct align_goal *goal, uint64_t address)
{
	uint64_t nearest;

	FUZZ_CHECK(goal->modulus && !(goal->modulus & (goal->modulus - 1)), "%#llx",
		   (unsigned long long)goal->modulus);
	FUZZ_CHECK(goal->modulus <= GIB, "%#llx", (unsigned long long)goal->modulus);
	FUZZ_CHECK(goal->residue < goal->modulus, "%#llx", (unsigned long long)goal->residue);
	FUZZ_CHECK(!(goal->residue & (PAGE - 1)), "no page begins at %#llx",
		   (unsigned long long)goal->residue);
	if (!align_at_or_above(goal, address, &nearest)) {
		FUZZ_CHECK(address > UINT64_MAX - goal->modulus, "%#llx", (unsigned long long)address);
		return;
	}
	FUZZ_CHECK(nearest >= address && nearest - address < goal->modulus, "%#llx for %#llx",
		   (unsigned long long)nearest, (unsigned long long)address);
	FUZZ_CHECK(align_meets(goal, nearest), "%#llx", (unsigned long long)nearest);
}

static void check_goals(const struct region_range *range, uint64_t slack, uint64_t address)
{
	struct align_goal goal;

	for (int mode = ALIGN_BEST; mode <= ALIGN_OFF_BY_A_PAGE; mode++) {
		if (!align_goal_for(&goal, (enum align_mode)mode, &config.sizes, range->offset,
				    range->length))
			continue;
		check_goal(&goal, address);
		if (align_goal_reserved(&goal, &config.sizes, slack))
			check_goal(&goal, address);
	}
}

/* A region that is as long as the reservation has to be found, if nothing fits better. */
static bool has_region_of(uint64_t length)
{
	for (int fd = 0; fd < FDS; fd++)
		for (int index = 0; index < INDICES; index++)
			if (known[fd][index].set &&
			    align_pages(&config.sizes, known[fd][index].size) == length)
				return length != 0;
	return false;
}

static void fit(struct fuzz_input *input)
{
	uint64_t slack = fuzz_number(input), address = fuzz_number(input);
	uint64_t size = nr_sizes ? sizes[fuzz_byte(input) % nr_sizes] : 0;
	uint64_t length = align_pages(&config.sizes, slack + align_pages(&config.sizes, size));
	struct region_fit got;
	const struct known *region;

	if (!region_fit_reservation(&got, length)) {
		FUZZ_CHECK(!has_region_of(length), "%#llx", (unsigned long long)length);
		return;
	}
	FUZZ_CHECK(got.fd >= FIRST_FD && got.fd < FIRST_FD + FDS && got.range.index < INDICES,
		   "fd %d region %u", got.fd, got.range.index);
	region = &known[got.fd - FIRST_FD][got.range.index];
	FUZZ_CHECK(region->set, "fd %d region %u", got.fd, got.range.index);
	FUZZ_CHECK(!(got.slack & (got.slack - 1)) && got.slack <= GIB, "slack %#llx",
		   (unsigned long long)got.slack);
	FUZZ_CHECK(got.range.length + got.slack == length && got.range.length <= length,
		   "%#llx and %#llx", (unsigned long long)got.range.length,
		   (unsigned long long)got.slack);
	FUZZ_CHECK(!(got.range.offset & (PAGE - 1)) && !(got.range.length & (PAGE - 1)),
		   "%#llx and %#llx", (unsigned long long)got.range.offset,
		   (unsigned long long)got.range.length);
	FUZZ_CHECK(got.range.offset <= region->size &&
		   got.range.length - (PAGE - 1) <= region->size - got.range.offset,
		   "%#llx + %#llx of %#llx", (unsigned long long)got.range.offset,
		   (unsigned long long)got.range.length, (unsigned long long)region->size);
	FUZZ_CHECK(align_huge_page(&config.sizes, got.range.offset, got.range.length),
		   "%#llx + %#llx", (unsigned long long)got.range.offset,
		   (unsigned long long)got.range.length);
	check_goals(&got.range, got.slack, address);
}

static void resolve(struct fuzz_input *input)
{
	int fd = FIRST_FD + fuzz_byte(input) % (FDS + 1);
	off_t file_offset = (off_t)(fuzz_number(input) & ~(PAGE - 1));
	uint64_t length = fuzz_number(input), address = fuzz_number(input);
	struct region_range range;

	errno = 12345;
	if (region_resolve(&range, fd, file_offset, length)) {
		FUZZ_CHECK(file_offset >= 0 && range.offset <= (uint64_t)file_offset,
			   "%#llx of %#llx", (unsigned long long)range.offset,
			   (unsigned long long)file_offset);
		FUZZ_CHECK(!(range.offset & (PAGE - 1)), "%#llx", (unsigned long long)range.offset);
		FUZZ_CHECK(range.length == align_pages(&config.sizes, length), "%#llx",
			   (unsigned long long)range.length);
		check_goals(&range, 0, address);
	}
	region_is_mapped(address, address + length);
	FUZZ_CHECK(errno == 12345, "errno is %d", errno);
}

static void name(struct fuzz_input *input)
{
	int fd = FIRST_FD + fuzz_byte(input) % FDS;
	char text[600], *copy, known_name[REGION_DEVICE_SIZE];

	fuzz_string(input, text, sizeof(text));
	copy = strdup(text);
	FUZZ_CHECK(copy, "no memory");
	region_watch(FIRST_FD, VFIO_GROUP_GET_DEVICE_FD, copy, fd);
	free(copy);
	region_device(fd, known_name);
	FUZZ_CHECK(strlen(known_name) < sizeof(known_name), "%zu", strlen(known_name));
	FUZZ_CHECK(!strchr(known_name, ' '), "\"%s\" has the secret", known_name);
}

static void set_link(struct fuzz_input *input)
{
	uint8_t kind = fuzz_byte(input);

	link_length = kind < 64 ? -1 - (kind & 1) : 0;
	if (kind >= 64 && kind < 128)
		strcpy(link_target, "anon_inode:[vfio-device]");
	else if (kind >= 128 && kind < 192)
		strcpy(link_target, "/dev/vfio/devices/vfio7");
	else
		fuzz_string(input, link_target, 256);
	if (link_length == 0)
		link_length = (ssize_t)strlen(link_target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(struct fuzz_input *) = { watch, fit, resolve, name, set_link };
	struct fuzz_input input = { data, size };

	forget_all();
	for (int step = 0; step < MOST_STEPS && input.left; step++)
		steps[fuzz_byte(&input) % (sizeof(steps) / sizeof(steps[0]))](&input);
	return 0;
}
