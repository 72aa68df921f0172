/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the mock device and the programs that map it have in common. */
#ifndef TESTS_MOCK_H
#define TESTS_MOCK_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A sparse memfd with this seal and no other is a device. A seal can be asked for without
 * /proc and survives dup(), fork() and exec.
 */
#define MOCK_DEVICE_NAME "vfio-mock"
#define MOCK_DEVICE_SEAL F_SEAL_SHRINK

/* Where region @index begins in the file, as in include/linux/vfio_pci_core.h. */
#define MOCK_REGION(index) ((off_t)(index) << 40)

/*
 * struct mock_canary - the first and the last words of a mapping that another thread, by way
 * of $MOCK_STEAL, made where the library was about to map: whoever replaced, cut or wrote to
 * it destroyed a mapping that is not theirs. In /proc/PID/maps it goes by its name.
 */
#define MOCK_CANARY_NAME "vfio-canary"
#define MOCK_CANARY_MAGIC 0xCA9A21E5CA9A21E5

struct mock_canary {
	uint64_t magic;
	uint64_t start;
	uint64_t end;
};

#endif
