# shellcheck shell=bash disable=SC2034,SC2154,SC2178,SC2128
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Trees like /proc and /sys of a machine, for --sysroot: what kernels of all ages say there of VFIO.

# host RELEASE [THP] [PMD-SIZE [ARCHITECTURE]]: begins the tree $root. THP is always, madvise, never or
# missing. Without more it has an IOMMU and all modules, but no devices and no processes.
host() {
	local release=$1 thp=${2:-madvise} pmd=${3:-2097152} arch=${4:-x86_64} all="always madvise never"
	root=$BATS_TEST_TMPDIR/root
	rm -rf "$root"
	mkdir -p "$root"/proc/sys/kernel "$root"/sys/kernel/{mm,iommu_groups/0/devices} \
		"$root"/sys/bus/pci/{devices,drivers/vfio-pci} "$root"/sys/module/{vfio_iommu_type1/parameters,vfio/parameters} \
		"$root"/sys/class/vfio-dev "$root"/sys/devices
	echo "$release" >"$root/proc/sys/kernel/osrelease"
	echo "$arch" >"$root/proc/sys/kernel/arch"
	[[ $thp != missing ]] || return 0
	mkdir "$root/sys/kernel/mm/transparent_hugepage"
	echo "${all/$thp/[$thp]}" >"$root/sys/kernel/mm/transparent_hugepage/enabled"
	echo "$pmd" >"$root/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
}

# resource START SIZE FLAGS: a line of a device's "resource"
resource() {
	if (($2)); then
		printf '0x%016x 0x%016x 0x%016x\n' "$1" "$(($1 + $2 - 1))" "$3"
	else
		printf '0x%016x 0x%016x 0x%016x\n' 0 0 0
	fi
}

# device BDF GROUP DRIVER [BAR=SIZE...]: a PCI device. GROUP and DRIVER may be empty. BARs of memory
# have 64 bits and so two lines; a BAR that is "io" has ports.
device() {
	local bdf=$1 group=$2 driver=$3 bar sizes=(0 0 0 0 0 0) flags=(0 0 0 0 0 0)
	local directory=$root/sys/devices/pci0000:00/$1
	for bar in "${@:4}"; do
		flags[${bar%=*}]=0x14220c
		sizes[${bar%=*}]=${bar#*=}
		[[ ${bar#*=} != io ]] || sizes[${bar%=*}]=$((1 << 24)) flags[${bar%=*}]=0x40101
	done
	mkdir -p "$directory" "$root/sys/bus/pci/drivers"
	ln -s "../../../devices/pci0000:00/$bdf" "$root/sys/bus/pci/devices/$bdf"
	for bar in 0 1 2 3 4 5; do
		resource $((0x380000000000 + (bar << 37))) "$((sizes[bar]))" "${flags[bar]}"
	done >"$directory/resource"
	# The ROM and the bridge's windows.
	for bar in 6 7 8 9 10 11 12; do resource 0 0 0; done >>"$directory/resource"
	if [[ $driver ]]; then
		mkdir -p "$root/sys/bus/pci/drivers/$driver"
		ln -s "../../../bus/pci/drivers/$driver" "$directory/driver"
	fi
	if [[ $group ]]; then
		mkdir -p "$root/sys/kernel/iommu_groups/$group/devices"
		ln -s "../../../kernel/iommu_groups/$group" "$directory/iommu_group"
		ln -s "../../../../devices/pci0000:00/$bdf" "$root/sys/kernel/iommu_groups/$group/devices/$bdf"
	fi
}

# cdev NAME BDF: /dev/vfio/devices/NAME is this device's
cdev() {
	mkdir -p "$root/sys/class/vfio-dev/$1"
	ln -s "../../../devices/pci0000:00/$2" "$root/sys/class/vfio-dev/$1/device"
}

# process PID NAME: with no files and no mappings but its own
process() {
	local proc=$root/proc/$1
	mkdir -p "$proc"/{fd,fdinfo}
	ln -s "/usr/bin/$2" "$proc/exe"
	printf '%.15s\n' "$2" >"$proc/comm"
	printf 'Name:\t%s\nVmSize:\t 4200000 kB\nVmPTE:\t    8250 kB\n' "${2//$'\n'/\\n}" >"$proc/status"
	for file in maps smaps; do
		echo "55d0c0000000-55d0c0001000 r-xp 00001000 08:01 131 /usr/bin/program" >"$proc/$file"
	done
	echo "VmFlags: rd ex mr mw me" >>"$proc/smaps"
}

# fd PID NUMBER TARGET [BDF]: an open file; of the device BDF as Linux 6.18 tells
fd() {
	ln -s "$3" "$root/proc/$1/fd/$2"
	{
		printf 'pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1035\n'
		[[ -z ${4-} ]] || printf 'vfio-device-syspath: /sys/devices/pci0000:00/%s\n' "$4"
	} >"$root/proc/$1/fdinfo/$2"
}

# mapping PID ADDRESS LENGTH BAR OFFSET [FLAG [FILE]]: FLAG is one of VmFlags: hg, or "" for none
mapping() {
	local flags="rd wr sh mr mw me ms pf io de dd ${6:-}" file=${7:-'anon_inode:[vfio-device]'}
	printf '%x-%x rw-s %x 00:0f 1035                      %s\n' "$2" $(($2 + $3)) $((($4 << 40) + $5)) \
		"$file" | tee -a "$root/proc/$1/maps" >>"$root/proc/$1/smaps"
	printf 'Size:           %d kB\nRss:    0 kB\nVmFlags: %s \n' $(($3 >> 10)) "$flags" >>"$root/proc/$1/smaps"
}

G=$((1 << 30))
M=$((1 << 20))
group_fd='anon_inode:[vfio-device]'

# qemu [PID]: a process that has device 0000:01:00.0 open through group 7, in the way of kernels
# that have VFIO_GROUP, and tells of it in fdinfo if $syspath is set
qemu() {
	local pid=${1:-1000}
	process "$pid" qemu-system-x86_64
	fd "$pid" 10 /dev/vfio/vfio
	fd "$pid" 11 /dev/vfio/7
	fd "$pid" 12 "$group_fd" ${syspath:+0000:01:00.0}
}
