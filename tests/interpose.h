/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For preloads that stand before mmap() and ioctl(). It goes after libc's headers. */
#ifndef TESTS_INTERPOSE_H
#define TESTS_INTERPOSE_H

#include <features.h>

/* musl has it as a macro. */
#undef mmap64

#define EXPORT __attribute__((visibility("default")))

/* The type of ioctl()'s second parameter differs between the libcs. */
#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

#endif
