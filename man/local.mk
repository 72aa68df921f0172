# SPDX-License-Identifier: LGPL-2.1-or-later
# Manual pages. They are in the tarball, so that only a tree from git needs scdoc.
man_pages = \
	man/libvfioalign.7

if MAN_PAGES
man_MANS = $(man_pages)
endif
EXTRA_DIST += $(man_pages) $(man_pages:=.scd)
MAINTAINERCLEANFILES = $(man_pages)

SUFFIXES = .scd
.scd:
	@test -n "$(SCDOC)" || { echo "scdoc is missing: install the package scdoc" >&2; exit 1; }
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SCDOC) <$< >$@.tmp && mv $@.tmp $@
