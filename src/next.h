/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions behind ours: libc's, or those of the next library that interposes them. */
#ifndef VFIOALIGN_NEXT_H
#define VFIOALIGN_NEXT_H

#include <features.h>
#include <stddef.h>
#include <sys/types.h>

/* The type of ioctl()'s second parameter differs between the libcs. */
#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

/**
 * next_mmap - mmap(2) without this library
 *
 * Until next_resolve() this is the bare system call: programs and other libraries may map
 * before our constructor, and a dlsym() inside mmap() deadlocks with allocators that map
 * under a lock of theirs.
 */
extern void *(*next_mmap)(void *addr, size_t length, int prot, int flags, int fd, off_t offset);

/** next_ioctl - ioctl(2) without this library; as next_mmap */
extern int (*next_ioctl)(int fd, ioctl_request request, ...);

/** next_resolve - find both, once, from the constructor; what cannot be found stays bare */
void next_resolve(void);

#endif
