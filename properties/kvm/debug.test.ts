/** User space debugs a guest, case by case: Linux, Documentation/virt/kvm/api.rst, "KVM_SET_GUEST_DEBUG". */

import { describe, expect, it } from "vitest";
import { EXIT } from "../../src/kvm/ioctls/kvm-run.ts";
import { KvmGuest, startRealMode, VENDORS } from "../support/kvm-guest.ts";
import { call } from "../support/kvm-state.ts";

const [CODE, STACK, VECTOR_BP, VECTOR_DB] = [0x1000, 0x800, 3, 1];
const HANDLER = 0x1800;
const [ENABLE, SINGLESTEP, USE_SW_BP, USE_HW_BP] = [1, 2, 0x1_0000, 0x2_0000];
const [INJECT_DB, INJECT_BP] = [0x4_0000, 0x8_0000];

/** What follows one another until HLT: where steps end, and what else user space sees. */
function trace(guest: KvmGuest, most = 20): readonly (string | number)[] {
  const seen: (string | number)[] = [];
  const { run } = guest;
  while (seen.length < most) {
    expect(guest.go()).toBe(0);
    if (run.exit_reason === EXIT.HLT) return [...seen, "HLT"];
    if (run.exit_reason === EXIT.DEBUG) seen.push(Number(run.debug.arch.pc) - CODE);
    else if (run.exit_reason === EXIT.IO) seen.push("IO");
    else if (run.exit_reason === EXIT.MMIO) seen.push("MMIO");
    else return [...seen, `exit ${run.exit_reason}`];
  }
  return seen;
}

describe.each([...VENDORS])("a guest that is debugged on %s", (vendor) => {
  const start = (...code: readonly number[]): KvmGuest => {
    const guest = new KvmGuest(vendor, 0x2000);
    guest.slot(0, 0, 0x2000);
    guest.write(CODE, Uint8Array.from(code));
    guest.write(HANDLER, Uint8Array.of(0xf4));
    for (const vector of [VECTOR_DB, VECTOR_BP])
      guest.write(4 * vector, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0));
    startRealMode(guest);
    guest.setRegs({ rip: BigInt(CODE), rsp: BigInt(STACK) });
    return guest;
  };
  const debug = (guest: KvmGuest, control: number, debugreg = room()): unknown =>
    call(guest, "KVM_SET_GUEST_DEBUG", { control, arch: { debugreg } });
  const room = (): bigint[] => Array.from({ length: 8 }, () => 0n);

  it("is stepped through what the module carries out", () => {
    // out 80h, al; cpuid; in al, 80h; mov dr0, eax; hlt
    const guest = start(0xe6, 0x80, 0x0f, 0xa2, 0xe4, 0x80, 0x0f, 0x23, 0xc0, 0xf4);
    expect(debug(guest, ENABLE | SINGLESTEP)).toBe(0);
    expect(trace(guest)).toEqual(["IO", 2, 4, "IO", 6, 9, "HLT"]);
    expect(guest.regs.rip).toBe(BigInt(CODE + 10));
  });

  it("is stepped behind STI and a load of SS", () => {
    // sti; nop; mov ss, ax; nop; nop; hlt
    const guest = start(0xfb, 0x90, 0x8e, 0xd0, 0x90, 0x90, 0xf4);
    expect(debug(guest, ENABLE | SINGLESTEP)).toBe(0);
    expect(trace(guest)).toEqual([1, 2, 5, 6, "HLT"]);
  });

  it("is not stepped between a load of SS from a device and what follows", () => {
    // mov ss, [5000h]; nop; nop; hlt
    const guest = start(0x8e, 0x16, 0x00, 0x50, 0x90, 0x90, 0xf4);
    expect(debug(guest, ENABLE | SINGLESTEP)).toBe(0);
    expect(trace(guest)).toEqual(["MMIO", 5, 6, "HLT"]);
  });

  it("has a trap flag of its own", () => {
    // popf; nop; hlt
    const guest = start(0x9d, 0x90, 0xf4);
    guest.setRegs({ rflags: 0x102n });
    debug(guest, ENABLE | SINGLESTEP);
    expect(trace(guest, 1)).toEqual([1]);
    expect(guest.regs.rflags & 0x100n).toBe(0n);
  });

  it("forgets a step that nobody waits for any more", () => {
    // out 80h, al; hlt
    const guest = start(0xe6, 0x80, 0xf4);
    debug(guest, ENABLE | SINGLESTEP);
    expect(trace(guest, 1)).toEqual(["IO"]);
    debug(guest, 0);
    expect(trace(guest)).toEqual(["HLT"]);
  });

  it("stops at breakpoints in its code, and gets those that are its own", () => {
    // nop; int3; hlt
    const guest = start(0x90, 0xcc, 0xf4);
    debug(guest, ENABLE | USE_SW_BP);
    expect(trace(guest, 1)).toEqual([1]);
    expect(guest.run.debug.arch.exception).toBe(VECTOR_BP);
    expect(guest.regs.rip).toBe(BigInt(CODE + 1));
    expect(debug(guest, ENABLE | USE_SW_BP | INJECT_BP)).toBe(0);
    expect(debug(guest, ENABLE | INJECT_BP)).toBe("EBUSY");
    expect(trace(guest)).toEqual(["HLT"]);
    expect(guest.regs.rip).toBe(BigInt(HANDLER + 1));
    const pushed = guest.task.memory.read(guest.ram + STACK - 6, 2);
    expect(pushed).toEqual(Uint8Array.of((CODE + 2) & 0xff, CODE >> 8));
  });

  it("gets a #DB of user space", () => {
    const guest = start(0xf4);
    expect(debug(guest, INJECT_DB)).toBe(0);
    expect(trace(guest)).toEqual(["HLT"]);
    expect(guest.regs.rip).toBe(BigInt(HANDLER + 1));
  });

  it("stops behind a write to watched memory, and sees its own debug registers", () => {
    // mov eax, dr7; mov [600h], al; hlt
    const guest = start(0x0f, 0x21, 0xf8, 0xa2, 0x00, 0x06, 0xf4);
    const debugreg = room();
    debugreg[1] = 0x600n;
    // DR1, writes, of one byte.
    debugreg[7] = 0x10_0004n;
    debug(guest, ENABLE | USE_HW_BP, debugreg);
    expect(trace(guest, 1)).toEqual([6]);
    const { dr6, dr7, exception } = guest.run.debug.arch;
    expect([exception, dr6, dr7]).toEqual([VECTOR_DB, 0xffff_0ff2n, 0x10_0404n]);
    expect(guest.regs.rax).toBe(0x400n);
    expect(trace(guest)).toEqual(["HLT"]);
  });

  it("has interrupts held back when user space wants it", () => {
    const guest = start(0x90, 0xf4);
    debug(guest, ENABLE | SINGLESTEP | 0x10_0000);
    expect(call(guest, "KVM_NMI", null)).toBe(0);
    expect(trace(guest)).toEqual([1, "HLT"]);
  });
});
