// SPDX-License-Identifier: LGPL-2.1-or-later
/* Maps before any constructor has run, the library's among them, and again when all have. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"

#define SIZE ((size_t)4 << 30)

static int device;
static void *expected, *got, *memory;
static int asked, waiting = -1;

static void before_constructors(void)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = 2 };
	int ends[2];

	device = device_open();
	asked = ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info);
	if (pipe(ends) || write(ends[1], "123", 3) != 3 || ioctl(ends[0], FIONREAD, &waiting))
		_exit(2);
	memory = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	expected = device_arrange(device, MOCK_REGION(2), SIZE, page_size());
	got = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device, MOCK_REGION(2));
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) =
	before_constructors;

int main(void)
{
	char byte = 0;

	if (!memory)
		SKIP("this C library does not run .preinit_array");
	CHECK(memory != MAP_FAILED, "anonymous memory");
	CHECK_EQUAL(waiting, 3);
	CHECK_EQUAL(asked, -1);
	CHECK_EQUAL(got, expected);
	((char *)got)[7] = 'e';
	CHECK(pread(device, &byte, 1, MOCK_REGION(2) + 7) == 1 && byte == 'e', "%#x", byte);
	device_ask(device);
	device_arrange(device, MOCK_REGION(2), SIZE, page_size());
	got = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device, MOCK_REGION(2));
	CHECK_EQUAL(device_distance(got, MOCK_REGION(2)), 0);
	return 0;
}
