// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dma.h"
#include "next.h"
#include "report.h"
#include "table.h"

#define MAX_MAPPINGS 256

/* Fields of /proc/PID/stat, proc(5). */
#define STAT_MINFLT 10
#define STAT_MAJFLT 12

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t fd;
	uint64_t index;
	uint64_t offset;
	char device[REGION_DEVICE_SIZE];
};

TABLE(mappings, struct mapping, MAX_MAPPINGS);

/* One that was forgotten is empty and overlaps nothing. */
static bool overlap(const struct mapping *one, const struct mapping *other)
{
	return one->start < other->end && other->start < one->end;
}

void dma_remember(const void *address, int fd, const struct region_range *range)
{
	struct mapping mapping = {
		.start = (uintptr_t)address,
		.end = (uintptr_t)address + range->length,
		.fd = (uint64_t)fd,
		.index = range->index,
		.offset = range->offset,
	};
	struct mapping old, none = { .start = 0 };
	bool found = false;

	if (!report_on || address == MAP_FAILED)
		return;
	region_device(fd, mapping.device);
	for (unsigned int i = 0; i < table_used(&mappings); i++) {
		if (!table_read(&mappings, i, &old))
			continue;
		if (overlap(&old, &mapping) || (!found && old.end == 0)) {
			table_write(&mappings, i, found ? &none : &mapping);
			found = true;
		}
	}
	if (!found)
		table_add(&mappings, &mapping);
}

/* munmap() does not arrive here: the kernel has to say whether the mapping is still there. */
static bool find(struct mapping *mapping, uint64_t address, uint64_t length)
{
	for (unsigned int i = 0; i < table_used(&mappings); i++)
		if (table_read(&mappings, i, mapping) && address >= mapping->start &&
		    address < mapping->end && length <= mapping->end - address &&
		    region_is_mapped(mapping->start, mapping->end))
			return true;
	return false;
}

/* A numeric field of /proc/PID/stat, by its number. The second, the name, can be anything. */
static uint64_t stat_field(const char *line, int field)
{
	const char *at = strrchr(line, ')');
	uint64_t number = 0;

	for (; at && field > 2; field--)
		at = strchr(at + 1, ' ');
	for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

/*
 * The page faults of this thread, -1 if they cannot be had: getrusage() is forbidden by the
 * seccomp filters of VMMs. Bare system calls, because open(), read() and close() are
 * cancellation points and ioctl() is none.
 */
static int64_t thread_faults(void)
{
	char line[512] = "";
	long fd = syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
	long length;

	if (fd < 0)
		return -1;
	length = syscall(SYS_read, fd, line, sizeof(line) - 1);
	syscall(SYS_close, fd);
	if (length <= 0)
		return -1;
	return (int64_t)(stat_field(line, STAT_MINFLT) + stat_field(line, STAT_MAJFLT));
}

static int measured_map(int fd, struct vfio_iommu_type1_dma_map *map, struct report_dma *dma)
{
	int64_t faults_before, faults_after;
	uint64_t start;
	int ret, err = errno;

	/* A first reading takes the faults of taking one: of code, stack and the clock's page. */
	report_clock();
	thread_faults();
	faults_before = thread_faults();
	errno = err;
	start = report_clock();
	ret = next_ioctl(fd, VFIO_IOMMU_MAP_DMA, map);
	err = errno;
	dma->nanoseconds = report_clock() - start;
	faults_after = thread_faults();
	dma->faults = faults_before < 0 || faults_after < 0 ? -1 : faults_after - faults_before;
	dma->error = ret < 0 ? err : 0;
	errno = err;
	return ret;
}

/*
 * May this byte be read, and is it 0? Only the kernel can say that without harm: as a path it is
 * "", which leads nowhere. A bare system call: that which sanitizers put before libc's reads the path.
 */
static bool is_zero(const char *byte)
{
	char target[1];
	int err = errno;
	bool zero;

#ifdef SYS_readlink
	zero = syscall(SYS_readlink, byte, target, sizeof(target)) < 0 && errno == ENOENT;
#else
	zero = syscall(SYS_readlinkat, AT_FDCWD, byte, target, sizeof(target)) < 0 &&
	       errno == ENOENT;
#endif
	errno = err;
	return zero;
}

/*
 * A wrong pointer is the kernel's to refuse (EFAULT). The highest bytes of argsz, the first member,
 * and of size, the last, are 0 in any argument of use.
 */
static bool can_be_read(const struct vfio_iommu_type1_dma_map *map)
{
	const char *bytes = (const char *)map;
	bool aligned = (uintptr_t)map % _Alignof(struct vfio_iommu_type1_dma_map) == 0;

	return aligned && is_zero(bytes + sizeof(map->argsz) - 1) &&
	       is_zero(bytes + sizeof(*map) - 1);
}

int dma_map(int fd, struct vfio_iommu_type1_dma_map *map)
{
	struct report_dma dma = { .error = 0 };
	struct mapping mapping;
	int ret;

	if (!table_used(&mappings) || !can_be_read(map) || map->argsz < sizeof(*map) ||
	    !find(&mapping, map->vaddr, map->size))
		return next_ioctl(fd, VFIO_IOMMU_MAP_DMA, map);
	dma.fd = (int)mapping.fd;
	dma.device = mapping.device;
	dma.range.index = (uint32_t)mapping.index;
	dma.range.offset = mapping.offset + (map->vaddr - mapping.start);
	dma.range.length = map->size;
	dma.address = map->vaddr;
	dma.iova = map->iova;
	ret = measured_map(fd, map, &dma);
	report_dma(&dma);
	return ret;
}
