// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * All the firmware that QEMU's machine "virt" needs here: gives the memory BARs of the PCI devices on
 * bus 0 an address each and switches them on, which UEFI would take a minute for on an emulated CPU. The
 * addresses are those of hw/arm/virt.c.
 */
#include <stdint.h>

#define ECAM 0x4010000000
#define MEMORY 0x10000000
#define HIGH_MEMORY 0x8000000000
#define SLOTS 32
#define BARS 6

/* PCI Local Bus Specification, chapter 6 */
#define COMMAND 0x04
#define COMMAND_MEMORY 0x2
#define BAR_0 0x10
#define BAR_IO 0x1
#define BAR_64 0x4

static char stack[4096] __attribute__((aligned(16), used));

__asm__(".globl _start\n"
	"_start:\n"
	"	adrp x0, stack + 4096\n"
	"	add x0, x0, :lo12:stack + 4096\n"
	"	mov sp, x0\n"
	"	bl firmware\n"
	"1:	wfi\n"
	"	b 1b\n");

static volatile uint32_t *config(unsigned int slot, unsigned int offset)
{
	return (volatile uint32_t *)(ECAM + ((uintptr_t)slot << 15) + offset);
}

/* Of the two windows each is used from its start. */
static uint64_t take(uint64_t *window, uint64_t size)
{
	uint64_t address = (*window + size - 1) & -size;

	*window = address + size;
	return address;
}

static unsigned int place_bar(unsigned int slot, unsigned int bar, uint64_t *low, uint64_t *high)
{
	volatile uint32_t *at = config(slot, BAR_0 + 4 * bar);
	uint64_t mask, address;

	*at = ~0U;
	mask = *at;
	if (!mask || mask & BAR_IO)
		return 1;
	if (!(mask & BAR_64)) {
		*at = (uint32_t)take(low, -(mask | ~0xffffffffULL) & ~0xfULL);
		return 1;
	}
	at[1] = ~0U;
	mask |= (uint64_t)at[1] << 32;
	address = take(high, -(mask & ~0xfULL));
	at[0] = (uint32_t)address;
	at[1] = (uint32_t)(address >> 32);
	return 2;
}

void firmware(void);

void firmware(void)
{
	uint64_t low = MEMORY, high = HIGH_MEMORY;

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		/* No device, or a bridge. */
		if (*config(slot, 0) == ~0U || *config(slot, 0x0c) & 0x7f0000)
			continue;
		for (unsigned int bar = 0; bar < BARS;)
			bar += place_bar(slot, bar, &low, &high);
		*config(slot, COMMAND) |= COMMAND_MEMORY;
	}
}
