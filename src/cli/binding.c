// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "cli.h"

/* More than fit into a group: one bus has 256 functions. */
#define MOST_DEVICES 256

/* Commands that give a device to vfio-pci. */
static char *bind_commands(const char *bdf, bool bound)
{
	char *unbind = bound ? cli_format("echo %s >/sys/bus/pci/devices/%s/driver/unbind\n", bdf, bdf)
			     : cli_format("%s", "");
	bool loaded = !access(system_path("/sys/bus/pci/drivers/vfio-pci"), F_OK);
	char *commands = cli_format("%secho vfio-pci >/sys/bus/pci/devices/%s/driver_override\n"
				    "%secho %s >/sys/bus/pci/drivers_probe",
				    loaded ? "" : "modprobe vfio-pci\n", bdf, unbind, bdf);

	free(unbind);
	return commands;
}

static void append_line(char **lines, char *line)
{
	char *longer = *lines ? cli_format("%s\n%s", *lines, line) : cli_format("%s", line);

	free(*lines);
	free(line);
	*lines = longer;
}

/*
 * Devices of its group that neither VFIO nor nobody has, and what to type for them. Bridges do not
 * count: vfio_dev_driver_allowed(), drivers/vfio/group.c.
 */
static char *foreign_devices(const char *group, char **commands)
{
	struct system_bdf devices[MOST_DEVICES];
	unsigned int count = system_group_devices((unsigned int)strtoul(group, NULL, 10), devices,
						  MOST_DEVICES);
	char *list = cli_format("%s", "");
	char driver[256];

	for (unsigned int i = 0; i < count; i++) {
		char *longer;

		if (!system_driver(&devices[i], driver, sizeof(driver)) || system_is_vfio_driver(driver) ||
		    !strcmp(driver, "pcieport") || !strcmp(driver, "pci-stub"))
			continue;
		longer = cli_format("%s%s%s (%.40s)", list, *list ? ", " : "", devices[i].text, driver);
		append_line(commands, bind_commands(devices[i].text, true));
		free(list);
		list = longer;
	}
	return list;
}

bool binding_group(const struct system_bdf *bdf, char *group, size_t size)
{
	return system_link(system_path("/sys/bus/pci/devices/%s/iommu_group", bdf->text), group, size);
}

char *binding_problem(const struct system_bdf *bdf, char **remedy)
{
	char driver[256] = "", group[32];
	bool bound = system_driver(bdf, driver, sizeof(driver));
	char *foreign, *problem = NULL;

	*remedy = NULL;
	if (!bound || !system_is_vfio_driver(driver)) {
		*remedy = bind_commands(bdf->text, bound);
		return cli_format("%s%.40s, and VFIO does not have it",
				  bound ? "is bound to " : "has no driver", driver);
	}
	if (!binding_group(bdf, group, sizeof(group))) {
		*remedy = cli_format("switch the IOMMU on");
		return cli_format("has no IOMMU group");
	}
	foreign = foreign_devices(group, remedy);
	if (*foreign)
		problem = cli_format("its IOMMU group %s is not viable, since other drivers have devices of "
				     "it: %s", group, foreign);
	free(foreign);
	return problem;
}
