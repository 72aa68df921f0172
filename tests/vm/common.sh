# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What kernel, root and guest have in common; to be sourced.

# shellcheck disable=SC2034 # for those that source this
cache=${VFIOALIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfioalign}

note() {
	echo "${0##*/}: $*" >&2
}

# 125 as in env(1) and timeout(1), so that it is no COMMAND's own status.
die() {
	note "$*"
	exit 125
}

# The comment at the top of a script is its help.
help() {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
}

# need TOOL PACKAGE...: the packages are Debian's names
need() {
	while (($#)); do
		command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"
		shift 2
	done
}

# source_line SUITE: an apt source for SUITE on the mirror that this machine uses
source_line() {
	local uri codename key=/usr/share/keyrings/debian-archive-keyring.gpg
	uri=$(apt-get indextargets --format "\$(ORIGIN)|\$(LABEL)|\$(COMPONENT)|\$(REPO_URI)" |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" && !n++ { print $4 }')
	if [[ -z $uri ]]; then
		# Before the first "apt-get update" apt knows no origins.
		codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
		uri=$(apt-get indextargets --no-release-info --format "\$(RELEASE)|\$(COMPONENT)|\$(REPO_URI)" |
			awk -F'|' -v c="$codename" '$1 == c && $2 == "main" && !n++ { print $3 }')
	fi
	[[ $uri ]] || die "apt's sources on this machine have no Debian archive (main): add one"
	if [[ -e $key ]]; then
		echo "deb [signed-by=$key] $uri $1 main"
	else
		echo "deb $uri $1 main"
	fi
}

# own_apt ARCHITECTURE SUITE: from here on apt has files of its own, in $tmp/apt: neither the system's
# lists and packages nor its pins and hooks.
own_apt() {
	source_line "$2" >"$tmp/sources.list"
	mkdir -p "$tmp"/apt/{lists,archives}/partial
	cat >"$tmp/apt.conf" <<-EOF
		#clear APT::Update;
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		APT::Default-Release "";
		APT::Sandbox::User "";
		APT::Update::Error-Mode "any";
		Acquire::Languages "none";
		Dir::Cache "$tmp/apt";
		Dir::Etc::SourceList "$tmp/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$tmp/apt/lists";
		Dir::State::Status "/dev/null";
	EOF
	export APT_CONFIG=$tmp/apt.conf
}

# cached DIR FUNCTION: prints the directory DIR/current, at most a week old. When there is none,
# FUNCTION makes one in $tmp/new and leaves a name for it in $tmp/name. Only one runs at a time,
# and what it made appears whole or not at all.
cached() {
	local dir=$1 status
	tmp=$dir/tmp
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock -n 9 || { note "waiting for another run to fill $dir"; flock 9; }
	if [[ -z $(find "$dir/current" -mtime -7 2>/dev/null) ]]; then
		rm -rf "$tmp"
		mkdir "$tmp"
		# "set -e" is off in a command whose status is tested.
		set +e
		(set -e; "$2")
		status=$?
		set -e
		if ((status == 0)); then
			publish "$dir" "$(<"$tmp/name")"
		elif [[ -e $dir/current ]]; then
			note "no newer one could be had: using $(readlink "$dir/current") of the cache"
			# Ask again tomorrow.
			touch -h -d '6 days ago' "$dir/current"
		fi
		rm -rf "$tmp"
		((status == 0)) || [[ -e $dir/current ]] || exit 125
	fi
	readlink -f "$dir/current"
}

publish() {
	local dir=$1 name=$2
	if [[ ! -e $dir/$name ]]; then
		mv -T "$tmp/new" "$dir/$name"
	fi
	ln -sfn "$name" "$dir/current"
	find "$dir" -mindepth 1 -maxdepth 1 -type d ! -name "$name" ! -name tmp -exec rm -rf {} +
}
