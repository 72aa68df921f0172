# SPDX-License-Identifier: LGPL-2.1-or-later
# Manual pages. They are in the tarball, so that only a tree from git needs scdoc.
library_pages = man/libvfioalign.7
command_pages = \
	man/vfioalign.1 \
	man/vfioalign-ab.1 \
	man/vfioalign-bench.1 \
	man/vfioalign-check.1 \
	man/vfioalign-run.1 \
	man/vfioalign-show.1
man_pages = $(library_pages) $(command_pages)

if MAN_PAGES
man_MANS = $(library_pages)
if COMMAND
man_MANS += $(command_pages)
endif
endif
EXTRA_DIST += $(man_pages) $(man_pages:=.scd)
MAINTAINERCLEANFILES = $(man_pages)

SUFFIXES = .scd
.scd:
	@test -n "$(SCDOC)" || { echo "scdoc is missing: install the package scdoc" >&2; exit 1; }
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SCDOC) <$< >$@.tmp && mv $@.tmp $@
