// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DPDK 22.11 to 25.11: pci_vfio_mmap_bar() and pci_vfio_map_resource_secondary() in
 * drivers/bus/pci/linux/pci_vfio.c. It reserves the whole BAR at a hint that is a multiple of a
 * page, the end of the previous mapping, and maps the pieces over that with MAP_FIXED; it goes on
 * with the address of the reservation. A secondary process does all of it with MAP_FIXED at the
 * primary's address.
 *
 * With an argument, a secondary process is started, with that as its LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../check.h"
#include "../device.h"
#include "pattern.h"

#define HINT ((char *)0x1100200000 + page_size())

static char *map_bar(struct pattern *region, char *address, int flags)
{
	char *bar = mmap(address, region->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	CHECK(bar != MAP_FAILED, "reservation");
	for (size_t i = 0; i < region->count; i++) {
		struct pattern_area *area = &region->areas[i];
		char *wanted = bar + area->offset;
		char *got = mmap(wanted, area->size, PATTERN_PROT, MAP_SHARED | MAP_FIXED, region->fd,
				 (off_t)(region->file_offset + area->offset));

		/* rte_mem_map() gives up on any other address. */
		CHECK_EQUAL(got, wanted);
		area->map = got;
	}
	return bar;
}

static int secondary(int fd, char *address)
{
	struct pattern region;

	pattern_inherit(&region, fd);
	CHECK_EQUAL(map_bar(&region, address, MAP_FIXED), address);
	pattern_report(&region);
	munmap(address, region.size);
	pattern_check_nothing_left();
	return 0;
}

static void run_secondary(char *program, const char *preload, int fd, const char *address)
{
	char number[16], at[32];
	int status;

	fflush(stdout);
	snprintf(number, sizeof(number), "%d", fd);
	snprintf(at, sizeof(at), "%p", (const void *)address);
	if (!fork()) {
		fcntl(fd, F_SETFD, 0);
		setenv("LD_PRELOAD", preload, 1);
		execl(program, program, "secondary", number, at, NULL);
		_exit(127);
	}
	CHECK(wait(&status) > 0 && status == 0, "the secondary process: status %#x", (unsigned int)status);
}

int main(int argc, char **argv)
{
	struct pattern region;
	char *bar;

	if (argc == 4)
		return secondary(atoi(argv[2]), (char *)strtoull(argv[3], NULL, 16));
	pattern_open(&region);
	bar = map_bar(&region, HINT, 0);
	CHECK(bar >= HINT, "%p is below the hint", (void *)bar);
	pattern_report(&region);
	if (argc == 2)
		run_secondary(argv[0], argv[1], region.fd, bar);
	munmap(bar, region.size);
	pattern_check_nothing_left();
	return 0;
}
