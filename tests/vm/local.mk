# SPDX-License-Identifier: LGPL-2.1-or-later
# The nested machine. A MACHINE.vm file is one boot of a guest, see tests/vm/suite.
check_PROGRAMS += tests/vm/probe
tests_vm_probe_SOURCES = tests/vm/probe.c

TEST_EXTENSIONS += .vm
VM_LOG_DRIVER = $(LOG_DRIVER)
VM_LOG_COMPILER = bash $(top_srcdir)/tests/vm/suite
TESTS += tests/vm/lts.vm tests/vm/newest.vm
EXTRA_DIST += \
	tests/vm/common.sh \
	tests/vm/demo.bats \
	tests/vm/device.bats \
	tests/vm/guest \
	tests/vm/guest.bash \
	tests/vm/init \
	tests/vm/kernel \
	tests/vm/lts.vm \
	tests/vm/newest.vm \
	tests/vm/qemu-measure \
	tests/vm/qemu.bats \
	tests/vm/root \
	tests/vm/suite \
	tests/vm/vfio-areas \
	tests/vm/vfio-bind
