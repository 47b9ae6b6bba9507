/**
 * What KVM_GET_DIRTY_LOG and slots that log refuse, and what a host without memory does: Linux,
 * Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG, KVM_CREATE_VCPU.
 */

import { describe, expect, it } from "vitest";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import type { Errno } from "../../src/linux/errno.ts";
import { KvmGuest, startRealMode, VENDORS } from "../support/kvm-guest.ts";

const [PAGE, LOG] = [4096, 1];

describe.each([...VENDORS])("the dirty log on %s", (vendor) => {
  const start = (): { guest: KvmGuest; log: (slot: number, address: number) => 0 | Errno } => {
    const guest = new KvmGuest(vendor, 2 * PAGE);
    const log = (slot: number, address: number): 0 | Errno =>
      ioctl(guest.caller(), guest.vm, "KVM_GET_DIRTY_LOG", { slot, dirty_bitmap: BigInt(address) });
    return { guest, log };
  };

  it("is ENOENT for a slot that is not there or does not log", () => {
    const { guest, log } = start();
    expect(log(0, guest.ram)).toBe("ENOENT");
    guest.slot(0, 0, PAGE);
    expect(log(0, guest.ram)).toBe("ENOENT");
    guest.slot(0, 0, PAGE, 0, LOG);
    expect(log(0, guest.ram + PAGE)).toBe(0);
  });

  it("is EINVAL for a number that no slot has, and EFAULT where no memory is", () => {
    const { guest, log } = start();
    guest.slot(0, 0, PAGE, 0, LOG);
    expect(log(0x1_0000, guest.ram)).toBe("EINVAL");
    expect(log(0, guest.ram + 2 * PAGE)).toBe("EFAULT");
  });

  it("is ENOMEM where a host has no room for it", () => {
    const { guest } = start();
    const region = {
      slot: 1,
      flags: LOG,
      guest_phys_addr: 0n,
      memory_size: BigInt(PAGE * 2 ** 26),
      userspace_addr: 0n,
    };
    expect(ioctl(guest.caller(), guest.vm, "KVM_SET_USER_MEMORY_REGION", region)).toBe("ENOMEM");
  });
});

describe.each([...VENDORS])("a host without free frames on %s", (vendor) => {
  it("has none for a vCPU or its log, and loses none", () => {
    const guest = new KvmGuest(vendor, PAGE);
    const { frames } = guest.host;
    const create = (): unknown => ioctl(guest.caller(), guest.vm, "KVM_CREATE_VCPU", 1n);
    const needed = vendor === "intel" ? 2 : 1;
    while (frames.free >= needed) frames.allocate("kernel");
    expect(create()).toBe("ENOMEM");
    expect(frames.free).toBe(needed - 1);
  });

  it("has none for tables", () => {
    const guest = new KvmGuest(vendor, PAGE);
    const { frames } = guest.host;
    guest.slot(0, 0, PAGE);
    guest.write(0, Uint8Array.of(0xf4));
    startRealMode(guest);
    guest.setRegs({ rip: 0n });
    while (frames.free > 1) frames.allocate("kernel");
    expect(guest.go()).toBe("ENOMEM");
  });
});
