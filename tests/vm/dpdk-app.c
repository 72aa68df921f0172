// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A DPDK application with a driver for QEMU's pci-testdev: DPDK's EAL maps its BARs. It reads a word
 * of each 64 KiB of what is mapped of BAR 2, says what that took, and waits for the end of its input.
 *
 *   dpdk-app EAL-ARGUMENT...
 *
 * Prints, as KEY=VALUE lines:
 *   version   DPDK's
 *   address   of BAR 2, as the EAL tells the driver
 *   size      of BAR 2, in bytes
 *   test      name of the device's first test, which it tells through BAR 0
 *   faults    minor faults taken by the reads
 *   pte_kb    VmPTE of the process
 *
 * The distributions package no headers for drivers, so what one needs is declared here: it is the
 * same in DPDK 22.11 and 24.11 (lib/eal/include/dev_driver.h, drivers/bus/pci/bus_pci_driver.h).
 * The libraries are opened at run time, so that one program serves for all versions.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#define RTE_PCI_DRV_NEED_MAPPING 0x0001
#define RTE_CLASS_ANY_ID 0xffffff
#define RTE_PCI_ANY_ID 0xffff
#define PCI_MAX_RESOURCE 6

struct rte_driver {
	TAILQ_ENTRY(rte_driver) next;
	const char *name;
	const char *alias;
};

struct rte_device {
	TAILQ_ENTRY(rte_device) next;
	const char *name;
	const char *bus_info;
	const struct rte_driver *driver;
	const void *bus;
	int numa_node;
	void *devargs;
};

struct rte_pci_addr {
	uint32_t domain;
	uint8_t bus;
	uint8_t devid;
	uint8_t function;
};

struct rte_pci_id {
	uint32_t class_id;
	uint16_t vendor_id;
	uint16_t device_id;
	uint16_t subsystem_vendor_id;
	uint16_t subsystem_device_id;
};

struct rte_mem_resource {
	uint64_t phys_addr;
	uint64_t len;
	void *addr;
};

struct rte_pci_device {
	TAILQ_ENTRY(rte_pci_device) next;
	struct rte_device device;
	struct rte_pci_addr addr;
	struct rte_pci_id id;
	struct rte_mem_resource mem_resource[PCI_MAX_RESOURCE];
};

struct rte_pci_driver {
	TAILQ_ENTRY(rte_pci_driver) next;
	struct rte_driver driver;
	int (*probe)(struct rte_pci_driver *driver, struct rte_pci_device *device);
	int (*remove)(struct rte_pci_device *device);
	int (*dma_map)(struct rte_pci_device *device, void *addr, uint64_t iova, size_t length);
	int (*dma_unmap)(struct rte_pci_device *device, void *addr, uint64_t iova, size_t length);
	const struct rte_pci_id *id_table;
	uint32_t drv_flags;
};

#define STEP (64 << 10)
#define BAR 2
#define REGION_OFFSET_SHIFT 40

static struct rte_pci_device *testdev;

static int probe(struct rte_pci_driver *driver, struct rte_pci_device *device)
{
	(void)driver;
	testdev = device;
	return 0;
}

static int no_remove(struct rte_pci_device *device)
{
	(void)device;
	return 0;
}

static const struct rte_pci_id ids[] = {
	{ RTE_CLASS_ANY_ID, 0x1b36, 0x0005, RTE_PCI_ANY_ID, RTE_PCI_ANY_ID },
	{ 0 },
};

static struct rte_pci_driver driver = {
	.driver.name = "testdev",
	.probe = probe,
	.remove = no_remove,
	.id_table = ids,
	.drv_flags = RTE_PCI_DRV_NEED_MAPPING,
};

static void *symbol(const char *library, const char *name)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
	void *found = handle ? dlsym(handle, name) : NULL;

	if (!found)
		errx(1, "%s", dlerror());
	return found;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* docs/specs/pci-testdev.rst of QEMU: byte 0 chooses a test, its name is at 16. */
static void print_test(volatile uint8_t *registers)
{
	char name[32] = "";

	registers[0] = 0;
	for (size_t i = 0; i < sizeof(name) - 1; i++) {
		name[i] = (char)registers[16 + i];
		if (!name[i])
			break;
	}
	printf("test=%s\n", name);
}

/* DPDK drivers add an offset to the BAR's address: each mapping has to be just there. */
static uint64_t check_and_count(const char *bar, bool touch)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uint64_t mapped = 0;
	char line[512];

	if (!maps)
		err(1, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		uint64_t start, end, offset;

		if (!strstr(line, "vfio") ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) != 3 ||
		    offset >> REGION_OFFSET_SHIFT != BAR)
			continue;
		offset &= (1ULL << REGION_OFFSET_SHIFT) - 1;
		if (start != (uintptr_t)bar + offset)
			errx(1, "offset 0x%" PRIx64 " of the BAR is at 0x%" PRIx64
				", the driver expects it at %p", offset, start, bar + offset);
		mapped += end - start;
		for (uint64_t at = 0; touch && at < end - start; at += STEP)
			(void)*(const volatile uint32_t *)(bar + offset + at);
	}
	fclose(maps);
	return mapped;
}

static long pte_kb(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmPTE: %ld", &kb) == 1)
			break;
	if (status)
		fclose(status);
	return kb;
}

int main(int argc, char **argv)
{
	int (*rte_eal_init)(int, char **) = symbol("librte_eal.so", "rte_eal_init");
	const char *(*rte_version)(void) = symbol("librte_eal.so", "rte_version");
	void (*rte_pci_register)(struct rte_pci_driver *) =
		symbol("librte_bus_pci.so", "rte_pci_register");
	const struct rte_mem_resource *bar;
	long before;

	rte_pci_register(&driver);
	if (rte_eal_init(argc, argv) < 0)
		errx(1, "rte_eal_init failed");
	if (!testdev)
		errx(1, "the EAL offered no pci-testdev");
	bar = &testdev->mem_resource[BAR];
	if (testdev->id.device_id != ids[0].device_id || !bar->addr || !testdev->mem_resource[0].addr)
		errx(1, "the EAL has not mapped the BARs, or struct rte_pci_device has changed");
	printf("version=%s\naddress=%p\nsize=0x%" PRIx64 "\n", rte_version(), bar->addr, bar->len);
	print_test(testdev->mem_resource[0].addr);
	/* What reading the list itself costs is not to be counted. */
	check_and_count(bar->addr, false);
	before = faults();
	printf("mapped=0x%" PRIx64 "\n", check_and_count(bar->addr, true));
	printf("faults=%ld\npte_kb=%ld\nready\n", faults() - before, pte_kb());
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
