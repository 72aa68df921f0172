// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names that somebody else chose, on their way to a terminal and to a shell. */
#define _GNU_SOURCE
#include <locale.h>
#include <wchar.h>

#include "../../src/cli/cli.h"
#include "fuzz.h"

static bool utf8;

static bool is_harmless(uint32_t code)
{
	return code >= ' ' && !(code >= 0x7f && code < 0xa0) && !(code >= 0x200b && code <= 0x200f) &&
	       !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f);
}

/* By itself, and not by libc's functions, which cli_printable() uses. */
static void check_printable(const char *string)
{
	const unsigned char *at = (const unsigned char *)string;

	while (*at) {
		uint32_t code = *at++;
		int more = code < 0x80 ? 0 : code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;

		FUZZ_CHECK(!more || (utf8 && code >= 0xc2), "byte %#x", code);
		code &= more ? 0x3fU >> more : 0x7f;
		for (; more; more--, at++) {
			FUZZ_CHECK((*at & 0xc0) == 0x80, "byte %#x", *at);
			code = code << 6 | (*at & 0x3f);
		}
		FUZZ_CHECK(is_harmless(code), "U+%04X", code);
	}
}

static char octal(const char *digits)
{
	return (char)(digits[0] << 6 | (digits[1] & 7) << 3 | (digits[2] & 7));
}

/* As a shell does, of the ways of quoting that cli_quoted() has. */
static char *unquoted(const char *word)
{
	char *result = malloc(strlen(word) + 1), *end = result;

	FUZZ_CHECK(result, "no memory");
	while (*word) {
		bool octals = word[0] == '$' && word[1] == '\'';

		if (*word == '\\') {
			*end++ = word[1];
			word += 2;
			continue;
		}
		if (*word != '\'' && !octals) {
			FUZZ_CHECK(!strchr(" $`\"*?[]{}()<>|&;#~!^", *word), "%c is not quoted", *word);
			*end++ = *word++;
			continue;
		}
		for (word += octals ? 2 : 1; *word != '\''; word++) {
			FUZZ_CHECK(*word, "the quotes are not closed");
			if (octals && *word == '\\') {
				*end++ = octal(word + 1);
				word += 3;
			} else {
				*end++ = *word;
			}
		}
		word++;
	}
	*end = '\0';
	return result;
}

static void check_quoted(const char *string)
{
	char *quoted = cli_quoted(string), *word = unquoted(quoted);

	check_printable(quoted);
	FUZZ_CHECK(!strcmp(word, string), "%s", quoted);
	FUZZ_CHECK(*quoted, "nothing is no word");
	free(word);
	free(quoted);
}

static void check_wrapped(const char *string, size_t width)
{
	char *copy = fuzz_all((const uint8_t *)string, strlen(string));

	cli_wrap(copy, width);
	for (size_t i = 0; string[i]; i++)
		FUZZ_CHECK(copy[i] == string[i] || (string[i] == ' ' && copy[i] == '\n'), "byte %zu", i);
	FUZZ_CHECK(strlen(copy) == strlen(string), "%zu bytes", strlen(copy));
	free(copy);
}

static void check_numbers(uint64_t number)
{
	char *text = cli_number(number), *size = cli_size(number);

	FUZZ_CHECK(strlen(text) <= 26 && strlen(size) <= 20, "%s, %s", text, size);
	free(size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static locale_t locales[2];
	struct fuzz_input input = { data, size };
	uint8_t width = fuzz_byte(&input);
	char *string, *printable;

	if (!locales[0]) {
		locales[0] = newlocale(LC_ALL_MASK, "C", NULL);
		locales[1] = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
		FUZZ_CHECK(locales[0] && locales[1], "there is no locale C.UTF-8");
	}
	utf8 = width & 1;
	uselocale(locales[utf8]);
	check_numbers(fuzz_number(&input));
	string = fuzz_all(input.at, input.left);
	printable = cli_printable(string);
	check_printable(printable);
	check_quoted(string);
	check_wrapped(string, width);
	cli_is_one_of(string, printable);
	free(printable);
	free(string);
	return 0;
}
