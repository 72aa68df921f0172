// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfio-open.h"

/*
 * Of linux/iommufd.h and the part of linux/vfio.h that came with it, Linux 6.6: the headers that this is
 * built with may be older.
 */
struct bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
};

struct ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

#define BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define IOAS_ALLOC _IO(VFIO_TYPE, 0x81)

static int open_or_die(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		err(1, "%s (is the device bound to vfio-pci?)", path);
	return fd;
}

static int open_group_node(const char *bdf)
{
	char link[64], target[256] = "", path[64];

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		err(1, "%s has no IOMMU group", bdf);
	snprintf(path, sizeof(path), "/dev/vfio%.32s", strrchr(target, '/'));
	return open_or_die(path);
}

int vfio_open_group(const char *bdf, const char *container_path, int *container)
{
	int group = open_group_node(bdf);
	int device;

	*container = open_or_die(container_path);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, container))
		err(1, "VFIO_GROUP_SET_CONTAINER");
	if (ioctl(*container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(1, "VFIO_SET_IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (device < 0)
		err(1, "VFIO_GROUP_GET_DEVICE_FD");
	return device;
}

/* sysfs has the node's name: "vfio7", and "noiommu-vfio7" for a device without an IOMMU. */
static int open_device_node(const char *bdf)
{
	char path[64], node[300] = "";
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	directory = opendir(path);
	if (!directory)
		err(1, "%s (is the device bound to vfio-pci?)", path);
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			snprintf(node, sizeof(node), "/dev/vfio/devices/%s", entry->d_name);
	closedir(directory);
	return open_or_die(node);
}

int vfio_open_cdev(const char *bdf)
{
	int device = open_device_node(bdf);
	struct bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = open_or_die("/dev/iommu") };
	struct ioas_alloc ioas = { .size = sizeof(ioas) };
	struct attach_iommufd_pt attach = { .argsz = sizeof(attach) };

	if (ioctl(device, BIND_IOMMUFD, &bind))
		err(1, "VFIO_DEVICE_BIND_IOMMUFD");
	if (ioctl(bind.iommufd, IOAS_ALLOC, &ioas))
		err(1, "IOMMU_IOAS_ALLOC");
	attach.pt_id = ioas.out_ioas_id;
	if (ioctl(device, ATTACH_IOMMUFD_PT, &attach))
		err(1, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	return device;
}
