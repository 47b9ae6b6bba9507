/** Laws of a vCPU's state: what user space gets it can set, elsewhere too, and the guest does not notice. */

import fc from "fast-check";
import { type Argument, ioctl } from "../../src/kvm/ioctls/index.ts";
import { KvmGuest, must, startLongMode, VENDORS } from "../support/kvm-guest.ts";
import { callsHypervisor, guestOf, memoryCopy, runGuest } from "../support/kvm-programs.ts";
import {
  anyDebugregs,
  anyEvents,
  anyMsrs,
  anyXsave,
  call,
  commonMsrs,
  difference,
  restoreVcpu,
  saveVcpu,
} from "../support/kvm-state.ts";
import { law } from "../support/law.ts";
import { anyProgram, MEMORY_START } from "../support/programs.ts";

/** Where the second program begins, behind the first. */
const SECOND = Number(MEMORY_START) + 0x800;
const [OSXSAVE, NE] = [0x4_0000n, 0x20n];

const anyState = {
  xsave: anyXsave(),
  debugregs: anyDebugregs(),
  msrs: anyMsrs(),
  xcr0: fc.constantFrom(1n, 3n),
};
type AnyState = {
  [N in keyof typeof anyState]: (typeof anyState)[N] extends fc.Arbitrary<infer T> ? T : never;
};

const xcrsOf = (value: bigint): Argument<"KVM_SET_XCRS"> => ({
  nr_xcrs: 1,
  flags: 0,
  xcrs: Array.from({ length: 16 }, (_, i) => ({ xcr: 0, value: i === 0 ? value : 0n })),
});

function setAll(guest: KvmGuest, { xsave, debugregs, msrs, xcr0 }: AnyState): void {
  const cpuid = must(ioctl(guest.caller(), guest.device, "KVM_GET_SUPPORTED_CPUID", null));
  must(call(guest, "KVM_SET_CPUID2", cpuid));
  const { cr0, cr4 } = guest.sregs;
  guest.setSregs({ cr0: cr0 | NE, cr4: cr4 | OSXSAVE });
  must(call(guest, "KVM_SET_XSAVE", xsave));
  must(call(guest, "KVM_SET_DEBUGREGS", debugregs));
  must(call(guest, "KVM_SET_XCRS", xcrsOf(xcr0)));
  const known = msrs.filter(({ index }) => index !== 0x3b || guest.kvm.profile.vendor === "intel");
  if (must(call(guest, "KVM_SET_MSRS", known)) !== known.length)
    throw new Error("an MSR is refused");
}

law("a-vcpu-moves-to-another-host", {
  says: "All state of a vCPU, got after any program and set in a new vCPU of another host, of the same vendor or the other, is got there as it was; and the next program has the same result on both, if the processors are of one kind.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_FPU, KVM_GET_XSAVE, KVM_GET_XCRS, KVM_GET_DEBUGREGS, KVM_GET_MSR_INDEX_LIST, KVM_GET_MSRS, KVM_GET_SREGS, KVM_GET_REGS",
  forAll: {
    vendors: fc.tuple(fc.constantFrom(...VENDORS), fc.constantFrom(...VENDORS)),
    first: anyProgram(),
    second: anyProgram(),
    state: fc.record(anyState),
  },
  runs: 80,
  given: ({ first, second }) =>
    !callsHypervisor(first) && !callsHypervisor(second) && first.code.length < 0x800,
  holds: ({ vendors: [from, to], first, second, state }) => {
    const guest = guestOf(from, first);
    setAll(guest, state);
    guest.write(SECOND, second.code);
    if (runGuest(guest).end !== "halted") return true;
    guest.setRegs({ rip: BigInt(SECOND) });
    const other = memoryCopy(to, guest);
    const msrs = commonMsrs(guest, other);
    const saved = saveVcpu(guest, msrs);
    restoreVcpu(other, saved);
    const differs = difference(saved, saveVcpu(other, msrs));
    if (differs !== null) throw new Error(`set${differs}`);
    // FXSAVE, for one, stores other pointers on processors of another vendor.
    if (from !== to) return true;
    const after = difference(runGuest(guest), runGuest(other));
    if (after !== null) throw new Error(`run on${after}`);
    return true;
  },
});

law("events-are-got-as-they-were-set", {
  says: "Events of a vCPU that user space sets are those that it gets; what the flags do not name is left as it was.",
  cites: "Linux, Documentation/virt/kvm/api.rst, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    events: anyEvents(),
    others: anyEvents(),
    flags: fc.constantFrom(0, 1, 4, 5),
  },
  runs: 100,
  holds: ({ vendor, events, others, flags }) => {
    const guest = new KvmGuest(vendor, 0x1000);
    must(call(guest, "KVM_SET_VCPU_EVENTS", events));
    const got = must(call(guest, "KVM_GET_VCPU_EVENTS", null));
    const differs = difference(events, got);
    if (differs !== null) throw new Error(`set${differs}`);
    must(call(guest, "KVM_SET_VCPU_EVENTS", { ...others, flags }));
    const expected = {
      ...others,
      nmi: { ...others.nmi, pending: (flags & 1) === 0 ? events.nmi.pending : others.nmi.pending },
      interrupt: {
        ...others.interrupt,
        shadow: (flags & 4) === 0 ? events.interrupt.shadow : others.interrupt.shadow,
      },
    };
    const wrong = difference(expected, must(call(guest, "KVM_GET_VCPU_EVENTS", null)));
    if (wrong !== null) throw new Error(`changed${wrong}`);
  },
});

const withWord = (at: number, value: number, mxcsr = 0x1f80, components = 3) => {
  const region = Array.from({ length: 1024 }, () => 0);
  region[6] = mxcsr;
  region[128] = components;
  region[at] = value;
  return { region };
};
const anyHigh = fc.bigInt(2n ** 32n, 2n ** 64n - 1n);
const bit = (from: number, to: number): fc.Arbitrary<number> =>
  fc.integer({ min: from, max: to }).map((at) => 2 ** at);

interface Refused {
  readonly name: Parameters<typeof call>[1];
  readonly argument: unknown;
}

/** Arguments that Linux answers with EINVAL. */
const REFUSED: Readonly<Record<string, fc.Arbitrary<Refused["argument"]>>> = {
  "KVM_SET_XSAVE of a component that is not there": bit(2, 31).map((word) => withWord(128, word)),
  "KVM_SET_XSAVE of a component that is not there, above": fc
    .nat(2 ** 32 - 2)
    .map((word) => withWord(129, word + 1)),
  "KVM_SET_XSAVE with reserved bits in the header": fc
    .tuple(fc.integer({ min: 130, max: 143 }), bit(0, 31))
    .map(([at, word]) => withWord(at, word)),
  "KVM_SET_XSAVE with reserved bits in MXCSR": fc
    .tuple(bit(16, 31), fc.integer({ min: 1, max: 3 }))
    .map(([mxcsr, components]) => withWord(0, 0, mxcsr, components)),
  "KVM_SET_XCRS with flags": bit(0, 31).map((flags) => ({ ...xcrsOf(1n), flags })),
  "KVM_SET_XCRS of too many": fc
    .integer({ min: 17, max: 2 ** 32 - 1 })
    .map((count) => ({ ...xcrsOf(1n), nr_xcrs: count })),
  "KVM_SET_XCRS without x87": fc.constantFrom(0n, 2n).map(xcrsOf),
  "KVM_SET_XCRS of a component that is not there": fc
    .integer({ min: 2, max: 63 })
    .map((at) => xcrsOf(3n | (1n << BigInt(at)))),
  "KVM_SET_DEBUGREGS with flags": anyHigh.chain((flags) =>
    anyDebugregs().map((debugregs) => ({ ...debugregs, flags })),
  ),
  "KVM_SET_DEBUGREGS with a wide DR6 or DR7": fc
    .tuple(anyDebugregs(), fc.constantFrom("dr6", "dr7"), anyHigh)
    .map(([debugregs, name, value]) => ({ ...debugregs, [name]: value })),
  "KVM_SET_TSC_KHZ of another rate": fc
    .oneof(fc.integer({ min: 1, max: 999_749 }), fc.integer({ min: 1_000_251, max: 2 ** 32 - 1 }))
    .map(BigInt),
  "KVM_SET_SIGNAL_MASK of another size": fc
    .uint8Array({ maxLength: 20 })
    .filter((mask) => mask.length !== 8)
    .map((mask) => [...mask]),
  "KVM_SET_VCPU_EVENTS with unknown flags": fc
    .tuple(anyEvents(), bit(4, 31))
    .map(([events, flags]) => ({ ...events, flags })),
  "KVM_SET_VCPU_EVENTS of an exception that does not exist": fc
    .tuple(anyEvents(), fc.oneof(fc.constant(2), fc.integer({ min: 32, max: 255 })))
    .map(([events, nr]) => ({
      ...events,
      exception: { ...events.exception, injected: 1, nr },
    })),
  "KVM_SET_VCPU_EVENTS in system management mode": anyEvents().map((events) => ({
    ...events,
    flags: 8,
    smi: { ...events.smi, smm: 1 },
  })),
  "KVM_ENABLE_CAP with flags": bit(0, 31).map((flags) => ({ cap: 190, flags, args: NO_ARGS })),
  "KVM_ENABLE_CAP of what cannot be enabled": fc
    .nat(300)
    .filter((cap) => cap !== 190)
    .map((cap) => ({ cap, flags: 0, args: NO_ARGS })),
};
const NO_ARGS = [0n, 0n, 0n, 0n];

law("what-no-processor-can-hold-is-refused", {
  says: "State with reserved bits, components that do not exist, rates that are not the host's or capabilities that cannot be enabled is EINVAL, and no state of the vCPU has changed.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_SET_XSAVE, KVM_SET_XCRS, KVM_SET_DEBUGREGS, KVM_SET_TSC_KHZ, KVM_ENABLE_CAP; SDM Vol. 1, XRSTOR and the XSAVE Header",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    state: fc.record(anyState),
    refused: fc.constantFrom(...Object.keys(REFUSED)).chain((what) =>
      fc.record({
        name: fc.constant(/^\w+/.exec(what)?.[0] as Refused["name"]),
        argument: REFUSED[what] ?? fc.constant(null),
      }),
    ),
  },
  runs: 150,
  holds: ({ vendor, state, refused: { name, argument } }) => {
    const guest = new KvmGuest(vendor, 0x1000);
    setAll(guest, state);
    const msrs = commonMsrs(guest, guest);
    const before = saveVcpu(guest, msrs);
    const result = call(guest, name, argument as Argument<typeof name>);
    if (result !== "EINVAL") throw new Error(`${name} is not refused`);
    const changed = difference(before, saveVcpu(guest, msrs));
    if (changed !== null) throw new Error(`changed${changed}`);
    return true;
  },
});

/** Bits of an entry that say nothing of where it leads: writable, user, accessed, dirty; no execution. */
const INDIFFERENT = 0x66n | (1n << 63n);
const [LARGE, PRESENT] = [0x80n, 1n];
const FRAME_BITS = 39n;
const [PAGE, TABLES, NXE] = [4096, 0x1000, 0x800n];
const NOT_TRANSLATED = {
  linear_address: 0n,
  physical_address: 0n,
  valid: 0,
  writeable: 0,
  usermode: 0,
};

law("kvm-translate-walks-the-guests-tables", {
  says: "KVM_TRANSLATE gives the guest-physical address that the entries of the guest's tables say, whatever rights they give; none where an entry is not present, or for an address that is not canonical.",
  cites: "Linux, Documentation/virt/kvm/api.rst, KVM_TRANSLATE; SDM Vol. 3, 4-Level Paging",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    linear: fc.bigInt(0n, 2n ** 48n - 1n),
    upper: fc.oneof({ weight: 9, arbitrary: fc.constant(0n) }, fc.bigInt(1n, 0xffffn)),
    levels: fc.integer({ min: 2, max: 4 }),
    frame: fc.bigInt(0n, 2n ** (FRAME_BITS - 12n) - 1n),
    bits: fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { minLength: 4, maxLength: 4 }),
    absent: fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, fc.nat(3)),
  },
  runs: 100,
  holds: ({ vendor, linear, upper, levels, frame, bits, absent }) => {
    const guest = new KvmGuest(vendor, TABLES + 4 * PAGE);
    guest.slot(0, 0, TABLES + 4 * PAGE);
    startLongMode(guest, TABLES);
    guest.setSregs({ efer: guest.sregs.efer | NXE });
    const pageBits = 12n + 9n * BigInt(4 - levels);
    const page = ((frame << 12n) >> pageBits) << pageBits;
    for (let level = 0; level < levels; level += 1) {
      const isLast = level === levels - 1;
      const to = isLast ? page | (levels < 4 ? LARGE : 0n) : BigInt(TABLES + (level + 1) * PAGE);
      const index = Number((linear >> BigInt(39 - 9 * level)) & 0x1ffn);
      const entry = to | ((bits[level] ?? 0n) & INDIFFERENT) | (level === absent ? 0n : PRESENT);
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, entry, true);
      guest.write(TABLES + level * PAGE + 8 * index, bytes);
    }
    const canonical = BigInt.asUintN(64, BigInt.asIntN(48, linear));
    const asked = canonical ^ (upper << 48n);
    const found = must(call(guest, "KVM_TRANSLATE", { ...NOT_TRANSLATED, linear_address: asked }));
    const isMapped = upper === 0n && (absent < 0 || absent >= levels);
    if (!isMapped) return found.valid === 0;
    return (
      found.valid === 1 && found.physical_address === page + (linear & ((1n << pageBits) - 1n))
    );
  },
});
