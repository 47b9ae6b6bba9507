#!/usr/bin/env bash
# Unpacks Debian's cloud kernel and a static busybox into a folder, and makes an initial RAM disk of them whose init
# is init.sh beside this file; another archive, initrd-kvm, has KVM and kvm-vm.c. It needs gcc, and root only where
# apt's lists are not there yet: `debian-linux.sh FOLDER`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
cd "$1"

newest() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }' || true; }
kernel=$(newest)
if [ -z "$kernel" ]; then
  apt-get update >&2
  kernel=$(newest)
fi
[ -n "$kernel" ] || { echo "linux-image-cloud-amd64: not in apt's lists, also after apt-get update" >&2; exit 1; }
apt-get download "$kernel" busybox-static
rm -rf root ramdisk host
for package in ./*.deb; do dpkg-deb -x "$package" root; done
rm -f ./*.deb

mkdir -p ramdisk/bin ramdisk/dev ramdisk/lib ramdisk/mnt ramdisk/proc ramdisk/sys
cp root/bin/busybox ramdisk/bin/
cp "$here/init.sh" ramdisk/init
chmod +x ramdisk/init
modules=$(echo root/lib/modules/*/kernel)
for module in drivers/virtio/virtio{_ring,,_pci_legacy_dev,_pci_modern_dev,_pci,_mmio,_balloon} \
  drivers/block/virtio_blk net/core/failover drivers/net/{net_failover,virtio_net} \
  drivers/char/hw_random/virtio-rng; do
  cp "$modules/$module.ko" ramdisk/lib/
done
busybox=$(pwd)/ramdisk/bin/busybox
pack() { (cd "$1" && find . | sort | "$busybox" cpio -o -H newc) >"$2"; }
pack ramdisk initrd
# What a machine needs that is to be a host itself: an archive to append to the other one.
mkdir -p host/bin host/lib
for module in virt/lib/irqbypass arch/x86/kvm/kvm{,-intel,-amd}; do
  cp "$modules/$module.ko" host/lib/
done
gcc -static -O2 -Wall -o host/bin/kvm-vm "$here/kvm-vm.c"
pack host initrd-kvm
cp root/boot/vmlinuz-* kernel
rm -rf root ramdisk host
