// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "image.h"

/* The start of a script counts: BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h. */
#define SCRIPT_START 256

/* load_script(), fs/binfmt_script.c */
bool image_script(const struct image *image, char *interpreter, size_t size)
{
	char line[SCRIPT_START + 1] = "";
	size_t length = image->size < SCRIPT_START ? image->size : SCRIPT_START;
	char *rest = line + 2;

	memcpy(line, image->bytes, length);
	if (strncmp(line, "#!", 2))
		return false;
	rest += strspn(rest, " \t");
	if (rest + strcspn(rest, " \t\n") == line + SCRIPT_START)
		return false;
	rest[strcspn(rest, " \t\n")] = '\0';
	return *rest && (size_t)snprintf(interpreter, size, "%s", rest) < size;
}

bool image_is_elf(const struct image *image)
{
	return image->size >= SELFMAG && !memcmp(image->bytes, ELFMAG, SELFMAG);
}

uint16_t image_machine(const struct image *image)
{
	const Elf64_Ehdr *header = (const void *)image->bytes;

	return image->size < sizeof(*header) ? EM_NONE : header->e_machine;
}

static const Elf64_Phdr *program_header(const struct image *image, uint32_t type)
{
	const Elf64_Ehdr *header = (const void *)image->bytes;

	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff % 8 ||
	    header->e_phoff > image->size ||
	    header->e_phnum > (image->size - header->e_phoff) / sizeof(Elf64_Phdr))
		return NULL;
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *segment = (const void *)(image->bytes + header->e_phoff);

		segment += i;
		if (segment->p_type == type && segment->p_offset <= image->size &&
		    segment->p_filesz <= image->size - segment->p_offset)
			return segment;
	}
	return NULL;
}

enum image_kind image_kind(const struct image *image, uint16_t machine, char *loader, size_t size)
{
	const Elf64_Ehdr *header = (const void *)image->bytes;
	const Elf64_Phdr *interpreter;

	if (image->size > EI_CLASS && image->bytes[EI_CLASS] == ELFCLASS32)
		return IMAGE_32_BIT;
	if (image->size < sizeof(*header) || header->e_machine != machine)
		return IMAGE_FOREIGN;
	interpreter = program_header(image, PT_INTERP);
	if (!interpreter || interpreter->p_filesz >= size)
		return header->e_type == ET_DYN ? IMAGE_STATIC_PIE : IMAGE_STATIC;
	snprintf(loader, size, "%.*s", (int)interpreter->p_filesz,
		 (const char *)image->bytes + interpreter->p_offset);
	return IMAGE_DYNAMIC;
}
