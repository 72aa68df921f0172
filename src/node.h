/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of VFIO device nodes, of the cdev interface. No state, no system call. */
#ifndef VFIOALIGN_NODE_H
#define VFIOALIGN_NODE_H

/**
 * node_name - the name of the device node that a path leads to
 * @path: as /proc has it of an open file; below a container's or a chroot's /dev it begins with that
 *
 * The nodes are "/dev/vfio/devices/vfio7", and "noiommu-vfio7" of a device without an IOMMU:
 * vfio_init() and vfio_device_set_noiommu_and_name() in drivers/vfio/vfio_main.c, Linux 7.3.
 *
 * Return: the name, in @path; NULL if the path does not look like one.
 */
const char *node_name(const char *path);

#endif
