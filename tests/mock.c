// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A VFIO device without hardware or privileges: a preload for tests that stands behind
 * libvfioalign.so and makes a memfd (mock.h) answer as one.
 *
 *   MOCK_LINK       what readlink() of its /proc/self/fd/N says: "group" (default), "cdev", the
 *                   text itself, or "noproc": no link below /proc can be read
 *   MOCK_REGIONS    sizes by index: "0:16M 2:4G"
 *   MOCK_AREAS      sparse areas by index, offset and size: "2:0+1M 2:0x101000+0xffeff000"
 *   MOCK_FAIL       faults: "mmap:2:ENOMEM,madvise:1:EINVAL" fails the second mmap() and the
 *                   first madvise(), both counted from the first mmap() of the device; "dma_map" is
 *                   VFIO_IOMMU_MAP_DMA
 *   MOCK_STEAL      N: the first N times that (a part of) the latest PROT_NONE reservation is
 *                   given back, another mapping takes its place at once (struct mock_canary)
 *   MOCK_TOUCH      N: VFIO_IOMMU_MAP_DMA reads N bytes of its range, 2 MiB apart
 *   MOCK_NOREPLACE  "ignored": as before Linux 4.17, MAP_FIXED_NOREPLACE is only a hint
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mock.h"
#include "interpose.h"

#define MAX_AREAS 16
#define MAX_FAULTS 8
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct region {
	uint64_t size;
	uint32_t nr_areas;
	struct vfio_region_sparse_mmap_area areas[MAX_AREAS];
} regions[VFIO_PCI_NUM_REGIONS];

enum function {
	MMAP,
	MUNMAP,
	MADVISE,
	DMA_MAP,
	NR_FUNCTIONS,
};

static const char *const function_names[] = { "mmap", "munmap", "madvise", "dma_map" };

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EACCES", EACCES }, { "EAGAIN", EAGAIN }, { "EEXIST", EEXIST }, { "EFAULT", EFAULT },
	{ "EINVAL", EINVAL }, { "ENODEV", ENODEV }, { "ENOMEM", ENOMEM }, { "EPERM", EPERM },
};

static struct fault {
	enum function function;
	unsigned long nth;
	int error;
} faults[MAX_FAULTS];

static size_t nr_faults;
static bool device_mapped;
static unsigned long calls[NR_FUNCTIONS];

static bool started;
static const char *link_text = "anon_inode:[vfio-device]";
static bool has_proc = true;
static bool knows_noreplace = true;

static uint64_t touches;

static long steals;
static int canaries_fd = -1;
static off_t canaries_end;
static __thread struct {
	uintptr_t start;
	size_t length;
} reservation;

/* The settings. One that makes no sense ends the program, so that no test passes by a typo. */

static void __attribute__((noreturn)) bad_setting(const char *name)
{
	fprintf(stderr, "libmockvfio: cannot use %s=%s\n", name, getenv(name));
	_exit(99);
}

static uint64_t read_number(const char **text)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t number = strtoull(*text, &end, 0);
	const char *unit = *end ? strchr(units, *end) : NULL;

	*text = end + (unit != NULL);
	return unit ? number << (10 * (unit - units + 1)) : number;
}

static bool skip(const char **text, char byte)
{
	if (**text != byte)
		return false;
	++*text;
	return true;
}

static void read_regions(const char *text)
{
	do {
		uint64_t index = read_number(&text);

		if (index >= COUNT(regions) || !skip(&text, ':'))
			bad_setting("MOCK_REGIONS");
		regions[index].size = read_number(&text);
	} while (skip(&text, ' '));
	if (*text)
		bad_setting("MOCK_REGIONS");
}

static void read_areas(const char *text)
{
	do {
		uint64_t index = read_number(&text);
		struct vfio_region_sparse_mmap_area *area;

		if (index >= COUNT(regions) || regions[index].nr_areas == MAX_AREAS ||
		    !skip(&text, ':'))
			bad_setting("MOCK_AREAS");
		area = &regions[index].areas[regions[index].nr_areas++];
		area->offset = read_number(&text);
		if (!skip(&text, '+'))
			bad_setting("MOCK_AREAS");
		area->size = read_number(&text);
	} while (skip(&text, ' '));
	if (*text)
		bad_setting("MOCK_AREAS");
}

static bool skip_word(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length))
		return false;
	*text += length;
	return true;
}

static void read_fault(const char **text, struct fault *fault)
{
	while (!skip_word(text, function_names[fault->function]))
		if (++fault->function == NR_FUNCTIONS)
			bad_setting("MOCK_FAIL");
	if (!skip(text, ':'))
		bad_setting("MOCK_FAIL");
	fault->nth = read_number(text);
	if (!fault->nth || !skip(text, ':'))
		bad_setting("MOCK_FAIL");
	for (size_t i = 0; i < COUNT(errors) && !fault->error; i++)
		if (skip_word(text, errors[i].name))
			fault->error = errors[i].number;
	if (!fault->error)
		bad_setting("MOCK_FAIL");
}

static void read_faults(const char *text)
{
	do {
		if (nr_faults == MAX_FAULTS)
			bad_setting("MOCK_FAIL");
		read_fault(&text, &faults[nr_faults++]);
	} while (skip(&text, ','));
	if (*text)
		bad_setting("MOCK_FAIL");
}

static void read_link_setting(const char *text)
{
	if (!strcmp(text, "cdev"))
		link_text = "/dev/vfio/devices/vfio0";
	else if (!strcmp(text, "noproc"))
		has_proc = false;
	else if (strpbrk(text, "/:"))
		link_text = text;
	else if (strcmp(text, "group"))
		bad_setting("MOCK_LINK");
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

__attribute__((constructor)) static void start(void)
{
	const char *text;

	read_link_setting(setting("MOCK_LINK", "group"));
	read_regions(setting("MOCK_REGIONS", "0:16M 1:0 2:4G 4:128G 5:0x2F00F00000"));
	text = setting("MOCK_AREAS", NULL);
	if (text)
		read_areas(text);
	text = setting("MOCK_FAIL", NULL);
	if (text)
		read_faults(text);
	text = setting("MOCK_NOREPLACE", "known");
	knows_noreplace = strcmp(text, "ignored");
	if (knows_noreplace && strcmp(text, "known"))
		bad_setting("MOCK_NOREPLACE");
	text = setting("MOCK_STEAL", "0");
	steals = (long)read_number(&text);
	if (*text)
		bad_setting("MOCK_STEAL");
	text = setting("MOCK_TOUCH", "0");
	touches = read_number(&text);
	if (*text)
		bad_setting("MOCK_TOUCH");
	if (steals)
		canaries_fd = memfd_create(MOCK_CANARY_NAME, MFD_CLOEXEC);
	started = true;
}

/* The device. */

static bool is_device(int fd)
{
	int err = errno;
	int seals = fcntl(fd, F_GET_SEALS);

	errno = err;
	return seals == MOCK_DEVICE_SEAL;
}

/* As vfio_pci_core_mmap(). */
static bool refuses(size_t length, int flags, off_t offset)
{
	uint64_t index = (uint64_t)offset >> 40;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t end;

	/* Before it knows how large its regions are, all is well. */
	if (!started)
		return false;
	if (length && index < COUNT(regions) && flags & MAP_SHARED &&
	    !__builtin_add_overflow((uint64_t)(offset - MOCK_REGION(index)), length, &end) &&
	    end <= ((regions[index].size + page - 1) & -page))
		return false;
	errno = EINVAL;
	return true;
}

static bool fails(enum function function)
{
	unsigned long nth;

	if (!__atomic_load_n(&device_mapped, __ATOMIC_RELAXED))
		return false;
	nth = __atomic_add_fetch(&calls[function], 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < nr_faults; i++)
		if (faults[i].function == function && faults[i].nth == nth) {
			errno = faults[i].error;
			return true;
		}
	return false;
}

EXPORT void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	bool device = !(flags & MAP_ANONYMOUS) && is_device(fd);
	void *got;

	if (device)
		__atomic_store_n(&device_mapped, true, __ATOMIC_RELAXED);
	if (fails(MMAP) || (device && refuses(length, flags, offset)))
		return MAP_FAILED;
	if (!knows_noreplace && !(flags & MAP_FIXED))
		flags &= ~MAP_FIXED_NOREPLACE;
	got = (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
	if (steals && got != MAP_FAILED && prot == PROT_NONE && flags & MAP_ANONYMOUS) {
		reservation.start = (uintptr_t)got;
		reservation.length = length;
	}
	return got;
}

EXPORT void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

static void put_canary(uintptr_t start, size_t length)
{
	const struct mock_canary canary = {
		.magic = MOCK_CANARY_MAGIC,
		.start = start,
		.end = start + length,
	};
	char *got;

	if (ftruncate(canaries_fd, canaries_end + (off_t)length))
		abort();
	got = (char *)syscall(SYS_mmap, start, length, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED_NOREPLACE, canaries_fd, canaries_end);
	if (got != (char *)start)
		abort();
	memcpy(got, &canary, sizeof(canary));
	memcpy(got + length - sizeof(canary), &canary, sizeof(canary));
	canaries_end += (off_t)length;
}

EXPORT int munmap(void *addr, size_t length)
{
	uintptr_t start = (uintptr_t)addr;

	if (fails(MUNMAP) || syscall(SYS_munmap, addr, length))
		return -1;
	if (steals && start - reservation.start < reservation.length &&
	    length <= reservation.length - (start - reservation.start)) {
		steals--;
		put_canary(start, length);
	}
	return 0;
}

EXPORT int madvise(void *addr, size_t length, int advice)
{
	return fails(MADVISE) ? -1 : (int)syscall(SYS_madvise, addr, length, advice);
}

/* The system call is made in any case, so that a trace shows what the library asked for. */
EXPORT ssize_t readlink(const char *path, char *buffer, size_t size)
{
	static const char fds[] = "/proc/self/fd/", maps[] = "/proc/self/map_files/";
	static const char device[] = "/memfd:" MOCK_DEVICE_NAME;
	char target[4096];
	const char *answer = target;
	ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, path, target, sizeof(target));

	if (!has_proc && !strncmp(path, "/proc", 5)) {
		errno = ENOENT;
		return -1;
	}
	if (length < 0)
		return length;
	if ((!strncmp(path, fds, strlen(fds)) && is_device(atoi(path + strlen(fds)))) ||
	    (!strncmp(path, maps, strlen(maps)) && !strncmp(target, device, strlen(device)))) {
		answer = link_text;
		length = (ssize_t)strlen(link_text);
	}
	if ((size_t)length > size)
		length = (ssize_t)size;
	memcpy(buffer, answer, (size_t)length);
	return length;
}

static int device_info(struct vfio_device_info *info)
{
	if (info->argsz < offsetof(struct vfio_device_info, num_irqs) + sizeof(info->num_irqs)) {
		errno = EINVAL;
		return -1;
	}
	info->flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info->num_regions = VFIO_PCI_NUM_REGIONS;
	info->num_irqs = VFIO_PCI_NUM_IRQS;
	return 0;
}

/* A chain as vfio-pci's for a BAR with the MSI-X table in it: the areas come second. */
static void add_caps(struct vfio_region_info *info, const struct region *region)
{
	const struct vfio_info_cap_header msix_mappable = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
		.next = sizeof(*info) + sizeof(msix_mappable),
	};
	const struct vfio_region_info_cap_sparse_mmap sparse = {
		.header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1 },
		.nr_areas = region->nr_areas,
	};
	const size_t areas_size = region->nr_areas * sizeof(region->areas[0]);
	const size_t size = sizeof(*info) + sizeof(msix_mappable) + sizeof(sparse) + areas_size;
	char *to = (char *)(info + 1);

	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (info->argsz < size) {
		info->argsz = (uint32_t)size;
		return;
	}
	to = mempcpy(to, &msix_mappable, sizeof(msix_mappable));
	to = mempcpy(to, &sparse, sizeof(sparse));
	memcpy(to, region->areas, areas_size);
	info->cap_offset = sizeof(*info);
}

/* As vfio_pci_ioctl_get_region_info(). */
static int region_info(struct vfio_region_info *info)
{
	const struct region *region;

	if (info->argsz < sizeof(*info) || info->index >= COUNT(regions)) {
		errno = EINVAL;
		return -1;
	}
	region = &regions[info->index];
	info->offset = (uint64_t)MOCK_REGION(info->index);
	info->size = region->size;
	info->flags = 0;
	if (!region->size)
		return 0;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
		      VFIO_REGION_INFO_FLAG_MMAP;
	if (region->nr_areas)
		add_caps(info, region);
	return 0;
}

static int new_device(const char *name)
{
	int fd;

	if (!strcmp(name, "missing")) {
		errno = ENODEV;
		return -1;
	}
	fd = memfd_create(MOCK_DEVICE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && (ftruncate(fd, MOCK_REGION(VFIO_PCI_NUM_REGIONS)) ||
			fcntl(fd, F_ADD_SEALS, MOCK_DEVICE_SEAL)))
		_exit(99);
	return fd;
}

static int map_dma(const struct vfio_iommu_type1_dma_map *map)
{
	const volatile char *start;

	/* Before the argument is read: the error can be that it cannot be. */
	if (fails(DMA_MAP))
		return -1;
	start = (const char *)(uintptr_t)map->vaddr;
	for (uint64_t i = 0; i < touches && i << 21 < map->size; i++)
		(void)start[i << 21];
	return 0;
}

/* Groups and containers can be any file. */
EXPORT int ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if ((unsigned long)request == VFIO_DEVICE_GET_INFO && is_device(fd))
		return device_info(arg);
	if ((unsigned long)request == VFIO_DEVICE_GET_REGION_INFO && is_device(fd))
		return region_info(arg);
	if ((unsigned long)request == VFIO_GROUP_GET_DEVICE_FD)
		return new_device(arg);
	if ((unsigned long)request == VFIO_IOMMU_MAP_DMA)
		return map_dma(arg);
	if ((unsigned long)request == VFIO_DEVICE_RESET && is_device(fd))
		return 0;
	return (int)syscall(SYS_ioctl, fd, request, arg);
}
