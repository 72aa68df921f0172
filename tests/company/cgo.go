// SPDX-License-Identifier: LGPL-2.1-or-later

// Maps the mock device through libc, and by Go's own system calls, while goroutines allocate: the
// memory of a program with C in it is mapped through libc, too.
package main

/*
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int open_device(void)
{
	int fd = memfd_create("vfio-mock", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, 9LL << 40) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		_exit(3);
	for (int index = 0; index <= 2; index += 2) {
		char answer[1024] = "";
		struct vfio_region_info *info = (struct vfio_region_info *)answer;

		info->argsz = sizeof(answer);
		info->index = index;
		if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info))
			_exit(4);
	}
	return fd;
}
*/
import "C"

import (
	"fmt"
	"sync"
	"syscall"
	"unsafe"
)

const (
	gib    = 1 << 30
	huge   = 1 << 21 // congruent modulo what any machine has is congruent modulo this, too
	region = 2 << 40
	length = 3 * gib
)

var offsets = []uintptr{0, 0x110000, 0x120000}

func allocate() int {
	var all sync.WaitGroup
	sums := make([]int, 8)
	for id := range sums {
		all.Add(1)
		go func(id int) {
			defer all.Done()
			for i := 0; i < 50; i++ {
				sums[id] += len(make([]byte, (i%4)<<20+id))
			}
		}(id)
	}
	all.Wait()
	total := 0
	for _, sum := range sums {
		total += sum
	}
	return total
}

// More than the runtime has reserved so far.
func grow() int {
	var blocks [12][]byte
	sum := 0
	for i := range blocks {
		blocks[i] = make([]byte, 32<<20)
		blocks[i][i] = 1
	}
	for i := range blocks {
		sum += int(blocks[i][i])
	}
	return sum
}

func check(device C.int, last *byte, offset uintptr) {
	byte := make([]byte, 1)
	*last = 7
	n, err := syscall.Pread(int(device), byte, int64(region+offset+length-1))
	if n != 1 || err != nil || byte[0] != 7 {
		panic("lost bytes")
	}
}

func main() {
	device := C.open_device()
	fmt.Println("memory:", allocate())
	through, raw := "distances:", "raw distances:"
	for _, offset := range offsets {
		start, err := C.mmap(nil, length, C.PROT_READ|C.PROT_WRITE, C.MAP_SHARED, device, C.long(region+offset))
		if start == C.MAP_FAILED {
			panic(err)
		}
		check(device, (*byte)(unsafe.Add(start, length-1)), offset)
		through += fmt.Sprintf(" %#x", (uintptr(start)-offset)%huge)
		mapped, err := syscall.Mmap(int(device), int64(region+offset), length,
			syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		if err != nil {
			panic(err)
		}
		check(device, &mapped[length-1], offset)
		raw += fmt.Sprintf(" %#x", (uintptr(unsafe.Pointer(&mapped[0]))-offset)%gib)
	}
	fmt.Println("memory:", allocate(), grow())
	fmt.Println(through)
	fmt.Println(raw)
}
