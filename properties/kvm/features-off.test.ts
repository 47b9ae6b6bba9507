/** CPUID of a guest that has turned a feature off. Linux, arch/x86/kvm/cpuid.c, kvm_update_cpuid_runtime. */

import { expect, it } from "vitest";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { KvmGuest, must, startRealMode, VENDORS } from "../support/kvm-guest.ts";

const CODE = 0x1000;
const APIC = 1n << 9n;
// cpuid; mov ebx, edx; mov ecx, 1bh; rdmsr; and ah, 0f7h; wrmsr; mov esi, ebx; mov eax, 1; cpuid; hlt
const PROGRAM = [
  [0x0f, 0xa2, 0x66, 0x89, 0xd3, 0x66, 0xb9, 0x1b, 0, 0, 0, 0x0f, 0x32, 0x80, 0xe4, 0xf7],
  [0x0f, 0x30, 0x66, 0x89, 0xde, 0x66, 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xf4],
].flat();

it.each([...VENDORS])("a local APIC that is turned off is in no CPUID, on %s", (vendor) => {
  const guest = new KvmGuest(vendor, 0x2000);
  guest.slot(0, 0, 0x2000);
  guest.write(CODE, Uint8Array.from(PROGRAM));
  const leaves = must(ioctl(guest.caller(), guest.device, "KVM_GET_SUPPORTED_CPUID", null));
  must(ioctl(guest.caller(), guest.vcpu, "KVM_SET_CPUID2", leaves));
  startRealMode(guest);
  guest.setRegs({ rip: BigInt(CODE), rax: 1n });
  expect(guest.go()).toBe(0);
  const { rsi: before, rdx: after } = guest.regs;
  expect([before & APIC, after & APIC]).toEqual([APIC, 0n]);
});
