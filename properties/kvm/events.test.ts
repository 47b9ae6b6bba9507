/** Events that a guest cannot take at once, case by case. Linux, arch/x86/kvm/svm/svm.c, svm_enable_nmi_window. */

import { describe, expect, it } from "vitest";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { EXIT } from "../../src/kvm/ioctls/kvm-run.ts";
import { KvmGuest, must, startLongMode, startRealMode, VENDORS } from "../support/kvm-guest.ts";
import { call } from "../support/kvm-state.ts";

const [CODE, STACK, HANDLER, VECTOR_NMI] = [0x1000, 0x800, 0x1800, 2];

describe.each([...VENDORS])("events on %s", (vendor) => {
  it("an NMI comes behind a load of SS, though nothing else makes the guest exit", () => {
    const guest = new KvmGuest(vendor, 0x2000);
    guest.slot(0, 0, 0x2000);
    // mov ss, [5000h]; nop; jmp $
    guest.write(CODE, Uint8Array.of(0x8e, 0x16, 0x00, 0x50, 0x90, 0xeb, 0xfe));
    guest.write(HANDLER, Uint8Array.of(0xf4));
    guest.write(4 * VECTOR_NMI, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0));
    startRealMode(guest);
    guest.setRegs({ rip: BigInt(CODE), rsp: BigInt(STACK) });
    expect(guest.go()).toBe(0);
    expect(guest.run.exit_reason).toBe(EXIT.MMIO);
    guest.run.mmio.data.fill(0);
    expect(call(guest, "KVM_NMI", null)).toBe(0);
    expect(guest.go()).toBe(0);
    expect(guest.run.exit_reason).toBe(EXIT.HLT);
    expect(guest.regs.rip).toBe(BigInt(HANDLER + 1));
  });

  it("a hypercall may be the last instruction below the gap of addresses", () => {
    const [ram, tables, linear] = [0x20_0000, 0x1_0000, 0x7fff_ffff_fffdn];
    const guest = new KvmGuest(vendor, ram);
    guest.slot(0, 0, ram);
    const leaves = must(ioctl(guest.caller(), guest.device, "KVM_GET_SUPPORTED_CPUID", null));
    must(ioctl(guest.caller(), guest.vcpu, "KVM_SET_CPUID2", leaves));
    startLongMode(guest, tables);
    // The last page below the gap is the first of memory's second MiB.
    const [third, second, first] = [tables + 0x2000, tables + 0x3000, tables + 0x4000];
    entry(guest, tables + 0x7f8, third | 3);
    entry(guest, third + 0xff8, second | 3);
    entry(guest, second + 0xff8, first | 3);
    entry(guest, first + 0xff8, 0x10_0003);
    guest.write(0x10_0ffd, Uint8Array.of(0x0f, 0x01, vendor === "intel" ? 0xc1 : 0xd9));
    guest.setRegs({ rip: linear, rsp: BigInt(STACK) });
    // The #GP behind it finds no IDT.
    expect(guest.go()).toBe(0);
    expect(guest.run.exit_reason).toBe(EXIT.SHUTDOWN);
  });
});

function entry(guest: KvmGuest, at: number, value: number): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, value, true);
  guest.write(at, bytes);
}
