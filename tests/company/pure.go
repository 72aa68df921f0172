// SPDX-License-Identifier: LGPL-2.1-or-later

// Without C in it a Go program is static: no preload reaches it.
package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	mapped, err := syscall.Mmap(int(file.Fd()), 0, 4<<20, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	fmt.Println("mapped:", string(mapped[1:4]), len(make([]byte, 64<<20)))
}
