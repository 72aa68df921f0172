# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What demo and test have in common; to be sourced.

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
build=$top/build

say() {
	echo "${0##*/}: $*" >&2
}

die() {
	say "$*"
	exit 1
}

# What building takes.
# shellcheck disable=SC2034 # those that source this install it
build_packages=(autoconf automake gcc libc6-dev libsmartcols-dev linux-libc-dev make pkgconf)

# What building for arm64 and running it takes.
# shellcheck disable=SC2034
arm64_packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm mmdebstrap)

# What tests/vm/kernel-build takes besides.
# shellcheck disable=SC2034
kernel_packages=(bc bison flex libelf-dev)

as_root() {
	if ((EUID)); then
		command -v sudo >/dev/null || die "packages are missing and there is no sudo: run this as root"
		sudo "$@"
	else
		"$@"
	fi
}

# need_packages PACKAGE...: installs those that are not there
need_packages() {
	local package missing=()
	command -v apt-get >/dev/null ||
		die "this is no Debian: install what corresponds to Debian's $*, then ./bootstrap, ./configure, make check"
	for package; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			missing+=("$package")
	done
	((${#missing[@]})) || return 0
	say "installing ${missing[*]}"
	as_root apt-get -qq update || say "apt-get update had errors (above): going on with the lists there are"
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null ||
		die "these packages could not be installed (see above): ${missing[*]}"
}

# build_tree [CONFIGURE-OPTION...]: builds in build/; without options, as it was configured before
# shellcheck disable=SC2120 # scripts/test alone has options
build_tree() {
	local lock
	say "building in $build"
	mkdir -p "$build"
	exec {lock}>"$build/.lock"
	flock -n "$lock" || { say "waiting for another run to build there"; flock "$lock"; }
	cd "$top" || exit
	[[ configure -nt configure.ac && Makefile.in -nt Makefile.am ]] ||
		./bootstrap >bootstrap.log 2>&1 || { cat bootstrap.log; die "bootstrap failed (above)"; }
	cd "$build" || exit
	if (($#)) || [[ ! -e Makefile ]]; then
		../configure --quiet "$@" || die "configure failed (above)"
	fi
	make --quiet -j"$(nproc)" all tests/vm/probe || die "the build failed (above)"
	exec {lock}>&-
}

# replace_section FILE NAME NEW: puts NEW between the lines of FILE that say where NAME's output is
replace_section() {
	grep -qxF "<!-- begin: $2 -->" "$1" || die "$1 has no place for what $2 writes"
	awk -v name="$2" -v new="$3" '
		!inside
		$0 == "<!-- begin: " name " -->" {
			inside = 1
			while ((getline line <new) > 0)
				print line
		}
		inside && $0 == "<!-- end: " name " -->" { inside = 0; print }' "$1" >"$1.new"
	mv "$1.new" "$1"
}
