/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library remembers: tables of fixed size that nobody ever waits for. */
#ifndef VFIOALIGN_TABLE_H
#define VFIOALIGN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct table - records of whole words
 * @words: length of a record, in words
 * @slots: number of records that there is room for
 * @taken: how many were ever added
 * @storage: @slots times a sequence number and a record
 *
 * A slot's sequence number is odd while it is written and 0 before. Nobody ever waits, so that
 * a signal handler can come at any point: a reader passes over a slot that changes under it,
 * and a writer over one that another is writing, which makes the library forget a record at
 * the worst.
 */
struct table {
	size_t words;
	unsigned int slots;
	unsigned int taken;
	uint64_t *storage;
};

/* A static table @name for @count records of @type, which has only words as members. */
#define TABLE(name, type, count)                                                                   \
	static uint64_t name##_storage[(count) * (1 + sizeof(type) / sizeof(uint64_t))];           \
	static struct table name = {                                                               \
		.words = sizeof(type) / sizeof(uint64_t),                                          \
		.slots = (count),                                                                  \
		.storage = name##_storage,                                                         \
	}

/** table_used - the number of slots that may hold a record */
unsigned int table_used(struct table *table);

/**
 * table_read - copy a record
 * @table: the table
 * @slot: less than table_used()
 * @record: set on success
 *
 * Return: false if the slot is empty or being written.
 */
bool table_read(struct table *table, unsigned int slot, void *record);

/** table_write - replace the record of a slot that was used before */
void table_write(struct table *table, unsigned int slot, const void *record);

/** table_add - add a record; in a full table the oldest goes */
void table_add(struct table *table, const void *record);

#endif
