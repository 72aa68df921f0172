// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stddef.h>
#include <string.h>

#include "node.h"

const char *node_name(const char *path)
{
	static const char directory[] = "/vfio/devices/", no_iommu[] = "noiommu-", prefix[] = "vfio";
	const char *name = strrchr(path, '/');
	const char *number;

	if (!name)
		return NULL;
	name++;
	if ((size_t)(name - path) < strlen(directory) ||
	    strncmp(name - strlen(directory), directory, strlen(directory)))
		return NULL;
	number = strncmp(name, no_iommu, strlen(no_iommu)) ? name : name + strlen(no_iommu);
	if (strncmp(number, prefix, strlen(prefix)))
		return NULL;
	number += strlen(prefix);
	return *number && !number[strspn(number, "0123456789")] ? name : NULL;
}
