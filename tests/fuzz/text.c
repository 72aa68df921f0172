// SPDX-License-Identifier: LGPL-2.1-or-later
/* Strings for logs and JSON, put together from anything. */
#define _GNU_SOURCE
#include <inttypes.h>

#include "../../src/text.h"
#include "fuzz.h"

#define MOST_STEPS 40
#define CAPACITY (sizeof(((struct text *)NULL)->bytes) - 2)

/* One character of a JSON string, which is UTF-8: the bytes that it takes, 0 if it is none. */
static size_t json_character(const unsigned char *at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *at < 0x80 ? 1 : *at < 0xc0 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	uint32_t code = *at;

	if (*at == '\\') {
		if (at[1] == '"' || at[1] == '\\')
			return 2;
		return at[1] == 'u' && strspn((const char *)at + 2, "0123456789abcdef") >= 4 ? 6 : 0;
	}
	if (length == 1)
		return *at >= ' ' && *at <= '~' && *at != '"' ? 1 : 0;
	code &= 0xffU >> (length + 1);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	return length && code >= least[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ?
		       length : 0;
}

static void check_json(const char *json, size_t most)
{
	const char *at = json + 1;
	size_t length = strlen(json);

	FUZZ_CHECK(length >= 2 && length <= most + 2, "%zu of %zu", length, most);
	FUZZ_CHECK(*json == '"' && json[length - 1] == '"', "%s", json);
	while (at < json + length - 1) {
		size_t character = json_character((const unsigned char *)at);

		FUZZ_CHECK(character, "%s", at);
		at += character;
	}
	FUZZ_CHECK(at == json + length - 1, "%s", json);
}

static void check_number(void (*add)(struct text *, uint64_t), const char *format, uint64_t number)
{
	struct text alone;
	char expected[40];

	text_start(&alone);
	add(&alone, number);
	snprintf(expected, sizeof(expected), format, number);
	FUZZ_CHECK(!strcmp(text_string(&alone), expected), "%s, not %s", text_string(&alone), expected);
}

static void add_json(struct text *text, const char *string, size_t most)
{
	struct text alone;

	text_start(&alone);
	text_add_json(&alone, string, most);
	if (!text_is_cut(&alone))
		check_json(text_string(&alone), most);
	text_add_json(text, string, most);
}

static void add_plain(struct text *text, const char *string)
{
	struct text alone;
	const char *result;

	text_start(&alone);
	text_add(&alone, string);
	result = text_string(&alone);
	FUZZ_CHECK(strlen(result) == (strlen(string) < CAPACITY ? strlen(string) : CAPACITY), "%zu",
		   strlen(result));
	for (; *result; result++)
		FUZZ_CHECK(*result >= ' ' && *result <= '~', "byte %#x", (unsigned char)*result);
	text_add(text, string);
}

static void add_number(struct text *text, uint64_t number)
{
	check_number(text_add_decimal, "%" PRIu64, number);
	check_number(text_add_hex, "0x%" PRIx64, number);
	check_number(text_add_digits, "%" PRIx64, number);
	text_add_decimal(text, number);
	text_add_hex(text, number);
	text_add_size(text, number);
}

static void step(struct text *text, struct fuzz_input *input)
{
	uint8_t what = fuzz_byte(input);
	char piece[4096], *string;

	if (what < 32) {
		add_number(text, fuzz_number(input));
		return;
	}
	fuzz_string(input, piece, sizeof(piece));
	/* Exactly as long, for the sanitizer to see who reads on. */
	string = strdup(piece);
	FUZZ_CHECK(string, "no memory");
	if (what < 160)
		add_json(text, string, what < 64 ? fuzz_byte(input) : 4096);
	else
		add_plain(text, string);
	free(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct text text;
	size_t before = 0;

	text_start(&text);
	for (int i = 0; i < MOST_STEPS && input.left; i++) {
		bool cut = text_is_cut(&text);

		step(&text, &input);
		FUZZ_CHECK(text.length <= CAPACITY && text.length >= before, "%zu", text.length);
		FUZZ_CHECK(strlen(text_string(&text)) == text.length, "%zu", text.length);
		FUZZ_CHECK(!cut || text_is_cut(&text), "it has forgotten that it was cut");
		before = text.length;
	}
	return 0;
}
