/**
 * What tools/guests/kvm-vm.c does on Linux's KVM, by our ioctls: real-mode code and 64-bit code that talk to a port and
 * to memory that is not there. That program has said "OK" on Linux's module, so the expectations are its own.
 */

import { describe, expect, it } from "vitest";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { EXIT, IO_DIRECTION } from "../../src/kvm/ioctls/kvm-run.ts";
import { KvmGuest, must, startLongMode, startRealMode, VENDORS } from "../support/kvm-guest.ts";

const [RAM, CODE, TABLES, PORT] = [0x20_0000, 0x1000, 0x1_0000, 0x3f8] as const;
const HOLE = 0x8_0000;

const REAL_MODE = [
  [0xba, 0xf8, 0x03, 0xb0, 0x72, 0xee, 0xec, 0x04, 0x01, 0xbb, 0x00, 0x80, 0x8e, 0xdb],
  [0xa2, 0x00, 0x00, 0x8a, 0x0e, 0x01, 0x00, 0x88, 0xc8, 0xee, 0xf4],
].flat();
const LONG_MODE = [
  [0x48, 0xbb, 0x00, 0x00, 0x00, 0x20, 0, 0, 0, 0, 0x48, 0xb8, 0x88, 0x77, 0x66],
  [0x55, 0x44, 0x33, 0x22, 0x11, 0x48, 0x89, 0x03, 0x48, 0x8b, 0x4b, 0x08, 0x48, 0x01, 0xc1],
  [0xba, 0xf8, 0x03, 0x00, 0x00, 0xb0, 0x6c, 0xee, 0xf4],
].flat();

/** Runs to HLT, and serves ports and memory as the program does: what was seen. */
function serve(guest: KvmGuest): string {
  const { run } = guest;
  let seen = "";
  for (;;) {
    expect(guest.go()).toBe(0);
    if (run.exit_reason === EXIT.HLT) return seen;
    if (run.exit_reason === EXIT.IO) {
      expect([run.io.port, run.io.size, run.io.count]).toEqual([PORT, 1, 1]);
      const [data = 0] = run.io.data;
      if (run.io.direction === IO_DIRECTION.out) seen += String.fromCodePoint(data);
      else run.io.data[0] = "d".codePointAt(0) ?? 0;
      continue;
    }
    expect(run.exit_reason).toBe(EXIT.MMIO);
    const { mmio } = run;
    if (mmio.is_write === 1) {
      seen += (mmio.len === 8 ? "W" : "w") + String.fromCodePoint(mmio.data[0] ?? 0);
    } else {
      mmio.data.fill(0);
      mmio.data[0] = "m".codePointAt(0) ?? 0;
      seen += mmio.len === 8 ? "R" : "x";
    }
  }
}

describe.each([...VENDORS])("a VMM in user space on %s", (vendor) => {
  const start = (): KvmGuest => {
    const guest = new KvmGuest(vendor, RAM);
    const { device, vm, vcpu } = guest;
    expect(ioctl(guest.caller(), device, "KVM_GET_API_VERSION", null)).toBe(12);
    expect(ioctl(guest.caller(), vm, "KVM_SET_TSS_ADDR", 0xfffb_d000n)).toBe(0);
    guest.slot(0, 0, HOLE);
    guest.slot(1, HOLE + 0x1000, RAM - HOLE - 0x1000);
    const leaves = must(ioctl(guest.caller(), device, "KVM_GET_SUPPORTED_CPUID", null));
    expect(ioctl(guest.caller(), vcpu, "KVM_SET_CPUID2", leaves)).toBe(0);
    return guest;
  };

  it("runs real-mode code", () => {
    const guest = start();
    guest.write(CODE, Uint8Array.from(REAL_MODE));
    startRealMode(guest);
    guest.setRegs({ rip: BigInt(CODE), rflags: 2n });
    expect(serve(guest)).toBe("rwexm");
  });

  it("runs 64-bit code", () => {
    const guest = start();
    guest.write(CODE, Uint8Array.from(LONG_MODE));
    startLongMode(guest, TABLES);
    guest.setRegs({ rip: BigInt(CODE), rflags: 2n, rsp: BigInt(TABLES) });
    expect(serve(guest)).toBe("W\u0088Rl");
    expect(guest.regs.rcx).toBe(0x1122_3344_5566_7788n + 0x6dn);
  });
});
