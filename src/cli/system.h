/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine, as /proc and /sys tell: its kernel and its PCI devices. */
#ifndef VFIOALIGN_CLI_SYSTEM_H
#define VFIOALIGN_CLI_SYSTEM_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "../align.h"

/** The largest of a PCI device's regions that a program can map: BARs 0 to 5. */
#define SYSTEM_BARS 6

/** struct system_bdf - a PCI address as text: "0000:01:00.0" */
struct system_bdf {
	char text[24];
};

/**
 * system_parse_bdf - a PCI address
 * @text: "0000:01:00.0", or without its domain, as lspci prints it: "01:00.0"
 * @bdf: set to it, as the kernel writes it
 *
 * Return: false if it is none.
 */
bool system_parse_bdf(const char *text, struct system_bdf *bdf);

/**
 * system_set_root - read /proc and /sys below another directory
 * @directory: one that has "proc" and "sys", such as a copy of another machine's
 */
void system_set_root(const char *directory);

/** system_is_here - is it this machine that is looked at, and no copy of another's? */
bool system_is_here(void);

/**
 * system_path - a path below the root
 * @format: as of printf(3); the path begins with "/"
 *
 * Return: the path, in a buffer that is good until the call after the next.
 */
const char *system_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * system_read - the first line of a file
 * @path: as system_path() gives it
 * @line: set to the line, without its newline
 * @size: of @line
 *
 * Return: false if there is no such file, or it cannot be read; errno says why.
 */
bool system_read(const char *path, char *line, size_t size);

/**
 * system_link - the last part of what a symbolic link says
 * @path: as system_path() gives it
 * @name: set to it
 * @size: of @name
 *
 * Return: false if there is no such link.
 */
bool system_link(const char *path, char *name, size_t size);

/** enum system_thp - /sys/kernel/mm/transparent_hugepage/enabled */
enum system_thp {
	THP_MISSING,
	THP_NEVER,
	THP_MADVISE,
	THP_ALWAYS,
};

/**
 * struct system_kernel - what the kernel can do with BARs
 * @release: as uname -r
 * @huge: it maps BARs with huge pages: 6.12, drivers/vfio/pci/vfio_pci_core.c
 * @fast_dma: VFIO_IOMMU_MAP_DMA steps by page-table level: 6.15
 * @asks_thp: only where the setting for transparent huge pages allows: before 6.12.115, 6.18.54 and 7.3
 * @thp: that setting
 * @sizes: page sizes
 */
struct system_kernel {
	char release[128];
	bool huge;
	bool fast_dma;
	bool asks_thp;
	enum system_thp thp;
	struct align_sizes sizes;
};

/**
 * system_kernel_read - find out about the kernel
 * @kernel: set
 *
 * Return: false if /proc does not tell the release.
 */
bool system_kernel_read(struct system_kernel *kernel);

/**
 * system_bar_size - how large is a BAR?
 * @bdf: the device
 * @bar: its number
 *
 * Return: bytes; 0 if there is no such device or BAR, or if it is no memory.
 */
uint64_t system_bar_size(const struct system_bdf *bdf, unsigned int bar);

/**
 * system_group_devices - the devices of an IOMMU group
 * @group: its number
 * @devices: set
 * @most: how many there may be
 *
 * Return: how many were set.
 */
unsigned int system_group_devices(unsigned int group, struct system_bdf *devices, unsigned int most);

/**
 * system_driver - the driver that a PCI device is bound to
 * @bdf: the device
 * @driver: set
 * @size: of @driver
 *
 * Return: false if it has none.
 */
bool system_driver(const struct system_bdf *bdf, char *driver, size_t size);

/**
 * system_group_node - the name of an IOMMU group's node in /dev/vfio
 * @group: the group's number, as text
 * @node: set
 * @size: of @node
 *
 * Return: false if VFIO made the group itself, for a device that has no IOMMU: noiommu-7.
 */
bool system_group_node(const char *group, char *node, size_t size);

/** system_is_vfio_driver - is this driver vfio-pci, or a variant of it? */
bool system_is_vfio_driver(const char *driver);

#endif
