#!/bin/busybox sh
# What the initial RAM disk of debian-linux.sh does: words on the kernel's command line say which parts.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
echo 1 >/proc/sys/kernel/printk

asked() { case " $(cat /proc/cmdline) " in *" $1 "*) true ;; *) false ;; esac; }

for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_mmio virtio_blk \
  failover net_failover virtio_net virtio_balloon virtio-rng; do
  insmod /lib/$module.ko
done
echo "shell: $(nproc) CPUs"

if asked workload; then
  head -c 4194304 /dev/zero | sha256sum
  i=0
  while [ $i -lt 1000 ]; do i=$((i + 1)); done
  echo "loop: $i"
fi
if asked kvm; then
  for module in irqbypass kvm; do insmod /lib/$module.ko; done
  if grep -q vmx /proc/cpuinfo; then insmod /lib/kvm-intel.ko; else insmod /lib/kvm-amd.ko; fi
  kvm-vm
fi
if asked disk; then
  mke2fs /dev/vda >/dev/null
  mount -t ext2 /dev/vda /mnt
  head -c 1000000 /dev/zero | tr '\0' 'k' >/mnt/file
  umount /mnt
  mount -t ext2 /dev/vda /mnt
  sha256sum /mnt/file
  umount /mnt
fi
if asked ping; then
  ip addr add 10.0.0.1/24 dev eth0
  ip link set eth0 up
  ping -c 3 10.0.0.2
fi
if asked pong; then
  ip addr add 10.0.0.2/24 dev eth0
  ip link set eth0 up
  sleep 6
fi
if asked poweroff; then poweroff -f; fi
if asked reboot; then reboot -f; fi
exec setsid cttyhack sh
