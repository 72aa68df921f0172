// SPDX-License-Identifier: LGPL-2.1-or-later
//! Maps the mock device through libc, as crates do that are built on the crate libc.
use std::os::raw::{c_char, c_int, c_long, c_uint, c_ulong, c_void};

extern "C" {
    fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    fn ftruncate(fd: c_int, length: c_long) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
    fn mmap(addr: *mut c_void, length: usize, prot: c_int, flags: c_int, fd: c_int, offset: c_long) -> *mut c_void;
    fn munmap(addr: *mut c_void, length: usize) -> c_int;
    fn pread(fd: c_int, buffer: *mut c_void, count: usize, offset: c_long) -> isize;
}

const GIB: usize = 1 << 30;
/// Congruent modulo what any machine has is congruent modulo this, too.
const HUGE: usize = 1 << 21;
const REGION: usize = 2 << 40;
const MFD_CLOEXEC_ALLOW_SEALING: c_uint = 3;
const F_ADD_SEALS: c_int = 1033;
const F_SEAL_SHRINK: c_int = 2;
const GET_REGION_INFO: c_ulong = 0x3B6C;
const READ_WRITE: c_int = 3;
const MAP_SHARED: c_int = 1;

#[repr(C)]
#[derive(Default)]
struct RegionInfo {
    argsz: u32,
    flags: u32,
    index: u32,
    cap_offset: u32,
    size: u64,
    offset: u64,
}

fn open_device() -> c_int {
    let mut info = RegionInfo { argsz: 32, index: 2, ..Default::default() };
    unsafe {
        let fd = memfd_create(b"vfio-mock\0".as_ptr() as *const c_char, MFD_CLOEXEC_ALLOW_SEALING);
        assert_eq!(ftruncate(fd, 9 << 40), 0);
        assert_eq!(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
        assert_eq!(ioctl(fd, GET_REGION_INFO, &mut info as *mut RegionInfo), 0);
        println!("region: {:#x} {:#x}", info.size, info.offset);
        fd
    }
}

fn map(fd: c_int, offset: usize) -> usize {
    let mut byte = 0u8;
    let at = (REGION + offset + 3 * GIB - 1) as c_long;
    unsafe {
        let start = mmap(std::ptr::null_mut(), 3 * GIB, READ_WRITE, MAP_SHARED, fd, (REGION + offset) as c_long);
        assert_ne!(start as isize, -1);
        *(start as *mut u8).add(3 * GIB - 1) = 7;
        assert_eq!(pread(fd, &mut byte as *mut u8 as *mut c_void, 1, at), 1);
        assert_eq!(byte, 7);
        start as usize
    }
}

fn main() {
    let fd = open_device();
    let offsets = [0, 0x110000, 0x120000];
    let starts: Vec<usize> = offsets.iter().map(|&offset| map(fd, offset)).collect();
    let threads: Vec<_> = (1..5usize)
        .map(|id| std::thread::spawn(move || vec![id; id << 18].iter().sum::<usize>()))
        .collect();
    println!("memory: {}", threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>());
    print!("distances:");
    for (start, offset) in starts.iter().zip(offsets) {
        print!(" {:#x}", start.wrapping_sub(offset) % HUGE);
        assert_eq!(unsafe { munmap(*start as *mut c_void, 3 * GIB) }, 0);
    }
    println!();
}
