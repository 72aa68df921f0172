// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "check.h"
#include "device.h"

#define MAX_FILLERS 1000

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

size_t whole_pages(size_t length)
{
	return (length + page_size() - 1) / page_size() * page_size();
}

int device_open(void)
{
	const char *given = getenv("TESTS_DEVICE");
	int fd;

	if (given)
		return atoi(given);
	fd = memfd_create(MOCK_DEVICE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK(fd >= 0, "memfd_create: %s", strerror(errno));
	CHECK(!ftruncate(fd, MOCK_REGION(VFIO_PCI_NUM_REGIONS)), "%s", strerror(errno));
	CHECK(!fcntl(fd, F_ADD_SEALS, MOCK_DEVICE_SEAL), "%s", strerror(errno));
	return fd;
}

void device_ask(int fd)
{
	for (uint32_t index = 0; index < VFIO_PCI_NUM_REGIONS; index++) {
		struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

		CHECK(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info), "%s", strerror(errno));
	}
}

int device_open_asked(void)
{
	int fd = device_open();

	device_ask(fd);
	return fd;
}

static bool holds(uint64_t offset, size_t length, uint64_t huge)
{
	uint64_t first = (offset + huge - 1) / huge * huge;

	return first + huge <= offset + whole_pages(length);
}

static uint64_t pmd_size(void)
{
	static uint64_t size;
	char digits[24] = "";
	int fd;

	if (size)
		return size;
	size = page_size() * page_size() / 8;
	fd = open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, digits, sizeof(digits) - 1) > 0)
		size = strtoull(digits, NULL, 10);
	close(fd);
	return size;
}

uint64_t device_largest_page(void)
{
#ifdef __x86_64__
	return GIB;
#else
	return pmd_size();
#endif
}

uint64_t device_huge_page(off_t file_offset, size_t length)
{
	uint64_t offset = (uint64_t)file_offset % (uint64_t)MOCK_REGION(1);

	if (holds(offset, length, device_largest_page()))
		return device_largest_page();
	return holds(offset, length, pmd_size()) ? pmd_size() : 0;
}

bool device_reaches_huge_page(const void *address, off_t file_offset, size_t length)
{
	return device_huge_page(file_offset, length) &&
	       device_distance(address, file_offset) % pmd_size() == 0;
}

uint64_t device_distance(const void *address, off_t file_offset)
{
	return ((uintptr_t)address - (uint64_t)file_offset) % device_largest_page();
}

/* Bare system calls: the library and the mock shall see nothing of this. */

static uint64_t next_choice(int fd, off_t file_offset, size_t length)
{
	long address = syscall(SYS_mmap, NULL, length, PROT_READ, MAP_SHARED, fd, file_offset);

	CHECK(address > 0, "%s", strerror(errno));
	CHECK(!syscall(SYS_munmap, address, length), "%s", strerror(errno));
	return (uint64_t)address;
}

static bool fill(uint64_t start, uint64_t length)
{
	return syscall(SYS_mmap, start, length, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		       0) == (long)start;
}

void *device_arrange(int fd, off_t file_offset, size_t length, uint64_t distance)
{
	for (int fillers = 0; fillers < MAX_FILLERS; fillers++) {
		uint64_t choice = next_choice(fd, file_offset, length);
		uint64_t end = choice + whole_pages(length);
		uint64_t too_high =
			(device_distance((void *)(uintptr_t)choice, file_offset) - distance) %
			device_largest_page();

		if (!too_high)
			return (void *)(uintptr_t)choice;
		if (!fill(end - too_high, too_high))
			CHECK(fill(choice, end - choice), "%s", strerror(errno));
	}
	SKIP("this kernel aligns mappings by itself");
}
