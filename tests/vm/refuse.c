// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * refuse ERRNO CALL [FLAGS] -- COMMAND [ARGUMENT...]: runs COMMAND with a kernel that fails a system
 * call, mmap, munmap or madvise, with a number from errno.h; of mmap those only that have all of
 * FLAGS. The filter is seccomp's, so that nothing of it is in the process.
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOW_WORD(argument)                                                                         \
	((uint32_t)offsetof(struct seccomp_data, args[argument]) +                                 \
	 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

static uint32_t call_number(const char *name)
{
	static const struct {
		const char *name;
		uint32_t number;
	} calls[] = {
		{ "mmap", SYS_mmap }, { "munmap", SYS_munmap }, { "madvise", SYS_madvise },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].number;
	errx(125, "what is %s?", name);
}

static void refuse(uint32_t error, uint32_t number, uint32_t flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_WORD(3)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, flags),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, flags, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		err(125, "seccomp");
}

int main(int argc, char **argv)
{
	uint32_t flags = 0;
	int command = 4;

	if (argc > 4 && strcmp(argv[3], "--")) {
		flags = (uint32_t)strtoul(argv[3], NULL, 0);
		command = 5;
	}
	if (argc <= command || strcmp(argv[command - 1], "--"))
		errx(125, "usage: refuse ERRNO mmap|munmap|madvise [FLAGS] -- COMMAND [ARGUMENT...]");
	refuse((uint32_t)strtoul(argv[1], NULL, 0), call_number(argv[2]), flags);
	execvp(argv[command], argv + command);
	err(errno == ENOENT ? 127 : 126, "%s", argv[command]);
}
