# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests that need no privileges and no machine of their own: "make check".

check_PROGRAMS = \
	tests/unit-align tests/unit-measure tests/unit-place tests/unit-text \
	tests/scenarios tests/early tests/cost tests/seccomp tests/races \
	tests/faults tests/libfaults.so \
	tests/company/company tests/company/libplugin.so tests/company/libinterposer.so \
	tests/libmockvfio.so

tests_unit_align_SOURCES = tests/unit-align.c tests/tap.h src/align.c src/align.h
tests_unit_align_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_unit_measure_SOURCES = \
	tests/unit-measure.c tests/tap.h \
	src/align.h \
	src/cli/cli.c src/cli/cli.h \
	src/cli/pages.c src/cli/pages.h \
	src/cli/report-read.c src/cli/report-read.h \
	src/cli/stats.c src/cli/stats.h
tests_unit_measure_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_unit_measure_LDADD = -lm
# The library's own objects, so that coverage counts what runs here too.
tests_unit_place_SOURCES = tests/unit-place.c tests/tap.h
tests_unit_place_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_unit_place_LDADD = src/libvfioalign_so-align.$(OBJEXT) src/libvfioalign_so-place.$(OBJEXT)
tests_unit_text_SOURCES = tests/unit-text.c tests/tap.h src/text.c src/text.h
tests_unit_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src

tests_libmockvfio_so_SOURCES = tests/mock.c tests/mock.h tests/interpose.h
tests_libmockvfio_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
tests_libmockvfio_so_LDFLAGS = -shared -Wl,-z,now

test_device = tests/device.c tests/device.h tests/mock.h tests/check.h
tests_scenarios_SOURCES = \
	$(test_device) \
	tests/maps.c tests/maps.h \
	tests/scenarios.c tests/scenarios.h \
	tests/scenarios-fixed.c \
	tests/scenarios-hint.c \
	tests/scenarios-log.c \
	tests/scenarios-pass.c \
	tests/scenarios-place.c \
	tests/scenarios-process.c \
	tests/scenarios-report.c \
	tests/scenarios-trace.c
tests_scenarios_CFLAGS = $(AM_CFLAGS) -pthread -Wno-unused-parameter
tests_early_SOURCES = $(test_device) tests/early.c
tests_seccomp_SOURCES = $(test_device) tests/seccomp.c
tests_races_SOURCES = $(test_device) tests/maps.c tests/maps.h tests/races.c
tests_races_CFLAGS = $(AM_CFLAGS) -pthread
tests_cost_SOURCES = $(test_device) tests/cost.c
tests_cost_LDFLAGS = -Wl,-z,now

# The layer between the library and the mock.
tests_libfaults_so_SOURCES = tests/libfaults.c tests/faults.h tests/interpose.h
tests_libfaults_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
tests_libfaults_so_LDFLAGS = -shared -Wl,-z,now
tests_faults_SOURCES = $(test_device) tests/faults.c tests/faults.h

# A program of some life, and what it may have about it.
tests_company_company_SOURCES = $(test_device) tests/company/company.c
tests_company_company_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_company_company_CFLAGS = $(AM_CFLAGS) -pthread
tests_company_libplugin_so_SOURCES = tests/company/plugin.c tests/mock.h
tests_company_libplugin_so_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_company_libplugin_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
tests_company_libplugin_so_LDFLAGS = -shared
tests_company_libinterposer_so_SOURCES = tests/company/interposer.c tests/interpose.h
tests_company_libinterposer_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
tests_company_libinterposer_so_LDFLAGS = -shared

# The calls of real programs.
check_PROGRAMS += \
	tests/patterns/qemu-7.2 \
	tests/patterns/qemu-10.0 \
	tests/patterns/qemu-11 \
	tests/patterns/dpdk \
	tests/patterns/cloud-hypervisor-52 \
	tests/patterns/cloud-hypervisor-53 \
	tests/patterns/vpp \
	tests/patterns/openvmm
test_pattern = $(test_device) tests/maps.c tests/maps.h tests/patterns/pattern.c tests/patterns/pattern.h
tests_patterns_qemu_7_2_SOURCES = $(test_pattern) tests/patterns/qemu-7.2.c
tests_patterns_qemu_10_0_SOURCES = $(test_pattern) tests/patterns/qemu-10.0.c
tests_patterns_qemu_11_SOURCES = $(test_pattern) tests/patterns/qemu-11.c
tests_patterns_dpdk_SOURCES = $(test_pattern) tests/patterns/dpdk.c
tests_patterns_cloud_hypervisor_52_SOURCES = $(test_pattern) tests/patterns/cloud-hypervisor-52.c
tests_patterns_cloud_hypervisor_53_SOURCES = $(test_pattern) tests/patterns/cloud-hypervisor-53.c
tests_patterns_vpp_SOURCES = $(test_pattern) tests/patterns/vpp.c
tests_patterns_openvmm_SOURCES = $(test_pattern) tests/patterns/openvmm.c

bats_tests = \
	tests/build.bats \
	tests/cli-ab.bats \
	tests/cli-check.bats \
	tests/cli-docs.bats \
	tests/cli-output.bats \
	tests/cli-refuse.bats \
	tests/cli-run.bats \
	tests/cli-show.bats \
	tests/company.bats \
	tests/config.bats \
	tests/cost.bats \
	tests/coverage.bats \
	tests/faults.bats \
	tests/fixed.bats \
	tests/fuzz.bats \
	tests/hint.bats \
	tests/library.bats \
	tests/log.bats \
	tests/man.bats \
	tests/pass.bats \
	tests/patterns.bats \
	tests/place.bats \
	tests/process.bats \
	tests/races.bats \
	tests/report.bats \
	tests/seccomp.bats \
	tests/static.bats \
	tests/syscalls.bats
dist_check_SCRIPTS = tests/run-bats $(bats_tests)
dist_check_DATA = tests/helpers.bash tests/pages.bash tests/cli.bash tests/cli-fixtures.bash tests/cli-program.c .clang-tidy \
	tests/report-schema.jq \
	tests/company/cgo.go tests/company/company.py tests/company/company.rs tests/company/pure.go

# tests/fuzz.bats builds these itself, with clang.
EXTRA_DIST += \
	tests/fuzz/cli.c \
	tests/fuzz/config.c \
	tests/fuzz/fuzz.h \
	tests/fuzz/place.c \
	tests/fuzz/process.c \
	tests/fuzz/program.c \
	tests/fuzz/region.c \
	tests/fuzz/report.c \
	tests/fuzz/text.c \
	tests/fuzz/corpus

TESTS = tests/unit-align tests/unit-measure tests/unit-place tests/unit-text $(bats_tests)
TEST_EXTENSIONS = .bats .vm
BATS_LOG_COMPILER = $(top_srcdir)/tests/run-bats
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
BATS_LOG_DRIVER = $(LOG_DRIVER)
AM_TESTS_ENVIRONMENT = \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	libdir='$(libdir)'; export libdir; \
	PACKAGE_VERSION='$(PACKAGE_VERSION)'; export PACKAGE_VERSION; \
	CC='$(CC)'; export CC; \
	BATS='$(BATS)'; export BATS; \
	JQ='$(JQ)'; export JQ; \
	STRACE='$(STRACE)'; export STRACE; \
	VALGRIND='$(VALGRIND)'; export VALGRIND; \
	SANITIZE_CFLAGS='$(SANITIZE_CFLAGS)'; export SANITIZE_CFLAGS;
