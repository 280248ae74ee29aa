#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# First process of the guest, in its initramfs: goes over to the machine's root,
# made writable by a tmpfs on top.
# shellcheck shell=dash
b=/bin/busybox

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
# boot.sh looks for it
echo 'init: started' >/dev/console
while read -r module; do
	$b insmod "/modules/$module" || echo "can't load $module" >/dev/console
done </modules/order

if ! { $b mount -t virtiofs -o ro root /ro &&
       $b mount -t tmpfs tmpfs /rw &&
       $b mkdir /rw/upper /rw/work &&
       $b mount -t overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work \
	overlay /newroot; }; then
	echo "can't mount the root" >/dev/console
	$b reboot -f
fi
for dir in proc sys dev; do
	$b mount -o move /$dir /newroot/$dir
done
$b mount -t tmpfs tmpfs /newroot/run
$b cp /job /newroot/run/job
exec $b switch_root /newroot /bin/bash "$($b cat /stage2)"
