// SPDX-License-Identifier: LGPL-2.1-or-later
/* Programs of any bytes, and what their dynamic loaders say. */
#define _GNU_SOURCE
#include <elf.h>
#include <limits.h>

#include "../../src/cli/image.h"
#include "../../src/cli/loader.h"
#include "fuzz.h"

#define LIBRARY "/usr/lib/libvfioalign.so"

/* Headers that are right where most inputs would fail, with the rest of the bytes behind them. */
static void mend(unsigned char *bytes, size_t size, uint8_t how)
{
	Elf64_Ehdr *header = (void *)bytes;

	if (size < sizeof(*header))
		return;
	if (how & 1) {
		memcpy(bytes, ELFMAG, SELFMAG);
		bytes[EI_CLASS] = ELFCLASS64;
		header->e_machine = EM_X86_64;
		header->e_phentsize = sizeof(Elf64_Phdr);
	}
	if (how & 2)
		header->e_phoff = sizeof(*header);
	if (how & 4)
		header->e_phnum %= 8;
	if (how & 8 && size >= sizeof(*header) + sizeof(Elf64_Phdr)) {
		Elf64_Phdr *segment = (void *)(bytes + sizeof(*header));

		segment->p_type = PT_INTERP;
		segment->p_offset %= 1024;
		segment->p_filesz %= 1024;
	}
}

static void read_image(const uint8_t *data, size_t size, uint8_t how)
{
	unsigned char *bytes = malloc(size + !size);
	char path[PATH_MAX], loader[PATH_MAX];
	const struct image image = { bytes, size };

	FUZZ_CHECK(bytes, "no memory");
	if (size)
		memcpy(bytes, data, size);
	mend(bytes, size, how);
	if (image_script(&image, path, sizeof(path))) {
		FUZZ_CHECK(bytes[0] == '#' && bytes[1] == '!', "no script");
		FUZZ_CHECK(*path && strlen(path) < 256 && !strpbrk(path, " \t\n"), "\"%s\"", path);
	}
	if (image_is_elf(&image))
		FUZZ_CHECK(size >= SELFMAG, "%zu bytes", size);
	if (image_kind(&image, EM_X86_64, loader, sizeof(loader)) == IMAGE_DYNAMIC) {
		FUZZ_CHECK(image_machine(&image) == EM_X86_64, "%u", image_machine(&image));
		FUZZ_CHECK(memchr(loader, 0, sizeof(loader)) && strlen(loader) <= size, "%zu bytes",
			   strlen(loader));
		FUZZ_CHECK(memmem(bytes, size, loader, strlen(loader)), "\"%s\"", loader);
	}
	free(bytes);
}

static void read_answer(const uint8_t *data, size_t size)
{
	char *said = fuzz_all(data, size);
	char asan[PATH_MAX] = "", *complaint;

	loader_asan(said, asan, sizeof(asan));
	FUZZ_CHECK(strlen(asan) < sizeof(asan) && !strpbrk(asan, " \n"), "\"%s\"", asan);
	if (loader_lists(said, LIBRARY))
		FUZZ_CHECK(strstr(said, "/libvfioalign.so "), "it is not there");
	complaint = loader_complaint(said, LIBRARY);
	if (complaint) {
		FUZZ_CHECK(complaint >= said && complaint <= said + size, "not of the answer");
		FUZZ_CHECK(!strchr(complaint, '\n') && *complaint != '\t', "\"%s\"", complaint);
	}
	free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	uint8_t what = fuzz_byte(&input);

	if (what & 0x80)
		read_answer(input.at, input.left);
	else
		read_image(input.at, input.left, what);
	return 0;
}
