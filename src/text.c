// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <unistd.h>

#include "text.h"

void text_add_byte(struct text *text, char byte)
{
	/* Two bytes are kept for the newline and the terminating zero. */
	if (text->length < sizeof(text->bytes) - 2)
		text->bytes[text->length++] = byte;
	else
		text->cut = true;
}

void text_start(struct text *text)
{
	text->length = 0;
	text->cut = false;
}

void text_add(struct text *text, const char *string)
{
	for (; *string; string++)
		text_add_byte(text, *string >= ' ' && *string <= '~' ? *string : '?');
}

static void add_number(struct text *text, uint64_t number, unsigned int base)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	while (count)
		text_add_byte(text, digits[--count]);
}

void text_add_decimal(struct text *text, uint64_t number)
{
	add_number(text, number, 10);
}

void text_add_hex(struct text *text, uint64_t number)
{
	text_add(text, "0x");
	add_number(text, number, 16);
}

void text_add_size(struct text *text, uint64_t size)
{
	const char *unit = "KMG";

	for (size >>= 10; size >= 1024 && unit[1]; size >>= 10)
		unit++;
	add_number(text, size, 10);
	text_add_byte(text, *unit);
}

const char *text_string(struct text *text)
{
	text->bytes[text->length] = '\0';
	return text->bytes;
}

bool text_is_cut(const struct text *text)
{
	return text->cut;
}

void text_write_line(struct text *text, int fd)
{
	text->bytes[text->length] = '\n';
	/* Of other errors there is nobody left to tell. */
	while (write(fd, text->bytes, text->length + 1) < 0 && errno == EINTR)
		;
}
