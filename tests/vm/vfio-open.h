/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to the file descriptor of a VFIO device. */
#ifndef TESTS_VM_VFIO_OPEN_H
#define TESTS_VM_VFIO_OPEN_H

/**
 * vfio_open_group - by way of the device's group, as long as there has been VFIO
 * @bdf: the PCI device
 * @container_path: "/dev/vfio/vfio", or "/dev/iommu", which iommufd makes a container of
 * @container: set to the container, of type1 or compatible
 *
 * Return: the device; what fails ends the process with a message.
 */
int vfio_open_group(const char *bdf, const char *container_path, int *container);

/**
 * vfio_open_cdev - by its own node, bound to an iommufd and attached to an address space of it
 * @bdf: the PCI device
 *
 * Return: the device; what fails ends the process with a message.
 */
int vfio_open_cdev(const char *bdf);

#endif
