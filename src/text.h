/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short strings put together on the stack: no stdio, no heap, usable in a signal handler. */
#ifndef VFIOALIGN_TEXT_H
#define VFIOALIGN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct text - a string that grows up to its size and is cut there */
struct text {
	size_t length;
	bool cut;
	char bytes[1024];
};

/** text_start - make @text empty */
void text_start(struct text *text);

/** text_add_byte - append a byte as it is */
void text_add_byte(struct text *text, char byte);

/** text_add - append a string; control characters and non-ASCII bytes become '?' */
void text_add(struct text *text, const char *string);

/**
 * text_add_json - append a string as JSON has it, in quotes
 * @text: the text
 * @string: UTF-8; of other bytes each becomes the character of its number, U+0080 to U+00FF
 * @most: the bytes that it may take without the quotes; a longer one is cut before a character
 */
void text_add_json(struct text *text, const char *string, size_t most);

/** text_add_decimal - append a number */
void text_add_decimal(struct text *text, uint64_t number);

/** text_add_hex - append a number as 0x... */
void text_add_hex(struct text *text, uint64_t number);

/** text_add_digits - append a number in hexadecimal, without the 0x */
void text_add_digits(struct text *text, uint64_t number);

/** text_add_size - append a page size in bytes as "4K", "2M" or "1G" */
void text_add_size(struct text *text, uint64_t size);

/** text_string - the string, with its terminating zero, good until the next call on @text */
const char *text_string(struct text *text);

/** text_is_cut - did something not fit? */
bool text_is_cut(const struct text *text);

/** text_write_line - append a newline, also to a string that was cut, and write it at once */
void text_write_line(struct text *text, int fd);

#endif
