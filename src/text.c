// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
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
		text_add_byte(text, (char)(*string >= ' ' && *string <= '~' ? *string : '?'));
}

/* The length of the multibyte character that @bytes begins with, 0 if it is none. */
static size_t utf8_length(const unsigned char *bytes)
{
	static const struct {
		unsigned char mask, mark;
		uint32_t least;
	} leads[] = { { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };

	for (size_t more = 1; more <= 3; more++) {
		unsigned char mask = leads[more - 1].mask;
		uint32_t code = bytes[0] & (unsigned char)~mask;

		if ((bytes[0] & mask) != leads[more - 1].mark)
			continue;
		for (size_t i = 1; i <= more; i++) {
			if ((bytes[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (bytes[i] & 0x3f);
		}
		if (code < leads[more - 1].least || code > 0x10ffff || code >> 11 == 0xd800 >> 11)
			return 0;
		return more + 1;
	}
	return 0;
}

/* One character of @string as JSON has it; returns the bytes that it is in @string. */
static size_t escape(char out[8], const char *string)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)*string;
	size_t length = utf8_length((const unsigned char *)string);

	memset(out, 0, 8);
	if (length) {
		memcpy(out, string, length);
		return length;
	}
	if (byte == '"' || byte == '\\') {
		out[0] = '\\';
		out[1] = *string;
	} else if (byte >= ' ' && byte <= '~') {
		out[0] = *string;
	} else {
		memcpy(out, "\\u00", sizeof("\\u00"));
		out[4] = digits[byte >> 4];
		out[5] = digits[byte & 15];
	}
	return 1;
}

void text_add_json(struct text *text, const char *string, size_t most)
{
	char piece[8];
	size_t taken, length;

	text_add_byte(text, '"');
	for (; *string; string += taken, most -= length) {
		taken = escape(piece, string);
		length = strlen(piece);
		if (length > most)
			break;
		for (size_t i = 0; i < length; i++)
			text_add_byte(text, piece[i]);
	}
	text_add_byte(text, '"');
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

void text_add_digits(struct text *text, uint64_t number)
{
	add_number(text, number, 16);
}

void text_add_hex(struct text *text, uint64_t number)
{
	text_add(text, "0x");
	text_add_digits(text, number);
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
	/*
	 * A bare system call, because write() is a cancellation point and mmap() and ioctl() are
	 * none. Of other errors there is nobody left to tell.
	 */
	while (syscall(SYS_write, fd, text->bytes, text->length + 1) < 0 && errno == EINTR)
		;
}
