# SPDX-License-Identifier: LGPL-2.1-or-later
# The nested machine. A MACHINE.vm file is one boot of a guest, see tests/vm/suite.
check_PROGRAMS += tests/vm/probe tests/vm/refuse tests/vm/dpdk-app tests/vm/sparse.so
tests_vm_probe_SOURCES = tests/vm/probe.c tests/vm/vfio-open.c tests/vm/vfio-open.h
tests_vm_refuse_SOURCES = tests/vm/refuse.c
tests_vm_dpdk_app_SOURCES = tests/vm/dpdk-app.c
tests_vm_dpdk_app_LDADD = -ldl
tests_vm_sparse_so_SOURCES = tests/vm/sparse.c
tests_vm_sparse_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_vm_sparse_so_LDFLAGS = -shared

if AARCH64
check_PROGRAMS += tests/vm/firmware
endif
tests_vm_firmware_SOURCES = tests/vm/firmware.c
tests_vm_firmware_CFLAGS = $(WARN_CFLAGS) -ffreestanding -fno-pie -fno-stack-protector -mgeneral-regs-only
tests_vm_firmware_LDFLAGS = -nostdlib -static -no-pie -Wl,-Ttext=0x40200000 -Wl,--build-id=none
tests_vm_firmware_LDADD =

TEST_EXTENSIONS += .vm
VM_LOG_DRIVER = $(LOG_DRIVER)
VM_LOG_COMPILER = bash $(top_srcdir)/tests/vm/suite
TESTS += tests/vm/lts.vm tests/vm/newest.vm tests/vm/programs-lts.vm tests/vm/programs-newest.vm \
	tests/vm/cli-lts.vm tests/vm/cli-newest.vm \
	tests/vm/arm64-lts.vm tests/vm/arm64-newest.vm \
	tests/vm/arm64-16k-lts.vm tests/vm/arm64-16k-newest.vm \
	$(long_tests)
# For kernels that have to be built: "make check long_tests='$(vm_long)'". The variable comes from
# configure, because automake would put the value of one that is set here into TESTS for good.
vm_long = tests/vm/cdev-x86-64.vm tests/vm/cdev-arm64-64k.vm
EXTRA_DIST += \
	tests/vm/arm64-16k-lts.vm \
	tests/vm/arm64-16k-newest.vm \
	tests/vm/arm64-lts.vm \
	tests/vm/arm64-newest.vm \
	tests/vm/arm64.bats \
	tests/vm/bar-faults \
	tests/vm/bench.bats \
	tests/vm/cdev.bats \
	tests/vm/cdev-arm64-64k.vm \
	tests/vm/cdev-qemu.bats \
	tests/vm/cdev-x86-64.vm \
	tests/vm/cli.bats \
	tests/vm/cli-lts.vm \
	tests/vm/cli-newest.vm \
	tests/vm/cross-build \
	tests/vm/dpdk-measure \
	tests/vm/in-tree \
	tests/vm/programs-lts.vm \
	tests/vm/programs-newest.vm \
	tests/vm/programs.bash \
	tests/vm/programs.bats \
	tests/vm/read-by-hand \
	tests/vm/qemu.bash \
	tests/vm/common.sh \
	tests/vm/demo.bats \
	tests/vm/device.bats \
	tests/vm/gb200-dma.bats \
	tests/vm/gb200.bats \
	tests/vm/guest \
	tests/vm/guest.bash \
	tests/vm/init \
	tests/vm/kernel \
	tests/vm/kernel-build \
	tests/vm/kernels/arm64.config \
	tests/vm/kernels/common.config \
	tests/vm/kernels/x86-64.config \
	tests/vm/lts.vm \
	tests/vm/newest.vm \
	tests/vm/qemu-measure \
	tests/vm/qemu.bats \
	tests/vm/report.bats \
	tests/vm/root \
	tests/vm/scarce.bats \
	tests/vm/suite \
	tests/vm/sysroot \
	tests/vm/vfio-areas \
	tests/vm/vfio-bind
