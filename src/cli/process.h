/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VFIO mappings of a process, as /proc tells. */
#ifndef VFIOALIGN_CLI_PROCESS_H
#define VFIOALIGN_CLI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "system.h"

#define PROCESS_DEVICES 64

/**
 * struct process_mapping - one mapping of a VFIO device
 * @next: the next one, by address, or NULL
 * @address: in the process
 * @length: bytes
 * @region: index of the region; of a PCI device, the number of the BAR
 * @offset: in the region, in bytes
 * @advised: MADV_HUGEPAGE has been given; only if process_read() was asked for it
 * @devices: the devices that it may be of: one, if it can be told which
 * @device_count: how many they are, 0 if nothing is known
 */
struct process_mapping {
	struct process_mapping *next;
	uint64_t address;
	uint64_t length;
	unsigned int region;
	uint64_t offset;
	bool advised;
	struct system_bdf devices[PROCESS_DEVICES];
	unsigned int device_count;
};

/**
 * struct process - a process
 * @pid: its number
 * @name: its executable's name, or what it calls itself
 * @pte_kb: VmPTE: memory that its page tables take, in kB
 * @mappings: its VFIO mappings
 */
struct process {
	pid_t pid;
	char name[256];
	uint64_t pte_kb;
	struct process_mapping *mappings;
};

/**
 * process_name - what a process is called
 * @process: its @pid is given, its @name is set
 *
 * Return: false if it has gone, or is a thread of the kernel.
 */
bool process_name(struct process *process);

/**
 * process_read - a process's VFIO mappings
 * @process: its @pid is given; all else is set
 * @advice: read which mappings have been given MADV_HUGEPAGE; that makes the kernel walk the page
 *          tables of all mappings before them
 *
 * Return: 0; ESRCH if it has gone; EACCES or another errno if it may not be read.
 */
int process_read(struct process *process, bool advice);

/** process_pte_kb - VmPTE of a process in kB; 0 if it cannot be read */
uint64_t process_pte_kb(pid_t pid);

/** process_free - free the mappings */
void process_free(struct process *process);

/**
 * process_parse_mapping - one line of /proc/PID/maps
 * @line: the line
 * @mapping: its @address, @length, @region and @offset are set
 * @path: set to where the path begins in @line
 *
 * Return: false if it is no mapping of a VFIO device.
 */
bool process_parse_mapping(char *line, struct process_mapping *mapping, const char **path);

/**
 * process_parse_fdinfo - one line of /proc/PID/fdinfo/N
 * @line: the line
 * @bdf: set to the PCI device that vfio-device-syspath names (Linux 6.18)
 *
 * Return: false if it names none.
 */
bool process_parse_fdinfo(const char *line, struct system_bdf *bdf);

#endif
