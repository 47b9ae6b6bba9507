/** Hypercalls, one by one, and what other vCPUs ask by the structure of stolen time. Linux, Documentation/virt/kvm/x86/hypercalls.rst. */

import { describe, expect, it } from "vitest";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { must, VENDORS } from "../support/kvm-guest.ts";
import { PvGuest } from "../support/pv-guest.ts";

const [KICK, PAIRING, YIELD, POLL] = [5n, 9n, 11n, 1n];
const SEND_IPI = 10n;
const EINVAL = 2n ** 64n - 22n;
const ENOSYS = 2n ** 64n - 1000n;
const EFAULT = 2n ** 64n - 14n;
const EOPNOTSUPP = 2n ** 64n - 95n;
const STEAL_TIME = 0x4b56_4d03;
const AREA = 0x3_0000;

describe.each([...VENDORS])("a guest on %s", (vendor) => {
  const call = vendor === "amd" ? [0x0f, 0x01, 0xd9] : [0x0f, 0x01, 0xc1];
  const start = (vcpus = 1): PvGuest => new PvGuest({ vendor, vcpus, irqchip: true }).start();
  const answer = (guest: PvGuest, number: bigint, rbx = 0n, rcx = 0n): bigint => {
    expect(guest.run(0, call, { rax: number, rbx, rcx, rdx: 0n, rsi: 0n })).toBe(0);
    return guest.regs(0).rax;
  };

  it("is told what there is not", () => {
    const guest = start();
    expect(answer(guest, POLL)).toBe(0n);
    expect(answer(guest, 2n)).toBe(ENOSYS);
    expect(answer(guest, 2n ** 33n + 1n)).toBe(ENOSYS);
    expect(answer(guest, PAIRING, 0n, 1n)).toBe(EOPNOTSUPP);
    expect(answer(guest, PAIRING, 2n ** 40n)).toBe(EFAULT);
    expect(guest.run(0, call, { rax: SEND_IPI, rsi: 0x4_4030n })).toBe(0);
    expect(guest.regs(0).rax).toBe(EINVAL);
    const alone = new PvGuest({ vendor, vcpus: 1 }).start();
    expect(answer(alone, SEND_IPI)).toBe(EOPNOTSUPP);
    expect(answer(alone, YIELD)).toBe(0n);
    const enforced = { cap: 190, flags: 0, args: [1n, 0n, 0n, 0n] };
    const leaves = must(guest.on(guest.device, "KVM_GET_SUPPORTED_CPUID", null));
    const [vcpu = -1] = guest.vcpus;
    const other = new PvGuest({ vendor, vcpus: 1, irqchip: true }).start();
    const shown = leaves.map((entry) =>
      entry.function === 0x4000_0001 ? { ...entry, eax: 0 } : entry,
    );
    must(other.on(other.vcpus[0] ?? -1, "KVM_SET_CPUID2", shown));
    must(other.on(other.vcpus[0] ?? -1, "KVM_ENABLE_CAP", enforced));
    expect([KICK, 10n, YIELD].map((number) => answer(other, number))).toEqual([
      ENOSYS,
      ENOSYS,
      ENOSYS,
    ]);
    must(guest.on(vcpu, "KVM_ENABLE_CAP", enforced));
    expect([KICK, 10n, YIELD].map((number) => answer(guest, number))).toEqual([0n, 0n, 0n]);
  });

  it("reads the time of the wall with its counter", () => {
    const guest = start();
    expect(answer(guest, PAIRING, BigInt(AREA))).toBe(0n);
    const view = guest.read(AREA, 64);
    expect(view.getBigUint64(0, true)).toBe(BigInt(guest.host.date));
    expect(view.getBigUint64(8, true)).toBe(view.getBigUint64(16, true));
  });

  it("wakes a vCPU that has halted without interrupts", () => {
    const guest = start(2);
    const second = guest.vcpu(1);
    must(guest.on(guest.vcpus[1] ?? -1, "KVM_SET_MP_STATE", { mp_state: 0 }));
    // hlt; inc eax; hlt
    guest.prepare(1, [0xf4, 0xff, 0xc0, 0xf4], { rax: 0n });
    const [, descriptor = -1] = guest.vcpus;
    const run = (): unknown => ioctl(guest.caller(), descriptor, "KVM_RUN", null);
    expect(run()).toBe("sleeps");
    expect(run()).toBe("sleeps");
    expect(second.registers.gpr(0)).toBe(0n);
    expect(answer(guest, KICK, 0n, 1n)).toBe(0n);
    expect(answer(guest, KICK, 0n, 9n)).toBe(0n);
    expect(run()).toBe("sleeps");
    second.vm.kvm.put(second);
    expect(second.registers.gpr(0)).toBe(1n);
    expect(run()).toBe("sleeps");
  });

  it("has its translations flushed before it runs again", () => {
    const guest = start(2);
    must(guest.on(guest.vcpus[1] ?? -1, "KVM_SET_MP_STATE", { mp_state: 0 }));
    expect(guest.setMsr(0, STEAL_TIME, BigInt(AREA) | 1n)).toBe(true);
    expect(guest.setMsr(0, STEAL_TIME, BigInt(AREA) | 3n)).toBe(false);
    // mov al, [0x40000000]: the second of 1 GiB pages, mapped to the first and then elsewhere.
    const load = [0x8a, 0x04, 0x25, 0x00, 0x00, 0x00, 0x40];
    const entry = 0x4_1000 + 8;
    guest.write(entry, Uint8Array.of(0x83, 0, 0, 0, 0, 0, 0, 0));
    guest.write(0, Uint8Array.of(0x5a));
    guest.slot(1, 0x4000_0000, 0x1000, 0x7_0000);
    guest.write(0x7_0000, Uint8Array.of(0xa5));
    guest.run(0, load, { rax: 0n });
    expect(guest.regs(0).rax).toBe(0x5an);
    guest.run(1, [], {});
    expect(guest.read(AREA + 16, 1).getUint8(0)).toBe(1);
    guest.write(AREA + 16, Uint8Array.of(3));
    guest.write(entry, Uint8Array.of(0x83, 0, 0, 0x40, 0, 0, 0, 0));
    guest.run(0, load, { rax: 0n });
    expect(guest.regs(0).rax).toBe(0xa5n);
    expect(guest.read(AREA + 16, 1).getUint8(0)).toBe(0);
  });

  it("may not call from a program", () => {
    const guest = start();
    const [vcpu = -1] = guest.vcpus;
    guest.prepare(0, call, { rax: POLL });
    const sregs = must(guest.on(vcpu, "KVM_GET_SREGS", null));
    const user = { ...sregs.ss, dpl: 3, selector: 0x1b };
    const code = { ...sregs.cs, dpl: 3, selector: 0xb };
    // All pages are the program's, and what follows the call is not there.
    for (const at of [0x4_0000, 0x4_1000])
      guest.write(at, Uint8Array.of(at === 0x4_0000 ? 7 : 0x87));
    must(guest.on(vcpu, "KVM_SET_SREGS", { ...sregs, cs: code, ss: user }));
    guest.goOn(0);
    expect(guest.vcpu(0).registers.gpr(0)).toBe(2n ** 64n - 1n);
  });
});
