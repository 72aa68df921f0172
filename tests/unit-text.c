// SPDX-License-Identifier: LGPL-2.1-or-later
/* The strings of log lines and events. */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "text.h"

#define CAPACITY (sizeof(((struct text *)NULL)->bytes) - 2)

static bool is(struct text *text, const char *expected)
{
	const char *actual = text_string(text);

	if (!strcmp(actual, expected))
		return true;
	printf("# expected \"%s\", got \"%s\"\n", expected, actual);
	return false;
}

static bool starts_empty(void)
{
	struct text text;

	memset(&text, 'x', sizeof(text));
	text_start(&text);
	TAP_CHECK(is(&text, ""), "a text that was just started");
	TAP_CHECK(!text_is_cut(&text), "a text that was just started");
	return true;
}

static bool appends(void)
{
	struct text text;

	text_start(&text);
	text_add(&text, "fd ");
	text_add_decimal(&text, 3);
	text_add_byte(&text, ':');
	text_add(&text, "");
	text_add_hex(&text, 0x101000);
	TAP_CHECK(is(&text, "fd 3:0x101000"), "pieces in order");
	return true;
}

static bool replaces_control_characters(void)
{
	struct text text;

	for (int byte = 1; byte < 256; byte++) {
		const char string[] = { 'a', (char)byte, 'z', 0 };
		const char kept = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
		const char expected[] = { 'a', kept, 'z', 0 };

		text_start(&text);
		text_add(&text, string);
		TAP_CHECK(is(&text, expected), "byte %#x", (unsigned int)byte);
	}
	return true;
}

static bool keeps_single_bytes(void)
{
	struct text text;

	text_start(&text);
	text_add_byte(&text, '\n');
	text_add_byte(&text, '\x80');
	TAP_CHECK(is(&text, "\n\x80"), "text_add_byte()");
	return true;
}

static bool prints_numbers(void)
{
	static const struct {
		uint64_t number;
		const char *decimal;
		const char *hex;
	} numbers[] = {
		{ 0, "0", "0x0" },
		{ 9, "9", "0x9" },
		{ 10, "10", "0xa" },
		{ 0xdeadbeef, "3735928559", "0xdeadbeef" },
		{ 0x2F00F00000, "201879191552", "0x2f00f00000" },
		{ (uint64_t)1 << 63, "9223372036854775808", "0x8000000000000000" },
		{ UINT64_MAX, "18446744073709551615", "0xffffffffffffffff" },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct text text;

		text_start(&text);
		text_add_decimal(&text, numbers[i].number);
		TAP_CHECK(is(&text, numbers[i].decimal), "decimal");
		text_start(&text);
		text_add_hex(&text, numbers[i].number);
		TAP_CHECK(is(&text, numbers[i].hex), "hexadecimal");
	}
	return true;
}

static bool names_page_sizes(void)
{
	static const struct {
		uint64_t size;
		const char *name;
	} sizes[] = {
		{ 4ULL << 10, "4K" },	{ 16ULL << 10, "16K" }, { 64ULL << 10, "64K" },
		{ 2ULL << 20, "2M" },	{ 32ULL << 20, "32M" }, { 512ULL << 20, "512M" },
		{ 1ULL << 30, "1G" },	{ 16ULL << 30, "16G" }, { 4ULL << 40, "4096G" },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct text text;

		text_start(&text);
		text_add_size(&text, sizes[i].size);
		TAP_CHECK(is(&text, sizes[i].name), "%" PRIu64 " bytes", sizes[i].size);
	}
	return true;
}

static bool escapes_for_json(void)
{
	static const struct {
		const char *string;
		const char *json;
	} strings[] = {
		{ "", "\"\"" },
		{ "0000:01:00.0", "\"0000:01:00.0\"" },
		{ "\"\\/", "\"\\\"\\\\/\"" },
		{ "\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\\u007f\"" },
		{ "\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\"" },
		{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\"" },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
		/* overlong, surrogate, beyond Unicode, cut off, continuation alone */
		{ "\xc1\xbf", "\"\\u00c1\\u00bf\"" },
		{ "\xe0\x9f\xbf", "\"\\u00e0\\u009f\\u00bf\"" },
		{ "\xf0\x8f\xbf\xbf", "\"\\u00f0\\u008f\\u00bf\\u00bf\"" },
		{ "\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"" },
		{ "\xed\xbf\xbf", "\"\\u00ed\\u00bf\\u00bf\"" },
		{ "\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"" },
		{ "\xf8\x88\x80\x80\x80", "\"\\u00f8\\u0088\\u0080\\u0080\\u0080\"" },
		{ "\xe2\x82", "\"\\u00e2\\u0082\"" },
		{ "\x80\xff", "\"\\u0080\\u00ff\"" },
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct text text;

		text_start(&text);
		text_add_json(&text, strings[i].string, 100);
		TAP_CHECK(is(&text, strings[i].json), "string %zu", i);
	}
	return true;
}

static bool cuts_json_before_a_character(void)
{
	static const struct {
		const char *string;
		size_t most;
		const char *json;
	} strings[] = {
		{ "abc", 3, "\"abc\"" },
		{ "abc", 2, "\"ab\"" },
		{ "abc", 0, "\"\"" },
		{ "a\"", 2, "\"a\"" },
		{ "a\n", 6, "\"a\"" },
		{ "a\n", 7, "\"a\\u000a\"" },
		{ "\xe2\x82\xac", 2, "\"\"" },
		{ "\xe2\x82\xac", 3, "\"\xe2\x82\xac\"" },
		/* What is left out stays out, even if something behind it would fit. */
		{ "\nabc", 5, "\"\"" },
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct text text;

		text_start(&text);
		text_add_json(&text, strings[i].string, strings[i].most);
		TAP_CHECK(is(&text, strings[i].json), "string %zu", i);
	}
	return true;
}

static void fill(struct text *text, size_t count)
{
	text_start(text);
	while (count--)
		text_add(text, "x");
}

static bool fits_to_the_last_byte(void)
{
	struct text text;

	fill(&text, CAPACITY);
	TAP_CHECK(!text_is_cut(&text), "%zu bytes", CAPACITY);
	TAP_CHECK(strlen(text_string(&text)) == CAPACITY, "%zu", strlen(text_string(&text)));
	return true;
}

static bool cuts_what_does_not_fit(void)
{
	struct text text;

	fill(&text, CAPACITY + 1);
	TAP_CHECK(text_is_cut(&text), "%zu bytes", CAPACITY + 1);
	text_add_hex(&text, UINT64_MAX);
	TAP_CHECK(strlen(text_string(&text)) == CAPACITY, "%zu", strlen(text_string(&text)));
	text_start(&text);
	TAP_CHECK(!text_is_cut(&text), "after a new start");
	return true;
}

/* Reads back what text_write_line() wrote. */
static bool writes(struct text *text, const char *expected, size_t length)
{
	char actual[2 * sizeof(text->bytes)] = "";
	int ends[2];
	ssize_t got;

	TAP_CHECK(!pipe(ends), "no pipe");
	text_write_line(text, ends[1]);
	close(ends[1]);
	got = read(ends[0], actual, sizeof(actual));
	close(ends[0]);
	TAP_CHECK(got == (ssize_t)length, "%zd bytes, expected %zu", got, length);
	TAP_CHECK(!memcmp(actual, expected, length), "\"%.*s\"", (int)length, actual);
	return true;
}

static bool writes_one_line(void)
{
	struct text text;

	text_start(&text);
	text_add(&text, "one\nline");
	return writes(&text, "one?line\n", 9);
}

static bool ends_a_cut_line(void)
{
	char expected[CAPACITY + 1];
	struct text text;

	memset(expected, 'x', CAPACITY);
	expected[CAPACITY] = '\n';
	fill(&text, 2 * CAPACITY);
	return writes(&text, expected, sizeof(expected));
}

int main(void)
{
	tap(starts_empty(), "a text that was just started is empty");
	tap(appends(), "pieces follow one another");
	tap(replaces_control_characters(),
	    "control characters and non-ASCII bytes become question marks");
	tap(keeps_single_bytes(), "a single byte is kept as it is");
	tap(prints_numbers(), "numbers from 0 to UINT64_MAX print in full");
	tap(escapes_for_json(), "JSON strings are valid UTF-8 without control characters");
	tap(cuts_json_before_a_character(), "JSON strings are cut before a whole character");
	tap(names_page_sizes(), "page sizes print as 4K, 64K, 2M, 32M, 512M and 1G");
	tap(fits_to_the_last_byte(), "a text holds all but two of its bytes");
	tap(cuts_what_does_not_fit(), "a text that grows beyond its size is cut and says so");
	tap(writes_one_line(), "a line is written whole and with one newline");
	tap(ends_a_cut_line(), "a line that was cut still ends with a newline");
	return tap_end();
}
