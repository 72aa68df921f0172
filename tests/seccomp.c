// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * seccomp FILTER [CALL]: every case of the library under a filter that kills for all else
 *
 *   vmm     what cloud-hypervisor lets the thread do that maps BARs (vmm/src/seccomp_filters.rs)
 *   strict  what a mapping takes, and little else
 *   none    no filter
 *
 * CALL is one that is made in the end, for which the filter has to kill: "mremap", "getrusage",
 * "openat" or "ioctl", which is none of VFIO's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "check.h"
#include "device.h"

#define SIZE (4 * GIB)
#define RESERVATION (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define MAX_CODE 256
#define KVM_TYPE 0xAE

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/*
 * readlinkat: the mock's readlink() calls it; where libc has no other, so does libc's. For the
 * mock's sake fcntl(F_GET_SEALS) is let through as well.
 */
static const int strict[] = {
	SYS_mmap, SYS_munmap, SYS_madvise, SYS_readlinkat, SYS_write, SYS_close, SYS_read,
	SYS_fstat, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_futex, SYS_brk,
	SYS_clock_gettime,
#ifdef SYS_readlink
	SYS_readlink,
#endif
};

/* In addition to those. */
static const int vmm[] = {
	SYS_accept4, SYS_bind, SYS_clock_nanosleep, SYS_clone, SYS_connect, SYS_dup,
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_execve, SYS_fallocate,
	SYS_fcntl, SYS_fdatasync, SYS_fsync, SYS_ftruncate, SYS_getpid, SYS_getrandom, SYS_gettid,
	SYS_gettimeofday, SYS_getuid, SYS_listen, SYS_lseek, SYS_memfd_create, SYS_mprotect,
	SYS_mremap, SYS_nanosleep, SYS_openat, SYS_pipe2, SYS_prctl, SYS_pread64, SYS_prlimit64,
	SYS_pwrite64, SYS_recvfrom, SYS_recvmsg, SYS_restart_syscall, SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_sched_getaffinity, SYS_sendmsg, SYS_set_robust_list,
	SYS_set_tid_address, SYS_sigaltstack, SYS_socket, SYS_socketpair, SYS_statx, SYS_tgkill,
	SYS_tkill, SYS_wait4,
#ifdef __x86_64__
	SYS_access, SYS_arch_prctl, SYS_epoll_wait, SYS_fork, SYS_open, SYS_stat, SYS_unlink,
#endif
};

static struct sock_filter code[MAX_CODE];
static unsigned short length;

static void add(struct sock_filter one)
{
	CHECK(length < MAX_CODE, "the filter is too long");
	code[length++] = one;
}

static void load(size_t offset)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void decide(uint32_t action)
{
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* If what was loaded is @value, the next @skipped do count. */
static void only_if(uint32_t value, uint8_t skipped)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped));
}

static void let(const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		only_if((uint32_t)calls[i], 1);
		decide(SECCOMP_RET_ALLOW);
	}
}

/* Of ioctl only what VFIO and KVM have: the type is the second byte of a request. */
static void let_ioctl(void)
{
	only_if(SYS_ioctl, 7);
	load(offsetof(struct seccomp_data, args[1]));
	add((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00));
	only_if(VFIO_TYPE << 8, 1);
	decide(SECCOMP_RET_ALLOW);
	only_if(KVM_TYPE << 8, 1);
	decide(SECCOMP_RET_ALLOW);
	decide(SECCOMP_RET_KILL_PROCESS);
}

static void let_seals(void)
{
	only_if(SYS_fcntl, 3);
	load(offsetof(struct seccomp_data, args[1]));
	only_if(F_GET_SEALS, 1);
	decide(SECCOMP_RET_ALLOW);
}

static void install(const char *name)
{
	struct sock_fprog program = { .filter = code };

	if (!strcmp(name, "none"))
		return;
	load(offsetof(struct seccomp_data, arch));
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	decide(SECCOMP_RET_KILL_PROCESS);
	load(offsetof(struct seccomp_data, nr));
	let(strict, COUNT(strict));
	if (!strcmp(name, "vmm"))
		let(vmm, COUNT(vmm));
	else
		CHECK(!strcmp(name, "strict"), "no such filter: %s", name);
	let_ioctl();
	let_seals();
	decide(SECCOMP_RET_KILL_PROCESS);
	program.len = length;
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "%s", strerror(errno));
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		SKIP("seccomp filters are not permitted here: %s", strerror(errno));
}

static int device;

static char *map(void *addr, size_t size, int flags)
{
	char *got = mmap(addr, size, PROT_READ | PROT_WRITE, flags, device, MOCK_REGION(2));

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	return got;
}

static void unmap(char *address, size_t size)
{
	CHECK(!munmap(address, size), "%s", strerror(errno));
}

static void unmap_congruent(char *got)
{
	CHECK_EQUAL(device_distance(got, MOCK_REGION(2)), 0);
	unmap(got, SIZE);
}

/* An address that is congruent, with nothing mapped for some GiB above it. */
static char *free_space(void)
{
	char *got = mmap(NULL, 4 * SIZE + GIB, PROT_NONE, RESERVATION, -1, 0);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	unmap(got, 4 * SIZE + GIB);
	return got + (-(uintptr_t)got & (GIB - 1));
}

static void all_cases(void)
{
	char *space = free_space(), *got;

	device_arrange(device, MOCK_REGION(2), SIZE, page_size());
	unmap_congruent(map(NULL, SIZE, MAP_SHARED));
	device_arrange(device, MOCK_REGION(2), SIZE, 0);
	unmap_congruent(map(NULL, SIZE, MAP_SHARED));
	unmap(map(NULL, MIB, MAP_SHARED), MIB);
	got = map(space + page_size(), SIZE, MAP_SHARED);
	CHECK_EQUAL(got, space + device_largest_page());
	unmap(got, SIZE);
	CHECK_EQUAL(map(space, SIZE, MAP_SHARED | MAP_FIXED), space);
	unmap(space, SIZE);
	CHECK_EQUAL(map(space, SIZE, MAP_SHARED | MAP_FIXED_NOREPLACE), space);
	CHECK(mmap(space, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, device,
		   MOCK_REGION(2)) == MAP_FAILED && errno == EEXIST, "%s", strerror(errno));
	unmap(space, SIZE);
	/* With VFIOALIGN_RELOCATE=on: not where it says. */
	unmap_congruent(map(space + page_size(), SIZE, MAP_SHARED | MAP_FIXED));
	for (int hinted = 0; hinted < 2; hinted++) {
		got = mmap(hinted ? space + page_size() : NULL, SIZE, PROT_NONE, RESERVATION, -1, 0);
		CHECK(got != MAP_FAILED, "%s", strerror(errno));
		unmap_congruent(got);
	}
}

static void ioctls(int container)
{
	char *got = map(NULL, SIZE, MAP_SHARED);
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.vaddr = (uintptr_t)got,
		.size = SIZE,
	};

	device_ask(device);
	CHECK(!ioctl(container, VFIO_IOMMU_MAP_DMA, &dma), "%s", strerror(errno));
	unmap(got, SIZE);
}

static void forbidden(const char *name)
{
	struct rusage usage;
	int waiting;

	if (!strcmp(name, "mremap"))
		(void)!mremap(map(NULL, MIB, MAP_SHARED), MIB, 2 * MIB, MREMAP_MAYMOVE);
	else if (!strcmp(name, "getrusage"))
		getrusage(RUSAGE_SELF, &usage);
	else if (!strcmp(name, "openat"))
		close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	else if (!strcmp(name, "ioctl"))
		ioctl(device, FIONREAD, &waiting);
	else
		CHECK(false, "no such call: %s", name);
}

int main(int argc, char **argv)
{
	CHECK(argc > 1, "usage: seccomp FILTER [CALL]");
	device = device_open_asked();
	install(argv[1]);
	all_cases();
	ioctls(device);
	if (argc > 2)
		forbidden(argv[2]);
	/* Not by stdio, which looks at the file first. */
	return write(STDOUT_FILENO, "done\n", 5) == 5 ? 0 : 1;
}
