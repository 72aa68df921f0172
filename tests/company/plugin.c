// SPDX-License-Identifier: LGPL-2.1-or-later
/* A plugin, or a library that a program needs: it maps when it is loaded and when it is asked. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "mock.h"

#define SIZE ((size_t)4 << 30)
#define EXPORT __attribute__((visibility("default")))

EXPORT void *plugin_map(int fd, off_t offset, size_t length);

void *plugin_map(int fd, off_t offset, size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

/* Of a library that the program needs, this comes before the preloads' constructors. */
__attribute__((constructor)) static void start(void)
{
	int fd = memfd_create(MOCK_DEVICE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *got;

	if (fd < 0 || ftruncate(fd, MOCK_REGION(3)) || fcntl(fd, F_ADD_SEALS, MOCK_DEVICE_SEAL))
		_exit(3);
	got = plugin_map(fd, MOCK_REGION(2), SIZE);
	if (got == MAP_FAILED)
		_exit(4);
	got[SIZE - 1] = 'p';
	if (munmap(got, SIZE) || close(fd))
		_exit(5);
}
