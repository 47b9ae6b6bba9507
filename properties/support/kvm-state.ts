/** All state of a vCPU that user space can get and set, and values for it. */

import fc from "fast-check";
import { type Argument, ioctl, type IOCTLS } from "../../src/kvm/ioctls/index.ts";
import { type KvmGuest, must, type Regs, type Sregs } from "./kvm-guest.ts";
import { anyMxcsr, anyVector } from "./vectors.ts";

type Name = keyof typeof IOCTLS;

export interface VcpuState {
  readonly cpuid: Argument<"KVM_SET_CPUID2">;
  readonly regs: Regs;
  readonly sregs: Sregs;
  readonly fpu: Argument<"KVM_SET_FPU">;
  readonly xsave: Argument<"KVM_SET_XSAVE">;
  readonly xcrs: Argument<"KVM_SET_XCRS">;
  readonly debugregs: Argument<"KVM_SET_DEBUGREGS">;
  readonly msrs: Argument<"KVM_SET_MSRS">;
  readonly khz: number;
  readonly events: Argument<"KVM_SET_VCPU_EVENTS">;
}

/** Of a vCPU that does not run. */
export const call = <N extends Name>(guest: KvmGuest, name: N, argument: Argument<N>) =>
  ioctl(guest.caller(), guest.vcpu, name, argument);

const ROOM = 256;
/** SYSENTER's addresses: AMD's processors keep half of them. */
const OF_A_VENDOR: readonly number[] = [0x175, 0x176];

export const savedMsrs = (guest: KvmGuest): readonly number[] =>
  must(
    ioctl(
      guest.caller(),
      guest.device,
      "KVM_GET_MSR_INDEX_LIST",
      Array.from({ length: ROOM }, () => 0),
    ),
  );

/** Those that mean the same on both of two hosts. */
export function commonMsrs(a: KvmGuest, b: KvmGuest): readonly number[] {
  const others = savedMsrs(b);
  if (a.kvm.profile.vendor === b.kvm.profile.vendor) return others;
  return savedMsrs(a).filter((index) => others.includes(index) && !OF_A_VENDOR.includes(index));
}

export function saveVcpu(guest: KvmGuest, msrs: readonly number[]): VcpuState {
  const room = Array.from({ length: 100 }, () => EMPTY_ENTRY);
  const asked = msrs.map((index) => ({ index, data: 0n }));
  const found = must(call(guest, "KVM_GET_MSRS", asked));
  if (found.length !== asked.length) throw new Error(`no MSR ${msrs[found.length]?.toString(16)}`);
  return {
    cpuid: must(call(guest, "KVM_GET_CPUID2", room)),
    regs: guest.regs,
    sregs: guest.sregs,
    fpu: must(call(guest, "KVM_GET_FPU", null)),
    xsave: must(call(guest, "KVM_GET_XSAVE", null)),
    xcrs: must(call(guest, "KVM_GET_XCRS", null)),
    debugregs: must(call(guest, "KVM_GET_DEBUGREGS", null)),
    msrs: found,
    khz: must(call(guest, "KVM_GET_TSC_KHZ", null)),
    events: must(call(guest, "KVM_GET_VCPU_EVENTS", null)),
  };
}

const EMPTY_ENTRY = { function: 0, index: 0, flags: 0, eax: 0, ebx: 0, ecx: 0, edx: 0 };

/** In the order of QEMU: FPU first, which knows nothing of MXCSR. */
export function restoreVcpu(guest: KvmGuest, state: VcpuState): void {
  must(call(guest, "KVM_SET_CPUID2", state.cpuid));
  must(call(guest, "KVM_SET_TSC_KHZ", BigInt(state.khz)));
  guest.setSregs(state.sregs);
  guest.setRegs(state.regs);
  must(call(guest, "KVM_SET_FPU", state.fpu));
  must(call(guest, "KVM_SET_XSAVE", state.xsave));
  must(call(guest, "KVM_SET_XCRS", state.xcrs));
  const written = must(call(guest, "KVM_SET_MSRS", state.msrs));
  const refused = state.msrs[written];
  if (refused !== undefined) throw new Error(`MSR ${refused.index.toString(16)} = ${refused.data}`);
  must(call(guest, "KVM_SET_DEBUGREGS", state.debugregs));
  must(call(guest, "KVM_SET_VCPU_EVENTS", state.events));
}

const SHOWN = 80;

/** Where two states differ first, by the names of fields; null where they do not. */
export function difference(a: unknown, b: unknown, path = ""): string | null {
  if (typeof a === "string" && typeof b === "string" && a !== b) {
    let at = 0;
    while (a[at] === b[at]) at += 1;
    return `${path}[${at}]: ${a.slice(at, at + SHOWN)}, ${b.slice(at, at + SHOWN)}`;
  }
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null)
    return a === b ? null : `${path}: ${String(a)}, ${String(b)}`;
  const [x, y] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  for (const name of new Set([...Object.keys(x), ...Object.keys(y)])) {
    const found = difference(x[name], y[name], `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

// Values.

const anyBits = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

const [MXCSR_WORD, XMM_WORD, HEADER_WORD] = [6, 40, 128];

/** An area with the legacy region and the header's XSTATE_BV filled; what the x87 unit holds is any bits. */
export const anyXsave = (): fc.Arbitrary<Argument<"KVM_SET_XSAVE">> =>
  fc
    .record({
      x87: fc.array(fc.oneof(fc.constant(0), fc.nat(2 ** 32 - 1)), {
        minLength: XMM_WORD,
        maxLength: XMM_WORD,
      }),
      xmm: fc.array(anyVector(), { minLength: 16, maxLength: 16 }),
      mxcsr: anyMxcsr(),
      components: fc.nat(3),
    })
    .map(({ x87, xmm, mxcsr, components }) => {
      const region = Array.from({ length: 1024 }, () => 0);
      for (const [i, word] of x87.entries()) region[i] = word;
      // All exceptions masked: a program of which the first x87 instruction faults is not worth much.
      region[0] = ((region[0] ?? 0) & 0x0700_0f00) | 0x37f;
      region[MXCSR_WORD] = mxcsr;
      for (const [i, value] of xmm.entries())
        for (let word = 0; word < 4; word += 1)
          region[XMM_WORD + 4 * i + word] = Number((value >> BigInt(32 * word)) & 0xffff_ffffn);
      region[HEADER_WORD] = components;
      return { region };
    });

/** No breakpoint is enabled, but for those of user space's liking. */
export const anyDebugregs = (): fc.Arbitrary<Argument<"KVM_SET_DEBUGREGS">> =>
  fc.record({
    db: fc.array(anyBits, { minLength: 4, maxLength: 4 }),
    dr6: fc.nat(2 ** 32 - 1).map(BigInt),
    dr7: fc.nat(2 ** 32 - 1).map((value) => BigInt(value) & ~0x20ffn),
    flags: fc.constant(0n),
  });

/** One event at most is on its way into the guest; exceptions 8 and 10 to 14 have error codes. */
export const anyEvents = (): fc.Arbitrary<Argument<"KVM_SET_VCPU_EVENTS">> =>
  fc
    .record({
      injected: fc.constantFrom("exception", "interrupt", "NMI", null),
      vector: fc.nat(255),
      errorCode: fc.nat(2 ** 16 - 1),
      shadow: fc.nat(3),
      pending: fc.nat(1),
      masked: fc.nat(1),
    })
    .map(({ injected, vector, errorCode, shadow, pending, masked }) => {
      const isException = injected === "exception";
      const nr = vector % 32 === 2 ? 3 : vector % 32;
      const hasCode = isException && (nr === 8 || (nr >= 10 && nr <= 14));
      return {
        exception: {
          injected: isException ? 1 : 0,
          nr: isException ? nr : 0,
          has_error_code: hasCode ? 1 : 0,
          pending: 0,
          error_code: hasCode ? errorCode : 0,
        },
        interrupt: {
          injected: injected === "interrupt" ? 1 : 0,
          nr: injected === "interrupt" ? vector : 0,
          soft: 0,
          shadow,
        },
        nmi: { injected: injected === "NMI" ? 1 : 0, pending, masked },
        sipi_vector: 0,
        flags: 5,
        smi: { smm: 0, pending: 0, smm_inside_nmi: 0, latched_init: 0 },
        triple_fault: { pending: 0 },
        exception_has_payload: 0,
        exception_payload: 0n,
      };
    });

/** Registers of system calls, the PAT and an MTRR. */
export const anyMsrs = (): fc.Arbitrary<Argument<"KVM_SET_MSRS">> => {
  const entry = (index: number, data: fc.Arbitrary<bigint>) =>
    data.map((value) => ({ index, data: value }));
  const canonical = anyBits.map((value) => BigInt.asUintN(64, BigInt.asIntN(48, value)));
  return fc.tuple(
    entry(0x10, anyBits),
    entry(0x3b, anyBits),
    entry(
      0x174,
      anyBits.map((value) => value % 2n ** 32n),
    ),
    entry(0x277, fc.constantFrom(0x0007_0406_0007_0406n, 0x0606_0606_0606_0606n)),
    entry(0x2ff, fc.constantFrom(0n, 0xc06n)),
    entry(0x401, anyBits),
    entry(0xc000_0081, anyBits),
    entry(0xc000_0082, canonical),
    entry(
      0xc000_0084,
      anyBits.map((value) => value % 2n ** 32n),
    ),
    entry(0xc000_0102, canonical),
    entry(
      0xc000_0103,
      anyBits.map((value) => value % 2n ** 32n),
    ),
  );
};
