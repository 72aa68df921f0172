# SPDX-License-Identifier: LGPL-2.1-or-later
"""Maps the mock device by the module mmap and by way of ctypes."""
import ctypes
import fcntl
import mmap
import os
import struct

GET_REGION_INFO = 0x3B6C
GIB = 1 << 30
HUGE = 1 << 21  # congruent modulo what any machine has is congruent modulo this, too
REGION = 2 << 40

device = os.memfd_create("vfio-mock", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
os.ftruncate(device, 9 << 40)
fcntl.fcntl(device, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
info = bytearray(struct.pack("IIIIQQ", 32, 0, 2, 0, 0, 0))
fcntl.ioctl(device, GET_REGION_INFO, info)
print("region:", struct.unpack("IIIIQQ", info)[4:])

distances = []
mappings = []
for offset in (0, 0x110000, 0x120000):
    mapping = mmap.mmap(device, 3 * GIB, mmap.MAP_SHARED, offset=REGION + offset)
    mapping[-1] = 7
    assert os.pread(device, 1, REGION + offset + 3 * GIB - 1) == b"\x07"
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    distances.append((address - offset) % HUGE)
    mappings.append(mapping)

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long)
for offset in (0, 0x130000):
    address = libc.mmap(None, 3 * GIB, mmap.PROT_READ, mmap.MAP_SHARED, device, REGION + offset)
    distances.append((address - offset) % HUGE)

print("memory:", sum(len(bytes(size)) for size in range(0, 1 << 24, 1 << 20)))
print("distances:", *map(hex, distances))
