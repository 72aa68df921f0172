// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "table.h"

static uint64_t *slot_at(struct table *table, unsigned int slot)
{
	return &table->storage[slot * (1 + table->words)];
}

unsigned int table_used(struct table *table)
{
	unsigned int taken = __atomic_load_n(&table->taken, __ATOMIC_RELAXED);

	return taken < table->slots ? taken : table->slots;
}

bool table_read(struct table *table, unsigned int slot, void *record)
{
	uint64_t *sequence = slot_at(table, slot), *words = sequence + 1;
	uint64_t before = __atomic_load_n(sequence, __ATOMIC_ACQUIRE);

	if (before == 0 || before & 1)
		return false;
	for (size_t i = 0; i < table->words; i++) {
		uint64_t word = __atomic_load_n(&words[i], __ATOMIC_ACQUIRE);

		memcpy((char *)record + i * sizeof(word), &word, sizeof(word));
	}
	return __atomic_load_n(sequence, __ATOMIC_RELAXED) == before;
}

void table_write(struct table *table, unsigned int slot, const void *record)
{
	uint64_t *sequence = slot_at(table, slot), *words = sequence + 1;
	uint64_t before = __atomic_load_n(sequence, __ATOMIC_RELAXED);

	if (before & 1 || !__atomic_compare_exchange_n(sequence, &before, before + 1, false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	for (size_t i = 0; i < table->words; i++) {
		uint64_t word;

		memcpy(&word, (const char *)record + i * sizeof(word), sizeof(word));
		__atomic_store_n(&words[i], word, __ATOMIC_RELEASE);
	}
	__atomic_store_n(sequence, before + 2, __ATOMIC_RELEASE);
}

void table_add(struct table *table, const void *record)
{
	unsigned int taken = __atomic_fetch_add(&table->taken, 1, __ATOMIC_RELAXED);

	table_write(table, taken % table->slots, record);
}
