/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bytes of a program say, of whoever's making they are: nothing here opens or runs any. */
#ifndef VFIOALIGN_CLI_IMAGE_H
#define VFIOALIGN_CLI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct image - the bytes of a program
 * @bytes: aligned as malloc(3) and mmap(2) do
 * @size: how many there are
 */
struct image {
	const unsigned char *bytes;
	size_t size;
};

/** enum image_kind - what an ELF file is to a library for one machine that ld.so is to load */
enum image_kind {
	IMAGE_32_BIT,
	IMAGE_FOREIGN,
	IMAGE_STATIC,
	IMAGE_STATIC_PIE,
	IMAGE_DYNAMIC,
};

/**
 * image_script - is it a script?
 * @image: the file
 * @interpreter: set to the interpreter that a "#!" line names, if it names a whole one
 * @size: of @interpreter
 */
bool image_script(const struct image *image, char *interpreter, size_t size);

/** image_is_elf - has it the magic number of ELF? */
bool image_is_elf(const struct image *image);

/** image_machine - e_machine of an ELF header, EM_NONE if there is no whole header */
uint16_t image_machine(const struct image *image);

/**
 * image_kind - what is an ELF file?
 * @image: the file
 * @machine: e_machine of the library
 * @loader: set to the dynamic loader that an IMAGE_DYNAMIC names
 * @size: of @loader
 */
enum image_kind image_kind(const struct image *image, uint16_t machine, char *loader, size_t size);

#endif
