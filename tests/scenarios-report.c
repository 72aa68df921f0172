// SPDX-License-Identifier: LGPL-2.1-or-later
/* Programs that print what the events of their report should say. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"
#include "device.h"
#include "scenarios.h"

#define IOVA 0xfffffff000000000

/* More than the library remembers. */
#define MANY 300

/* Groups and containers of the mock device are any file. */
static int any_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("container", MFD_CLOEXEC);
	CHECK(fd >= 0, "%s", strerror(errno));
	return fd;
}

int named_device(const char *name)
{
	int fd = ioctl(any_file(), VFIO_GROUP_GET_DEVICE_FD, name);

	CHECK(fd >= 0, "%s: %s", name, strerror(errno));
	device_ask(fd);
	return fd;
}

int dma_map(const void *address, size_t length)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)address,
		.iova = IOVA,
		.size = length,
	};

	errno = 77;
	return ioctl(any_file(), VFIO_IOMMU_MAP_DMA, &request);
}

static char *mapped(void *address, size_t length, int flags, int fd, off_t offset)
{
	char *got = map(address, length, PROT_READ, MAP_SHARED | flags, fd, offset);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	return got;
}

/* report-dma NAME OFFSET LENGTH: of a mapping of region 2 from 1 MiB on */
static void report_dma(char **args)
{
	int fd = named_device(args[0]);
	char *got = mapped(NULL, SIZE - MIB, 0, fd, MOCK_REGION(2) + (off_t)MIB);
	char *part = got + number(args[1]);
	int ret = dma_map(part, number(args[2]));

	printf("%d 0x%jx %d %d\n", fd, (uintmax_t)(uintptr_t)part, ret, errno);
}

/* report-killed NAME OFFSET LENGTH: and then no more */
static void report_killed(char **args)
{
	report_dma(args);
	raise(SIGKILL);
}

/* report-names NAME...: each device is closed before the next, which gets its number */
static void report_names(char **args)
{
	for (; *args; args++) {
		int fd = named_device(*args);

		check_unmaps(mapped(NULL, SIZE, 0, fd, MOCK_REGION(2)), SIZE);
		printf("%d\n", fd);
		close(fd);
	}
}

/* A name that no device has, and a device that was opened by no name. */
static void report_nameless(char **args)
{
	CHECK(ioctl(any_file(), VFIO_GROUP_GET_DEVICE_FD, "missing") < 0, "it is there");
	CHECK_EQUAL(errno, ENODEV);
	mapped(NULL, SIZE, 0, device_open_asked(), MOCK_REGION(2));
}

/* DMA maps of what is no VFIO mapping, or none as a whole. */
static void report_other_memory(char **args)
{
	int fd = named_device("device");
	char *room = free_space(4 * SIZE) + SIZE;
	void *memory = mmap(NULL, SIZE, PROT_READ, RESERVATION, -1, 0);

	mapped(room, SIZE, MAP_FIXED, fd, MOCK_REGION(2));
	CHECK(!dma_map(memory, SIZE), "%s", strerror(errno));
	CHECK(!dma_map(mapped(NULL, SIZE, 0, sparse_file(SIZE), 0), SIZE), "%s", strerror(errno));
	CHECK(!dma_map(room - page_size(), SIZE), "%s", strerror(errno));
	CHECK(!dma_map(room + page_size(), SIZE), "%s", strerror(errno));
	CHECK(!dma_map(room + SIZE, page_size()), "%s", strerror(errno));
	CHECK(!dma_map(room + page_size(), (size_t)-page_size()), "%s", strerror(errno));
}

/* A device was mapped there, and is no more. */
static void report_stale(char **args)
{
	int fd = named_device("device"), file = sparse_file(SIZE);
	char *got = mapped(NULL, SIZE, 0, fd, MOCK_REGION(2));

	check_unmaps(got, SIZE);
	CHECK(mmap(got, SIZE, PROT_READ, RESERVATION | MAP_FIXED, -1, 0) == got, "not there");
	CHECK(!dma_map(got, SIZE), "%s", strerror(errno));
	mapped(got, SIZE, MAP_FIXED, file, 0);
	CHECK(!dma_map(got, SIZE), "%s", strerror(errno));
}

/* A device is mapped over another, whole and in part. */
static void report_replaced(char **args)
{
	int fd = named_device("old");
	char *got = mapped(free_space(2 * SIZE), SIZE, MAP_FIXED, fd, MOCK_REGION(2));

	mapped(got, SIZE, MAP_FIXED, named_device("new"), MOCK_REGION(4));
	CHECK(!dma_map(got, SIZE), "%s", strerror(errno));
	mapped(got + GIB, GIB, MAP_FIXED, named_device("part"), MOCK_REGION(5));
	CHECK(!dma_map(got + GIB, GIB), "%s", strerror(errno));
	CHECK(!dma_map(got, SIZE), "%s", strerror(errno));
}

/* No file can be opened any more. */
static void report_no_files(char **args)
{
	char *got = mapped(NULL, SIZE, 0, named_device("device"), MOCK_REGION(2));
	const struct rlimit none = { .rlim_max = 0 };
	int ret;

	CHECK(!setrlimit(RLIMIT_NOFILE, &none), "%s", strerror(errno));
	ret = dma_map(got, MIB);
	printf("%d %d\n", ret, errno);
}

/* What is left of a mapping that was replaced in part is not what was there before it. */
static void report_left_over(char **args)
{
	char *got = free_space(4 * GIB);

	mapped(got, GIB, MAP_FIXED, named_device("low"), MOCK_REGION(4));
	mapped(got + GIB, GIB, MAP_FIXED, named_device("high"), MOCK_REGION(4));
	mapped(got, 2 * GIB, MAP_FIXED, named_device("both"), MOCK_REGION(5));
	mapped(got, GIB, MAP_FIXED, named_device("new"), MOCK_REGION(2));
	CHECK(!dma_map(got + GIB, GIB), "%s", strerror(errno));
}

/* More mappings than the library remembers: the last are known, others not mistaken. */
static void report_many(char **args)
{
	int fd = named_device("device");
	char *room = free_space(MANY * 4 * MIB);

	for (size_t i = 0; i < MANY; i++)
		mapped(room + i * 4 * MIB, 2 * MIB, MAP_FIXED, fd,
		       MOCK_REGION(4) + (off_t)(i * 2 * MIB));
	CHECK(!dma_map(room + (MANY - 1) * 4 * MIB, 2 * MIB), "%s", strerror(errno));
	CHECK(!dma_map(room, 2 * MIB), "%s", strerror(errno));
}

/* What the kernel refuses for its argument is passed on like everything else. */
static void report_odd_arguments(char **args)
{
	struct vfio_iommu_type1_dma_map request = { .argsz = 4 };
	char *got = mapped(NULL, SIZE, 0, named_device("device"), MOCK_REGION(2));

	request.vaddr = (uintptr_t)got;
	request.size = SIZE;
	CHECK(!ioctl(any_file(), VFIO_IOMMU_MAP_DMA, &request), "%s", strerror(errno));
}

static void check_refused(const void *argument)
{
	errno = 77;
	CHECK_EQUAL(ioctl(any_file(), VFIO_IOMMU_MAP_DMA, argument), -1);
	CHECK_EQUAL(errno, EFAULT);
}

/* Of three pages, the one in the middle can be read: arguments begin or end in it, or lie beside it. */
static void report_unreadable_arguments(char **args)
{
	struct vfio_iommu_type1_dma_map request = { .argsz = sizeof(request), .size = SIZE };
	size_t page = page_size(), half = sizeof(request) / 2;
	char *room = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(room != MAP_FAILED, "%s", strerror(errno));
	room += page;
	request.vaddr = (uintptr_t)mapped(NULL, SIZE, 0, named_device("device"), MOCK_REGION(2));
	CHECK(!mprotect(room, page, PROT_READ | PROT_WRITE), "%s", strerror(errno));
	memcpy(room, (const char *)&request + half, half);
	memcpy(room + page - half, &request, half);
	check_refused(NULL);
	check_refused((const void *)(uintptr_t)half);
	check_refused(room - half);
	check_refused(room - 1);
	check_refused(room + page - half);
	check_refused(room + page - 1);
	check_refused(room + page);
}

static void report_reserve(char **args)
{
	int fd = named_device("device");
	char *got = map(NULL, SIZE + 2 * MIB, PROT_NONE, RESERVATION, -1, 0);

	printf("%d 0x%jx 0x%jx\n", fd, (uintmax_t)(uintptr_t)got,
	       (uintmax_t)(uintptr_t)(got + page_size()));
}

const struct scenario report_scenarios[] = {
	{ "report-dma", report_dma },
	{ "report-killed", report_killed },
	{ "report-names", report_names },
	{ "report-nameless", report_nameless },
	{ "report-other-memory", report_other_memory },
	{ "report-stale", report_stale },
	{ "report-unreadable-arguments", report_unreadable_arguments },
	{ "report-replaced", report_replaced },
	{ "report-no-files", report_no_files },
	{ "report-left-over", report_left_over },
	{ "report-many", report_many },
	{ "report-odd-arguments", report_odd_arguments },
	{ "report-reserve", report_reserve },
	{ 0 },
};
