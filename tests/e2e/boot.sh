#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh ROOT FILES CONSOLE: begin systemd as process 1 of the namespaces that this runs in, with this machine's /usr, FILES as
# /etc, and nothing else of this machine: no unit of its own is enabled, and of /proc/sys only net can be written.
set -e
root=$1 files=$2 console=$3
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr proc sys dev run tmp root var/log var/lib
for link in bin sbin lib lib64; do
	ln -s usr/$link $link
done
mount --rbind /usr usr
cp -r "$files" etc
cp -r /etc/ld.so.cache /etc/passwd /etc/group /etc/services /etc/protocols /etc/os-release etc/
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
	touch dev/$node
	mount --bind /dev/$node dev/$node
done
touch dev/console
mount --bind "$console" dev/console
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sys sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs run
# systemd listens to udev only if there is one when it begins, which it tells by this, or by a /dev of the kernel's own.
mkdir run/udev
touch run/udev/control
exec env -i container=test PATH=/usr/sbin:/usr/bin chroot . /lib/systemd/systemd --log-target=console --show-status=no
