/** Laws of the control block: what is remembered of it, what VMLOAD and VMSAVE move, and who may use it. */

import fc from "fast-check";
import { CR0, EFER, OFFSET } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { ENGINES } from "../../../support/privileged-machines.ts";
import { type Field, GUEST, HOST, SvmMachine } from "../../../support/svm-machines.ts";

const RAX = 0;

/** Fields that #VMEXIT writes back, by the bit of the clean field that stands for them; null is never clean. */
const FIELDS: readonly (readonly [Field, number | null, bigint])[] = [
  ["V_INTR", 3, 0x7n],
  ["G_PAT", 4, 0x0606_0606_0606_0606n],
  ["CR0", 5, 0x8001_0033n],
  ["CR3", 5, BigInt(GUEST.spare)],
  ["CR4", 5, 0x6a0n],
  ["EFER", 5, 0x1501n],
  ["DR6", 6, 0xffff_0ff1n],
  ["DR7", 6, 0x500n],
  ["GDTR_BASE", 7, 0x1234_5000n],
  ["IDTR_BASE", 7, 0x1234_6000n],
  ["GDTR_LIMIT", 7, 0x7fn],
  ["CS_ATTRIBUTES", 8, 0xa9fn],
  ["CR2", 9, 0x1234_5678n],
  ["RFLAGS", null, 0xad7n],
  ["RIP", null, BigInt(GUEST.code + 5)],
  ["RSP", null, 0x9876_5432_1000n],
  ["RAX", null, 0xfedc_ba98_7654_3210n],
  ["INTERRUPT_SHADOW", null, 1n],
];
const ALL_CLEAN = 0x3ffn;

law("what-is-not-clean-is-loaded", {
  says: "VMRUN loads each field whose clean bit is clear, or that has none, or that lies in another VMCB than the last one, and whatever it loads an exit writes back.",
  cites:
    'APM Vol. 2, "VMCB State Caching", "VMCB Clean Bits", "Guidelines for Clearing VMCB Clean Bits"',
  forAll: {
    fields: fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 1, maxLength: 4 }),
    dirty: fc.bigInt({ min: 0n, max: ALL_CLEAN }),
    another: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ fields, dirty, another, engine }) => {
    const machine = new SvmMachine(engine);
    machine.set("VECTOR_3", 2);
    exitAtOnce(machine);
    let clean = ALL_CLEAN & ~dirty;
    for (const [field, group, value] of fields) {
      machine.set(field, value);
      if (group !== null && !another) clean &= ~(1n << BigInt(group));
    }
    machine.set("CLEAN", clean);
    if (another) {
      // The same again elsewhere, as another VMCB; the page for data of the host.
      machine.ram.write(HOST.data, machine.ram.read(HOST.vmcb, 0x1000));
      machine.set("RIP", 0);
    }
    exitAtOnce(machine, another ? HOST.data : HOST.vmcb);
    if (another) machine.ram.write(HOST.vmcb, machine.ram.read(HOST.data, 0x1000));
    for (const [field, , value] of fields) {
      // An exit writes the guest's IF beside the shadow.
      const kept = field === "INTERRUPT_SHADOW" ? 1n : -1n;
      const found = machine.get(field) & kept;
      if (found !== value) throw new Error(`${field} is ${found.toString(16)}`);
    }
  },
});

// VMLOAD and VMSAVE.

/** Offsets in the VMCB: four segments of 16 bytes, and MSRs of 8. */
const SEGMENTS = [0x440, 0x450, 0x470, 0x490] as const;
const MSRS = [0x600, 0x608, 0x610, 0x618, 0x620, 0x628, 0x630, 0x638] as const;
const KERNEL_GS_BASE = 0x620;
const [VMLOAD, VMSAVE] = [0xda, 0xdb];

const anyWord = (): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom(0n, 1n << 47n, (1n << 47n) - 1n, 0xffff_8000_0000_0000n),
  );

const canonical = (word: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(48, word));

law("vmload-and-vmsave-move-what-vmrun-does-not", {
  says: "VMLOAD followed by VMSAVE to another page stores FS, GS, LDTR, TR and the MSRs of system calls as they were, bases made canonical, and neither reads nor writes anything else of the page.",
  cites:
    'APM Vol. 2, "VMSAVE and VMLOAD Instructions"; Vol. 3, "VMLOAD", "VMSAVE"; "Canonicalization and Consistency Checks"',
  forAll: {
    words: fc.array(anyWord(), { minLength: 16, maxLength: 16 }),
    filler: fc.nat(255),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 60,
  holds: ({ words, filler, engine }) => {
    const machine = new SvmMachine(engine);
    const { ram, state } = machine;
    const from = HOST.data;
    const to = GUEST.spare;
    ram.fill(to, 0x1000, filler);
    const expected = ram.read(to, 0x1000).slice();
    const view = new DataView(expected.buffer);
    const put = (at: number, word: bigint, stored = word): void => {
      ram.write64(from + at, word);
      view.setBigUint64(at, stored, true);
    };
    SEGMENTS.forEach((at, i) => {
      // Of attributes there are 12 bits.
      put(at, (words[2 * i] as bigint) & 0xffff_ffff_0fff_ffffn);
      put(at + 8, words[2 * i + 1] as bigint, canonical(words[2 * i + 1] as bigint));
    });
    MSRS.forEach((at, i) => {
      const word = words[8 + i] as bigint;
      put(at, word, at === KERNEL_GS_BASE ? canonical(word) : word);
    });
    const before = [1, 2, 3, 5].map((register) => state.gpr(register));
    for (const [opcode, page] of [
      [VMLOAD, from],
      [VMSAVE, to],
    ] as const) {
      ram.write(HOST.code, Uint8Array.of(0x0f, 0x01, opcode));
      state.rip = BigInt(HOST.code);
      state.setGpr(RAX, BigInt(page));
      machine.step();
    }
    const stored = ram.read(to, 0x1000);
    const at = stored.findIndex((byte, i) => byte !== expected[i]);
    if (at >= 0) throw new Error(`${at.toString(16)} has ${stored[at]}, not ${expected[at]}`);
    const after = [1, 2, 3, 5].map((register) => state.gpr(register));
    if (before.join() !== after.join()) throw new Error("general registers have changed");
  },
});

// Who may.

const INSTRUCTIONS = {
  VMRUN: 0xd8,
  VMLOAD: 0xda,
  VMSAVE: 0xdb,
  STGI: 0xdc,
  CLGI: 0xdd,
  INVLPGA: 0xdf,
};
const TAKES_PAGE: readonly string[] = ["VMRUN", "VMLOAD", "VMSAVE"];

law("instructions-of-svm-need-svme-and-level-0", {
  says: "An instruction of SVM is #UD without EFER.SVME or outside protected mode, #GP(0) above level 0 or for a VMCB that is not at a physical page, and changes nothing then; the trace names the check.",
  cites:
    'APM Vol. 3, "VMRUN", "VMLOAD", "VMSAVE", "STGI", "CLGI", "INVLPGA": Exceptions; Vol. 2, "Enabling SVM"',
  forAll: {
    name: fc.constantFrom(...(Object.keys(INSTRUCTIONS) as (keyof typeof INSTRUCTIONS)[])),
    svme: fc.boolean(),
    mode: fc.constantFrom("kernel" as const, "kernel" as const, "user" as const, "real" as const),
    address: fc.constantFrom(HOST.vmcb, HOST.vmcb + 1, HOST.vmcb + 0x800, 2 ** 50),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 150,
  holds: ({ name, svme, mode, address, engine }) => {
    const machine = new SvmMachine(engine);
    const { ram, state, memory, surroundings } = machine;
    ram.write(HOST.code, Uint8Array.of(0x0f, 0x01, INSTRUCTIONS[name]));
    // Handlers of the host are at its data: HLT.
    for (const vector of [6, 13]) {
      ram.write64(
        HOST.idt + 16 * vector,
        (0x8e00n << 32n) | 0x8_0000n | BigInt(HOST.data + vector),
      );
      ram.write8(HOST.data + vector, 0xf4);
    }
    if (!svme) state.setControl("EFER", state.control("EFER") & ~EFER.SVME);
    if (mode === "user")
      for (const segment of ["CS", "SS"] as const) {
        const { rights, ...rest } = state.segment(segment);
        state.setSegment(segment, { ...rest, rights: rights | 0x60 });
      }
    if (mode === "real") startRealMode(machine);
    memory.contextChanged();
    state.setGpr(RAX, BigInt(address));
    state.rip = BigInt(mode === "real" ? HOST.code % 0x1_0000 : HOST.code);
    const isPage = TAKES_PAGE.includes(name) ? address === HOST.vmcb : true;
    const vector = !svme || mode === "real" ? 6 : mode === "user" || !isPage ? 13 : null;
    const blocking = state.view.getUint32(OFFSET.blocking, true);
    const block = ram.read(HOST.vmcb, 0x1000).slice();
    machine.step();
    const found = surroundings.refusals.at(-1)?.outcome ?? null;
    const wanted = vector === null ? null : vector === 6 ? "#UD" : "#GP(0)";
    if (found !== wanted) throw new Error(`${name}: ${found}, not ${wanted}`);
    if (wanted === null) return;
    const isUnchanged =
      Buffer.compare(block, ram.read(HOST.vmcb, 0x1000)) === 0 &&
      state.view.getUint32(OFFSET.blocking, true) === blocking;
    if (!isUnchanged || state.isGuest) throw new Error("it has had an effect");
  },
});

// Helpers

/** VMRUN with a VMCB; an NMI that is intercepted ends the guest before its first instruction. */
function exitAtOnce(machine: SvmMachine, vmcb: number = HOST.vmcb): void {
  const { state } = machine;
  machine.atHost();
  state.setGpr(RAX, BigInt(vmcb));
  machine.step();
  if (!state.isGuest) throw new Error("the guest was refused");
  machine.arrive("NMI");
  machine.step();
  state.pending = 0;
  if (state.isGuest) throw new Error("the NMI does not exit");
}

function startRealMode({ state }: SvmMachine): void {
  state.setControl("CR0", CR0.ET);
  state.setControl("EFER", state.control("EFER") & EFER.SVME);
  for (const name of ["CS", "SS", "DS", "ES"] as const)
    state.setSegment(name, { selector: 0, base: 0n, limit: 0xffff, rights: 0x93 });
}
