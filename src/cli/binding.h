/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does VFIO have a device, so that a program can use it? */
#ifndef VFIOALIGN_CLI_BINDING_H
#define VFIOALIGN_CLI_BINDING_H

#include "system.h"

/**
 * binding_problem - why VFIO cannot be used with a device
 * @bdf: the device
 * @remedy: set to what to do, commands to type, one a line, or a sentence
 *
 * Return: a new string that says what is wrong; NULL if nothing is, as far as /sys tells.
 */
char *binding_problem(const struct system_bdf *bdf, char **remedy);

/**
 * binding_group - a device's IOMMU group
 * @bdf: the device
 * @group: set to its name below /dev/vfio: "7", or "noiommu-0"
 * @size: of @group
 *
 * Return: false if it has none.
 */
bool binding_group(const struct system_bdf *bdf, char *group, size_t size);

#endif
