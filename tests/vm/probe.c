// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that knows nothing of alignment: maps a region of a VFIO device with a plain mmap(),
 * DMA-maps it through type1 and says what that took. It does not touch the device's memory,
 * unless asked with --write, --read or --every.
 *
 * With --cdev it opens the device by its own node and binds it to an iommufd, and with --container
 * /dev/iommu it has iommufd be the group's container. Neither can DMA-map a BAR. With COMMAND it opens
 * the device and runs that, with the file descriptor's number in $TESTS_DEVICE, see tests/device.c. With
 * --stay it ends when it is killed.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "vfio-open.h"

/* Above the MSI window and below 2^39, the least that an IOMMU translates. */
#define IOVA (4ULL << 30)

static struct {
	const char *device;
	unsigned int region;
	uint64_t offset;
	uint64_t length;
	uint64_t address;
	uint64_t congruent;
	bool fixed;
	const char *write;
	size_t read;
	size_t pread;
	uint64_t every;
	bool spend;
	unsigned int leave;
	bool cdev;
	const char *container;
	bool stay;
	char **command;
} options = { .region = 2, .container = "/dev/vfio/vfio" };

static const struct option long_options[] = {
	{ "region", required_argument, NULL, 'r' },
	{ "offset", required_argument, NULL, 'o' },
	{ "length", required_argument, NULL, 'l' },
	{ "fixed", required_argument, NULL, 'f' },
	{ "hint", required_argument, NULL, 'h' },
	{ "by-hand", required_argument, NULL, 'b' },
	{ "write", required_argument, NULL, 'w' },
	{ "read", required_argument, NULL, 'R' },
	{ "pread", required_argument, NULL, 'p' },
	{ "every", required_argument, NULL, 'e' },
	{ "leave", required_argument, NULL, 'L' },
	{ "cdev", no_argument, NULL, 'c' },
	{ "container", required_argument, NULL, 'C' },
	{ "stay", no_argument, NULL, 's' },
	{ NULL, 0, NULL, 0 },
};

static void usage(void)
{
	fputs("usage: probe [--region N] [--offset O] [--length L] [--hint ADDRESS] [--fixed ADDRESS]\n"
	      "             [--by-hand MODULUS] [--write TEXT] [--read BYTES] [--pread BYTES]\n"
	      "             [--every BYTES] [--leave MAPPINGS] [--cdev | --container FILE]\n"
	      "             [--stay] BDF [COMMAND [ARGUMENT...]]\n",
	      stderr);
	exit(2);
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case 'r':
			options.region = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'o':
			options.offset = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			options.length = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			options.fixed = true;
			options.address = strtoull(optarg, NULL, 0);
			break;
		case 'h':
			options.address = strtoull(optarg, NULL, 0);
			break;
		case 'b':
			options.congruent = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			options.write = optarg;
			break;
		case 'R':
			options.read = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			options.pread = strtoul(optarg, NULL, 0);
			break;
		case 'e':
			options.every = strtoull(optarg, NULL, 0);
			break;
		case 'L':
			options.spend = true;
			options.leave = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'c':
			options.cdev = true;
			break;
		case 'C':
			options.container = optarg;
			break;
		case 's':
			options.stay = true;
			break;
		default:
			usage();
		}
	}
	if (optind >= argc)
		usage();
	options.device = argv[optind];
	options.command = argv + optind + 1;
}

static int open_device(int *container)
{
	if (options.cdev)
		return vfio_open_cdev(options.device);
	return vfio_open_group(options.device, options.container, container);
}

/* What a program that knows about huge BAR pages does for itself: the measure to be met. */
static void *map_by_hand(int device, uint64_t file_offset)
{
	uint64_t modulus = options.congruent, target;
	char *room = mmap(NULL, options.length + modulus, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	void *map;

	if (room == MAP_FAILED)
		return room;
	target = (uint64_t)room + ((options.offset - (uint64_t)room) & (modulus - 1));
	map = mmap((void *)target, options.length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   device, (off_t)file_offset);
	if (map != MAP_FAILED)
		madvise(map, options.length, MADV_HUGEPAGE);
	return map;
}

/* Room for a few areas: more are not looked at. */
static union {
	struct vfio_region_info info;
	char room[4096];
} region;

static void ask_region(int device)
{
	region.info.argsz = sizeof(region);
	region.info.index = options.region;
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region.info))
		err(1, "VFIO_DEVICE_GET_REGION_INFO");
}

/* Where only parts of the region can be mapped, the first of them, as far as nothing else was asked for. */
static uint64_t mappable(void)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse;
	const struct vfio_info_cap_header *header;

	for (uint32_t at = region.info.cap_offset; at && at < sizeof(region); at = header->next) {
		header = (const void *)(region.room + at);
		sparse = (const void *)header;
		if (header->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && sparse->nr_areas &&
		    sparse->areas[0].offset == options.offset)
			return sparse->areas[0].size;
	}
	return region.info.size - options.offset;
}

static void *map_region(int device)
{
	uint64_t file_offset = region.info.offset + options.offset;
	int flags = MAP_SHARED | (options.fixed ? MAP_FIXED : 0);
	void *map;

	if (!options.length)
		options.length = mappable();
	if (options.congruent)
		map = map_by_hand(device, file_offset);
	else
		map = mmap((void *)options.address, options.length, PROT_READ | PROT_WRITE, flags,
			   device, (off_t)file_offset);
	if (map == MAP_FAILED)
		err(1, "mmap");
	return map;
}

static long thread_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void dma_map(int container, void *map)
{
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)map,
		.iova = IOVA,
		.size = options.length,
	};
	double start = seconds();
	long faults = thread_faults();
	int failed = ioctl(container, VFIO_IOMMU_MAP_DMA, &dma);

	faults = thread_faults() - faults;
	start = seconds() - start;
	if (failed)
		err(1, "VFIO_IOMMU_MAP_DMA");
	if (!ioctl(container, VFIO_IOMMU_MAP_DMA, (void *)sizeof(dma)) || errno != EFAULT)
		err(1, "an argument that cannot be read");
	printf("faults=%ld\n", faults);
	printf("dma_seconds=%.6f\n", start);
}

/* --pread goes another way than the mapping: through the device's own read(). */
static void access_memory(int device, off_t file_offset, char *map)
{
	char bytes[256] = "";

	if (options.write)
		memcpy(map, options.write, strlen(options.write));
	if (options.read)
		printf("bytes=%.*s\n", (int)options.read, map);
	if (options.pread && options.pread < sizeof(bytes)) {
		if (pread(device, bytes, options.pread, file_offset) != (ssize_t)options.pread)
			err(1, "pread");
		printf("bytes=%s\n", bytes);
	}
}

/* What dpdk-app does. */
static void read_every(const volatile char *map, uint64_t step)
{
	long faults = thread_faults();

	for (uint64_t at = 0; at < options.length; at += step)
		(void)*(const volatile uint32_t *)(map + at);
	printf("faults=%ld\n", thread_faults() - faults);
}

static void print_link(int device)
{
	char link[64], target[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", device);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		err(1, "%s", link);
	printf("link=%s\n", target);
}

static void print_page_tables(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "VmPTE:", 6))
			printf("pte_kb=%lu\n", strtoul(line + 6, NULL, 10));
	if (status)
		fclose(status);
}

/* Of vm.max_map_count, so many are left. Protections alternate, for no two mappings to become one. */
static void spend_mappings(void)
{
	static void *pages[1 << 16];
	unsigned int count = 0;

	/* From here on stdio may have no memory for a buffer. */
	printf("left=%u\n", options.leave);
	for (; count < sizeof(pages) / sizeof(pages[0]); count++) {
		pages[count] = mmap(NULL, (size_t)getpagesize(), count & 1 ? PROT_READ : PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pages[count] == MAP_FAILED)
			break;
	}
	for (unsigned int i = 0; i < options.leave && count; i++)
		munmap(pages[--count], (size_t)getpagesize());
}

static void __attribute__((noreturn)) run_command(int device)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", device);
	setenv("TESTS_DEVICE", number, 1);
	/* The device as a group or a node gives it would be closed. */
	fcntl(device, F_SETFD, 0);
	execvp(options.command[0], options.command);
	err(127, "%s", options.command[0]);
}

int main(int argc, char **argv)
{
	int container = -1, device;
	void *map;

	parse(argc, argv);
	device = open_device(&container);
	if (*options.command)
		run_command(device);
	ask_region(device);
	if (options.spend)
		spend_mappings();
	map = map_region(device);
	print_link(device);
	printf("address=%p\n", map);
	printf("length=%#llx\n", (unsigned long long)options.length);
	if (options.write || options.read || options.pread)
		access_memory(device, (off_t)(region.info.offset + options.offset), map);
	else if (options.every)
		read_every(map, options.every);
	else
		dma_map(container, map);
	print_page_tables();
	fflush(stdout);
	if (options.stay)
		pause();
	return 0;
}
