/** Laws of CPU profiles: CPUID tells what there is, and what it does not tell of is not there. */

import fc from "fast-check";
import { Code, CpuidFeature, Decoder as Iced, DecoderOptions, Mnemonic } from "iced-x86";
import {
  type CpuidRegister,
  type FeatureName,
  FEATURES,
  IMPLEMENTED,
} from "../../../src/hw/cpu/cpuid/features.ts";
import { type CpuProfile, makeProfile, type Vendor } from "../../../src/hw/cpu/cpuid/profile.ts";
import { type CodeSize, Decoder } from "../../../src/hw/cpu/decode.ts";
import type { Form } from "../../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { writeSlot } from "../../../src/hw/cpu/msr/slots.ts";
import { CR4 } from "../../../src/hw/cpu/state.ts";
import { InputError } from "../../../src/sim/assert.ts";
import { law } from "../../support/law.ts";
import { anyMode, ENGINES, SystemMachine } from "../../support/privileged-machines.ts";

const CPUID = [0x0f, 0xa2];
const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;
/** All that a board can add, and what either vendor has. */
const FULL = makeProfile({ base: "intel", with: [...IMPLEMENTED] });
law("cpuid-tells-the-features", {
  says: "In any mode a feature's bit is set exactly on CPUs that have the feature, but where the program has switched it off.",
  cites: 'SDM Vol. 2A, "CPUID—CPU Identification"; names and places as in Linux, cpufeatures.h',
  forAll: {
    profile: anyProfile(),
    mode: anyMode(),
    engine: fc.constantFrom(...ENGINES),
    flag: fc.constantFrom(...linuxFlags()),
    apic: fc.boolean(),
    osxsave: fc.boolean(),
  },
  runs: 400,
  holds: ({ profile, mode: [mode, cpl], engine, flag, apic, osxsave }) => {
    const [name, leaf, subleaf, register, bit] = flag;
    const machine = new SystemMachine(
      {
        profile,
        mode,
        cpl,
        code: CPUID,
        gpr: { 0: BigInt(leaf), 1: BigInt(subleaf) },
        change: (state) => {
          if (!apic) writeSlot(state, "IA32_APIC_BASE", 0n);
          if (osxsave) state.setControl("CR4", state.control("CR4") | CR4.OSXSAVE);
        },
      },
      engine,
    );
    if (machine.step() !== null) throw new Error("CPUID faults");
    const answer = machine.state.gpr({ EAX: 0, ECX: 1, EDX: 2, EBX: 3 }[register]);
    const isSet = ((answer >> BigInt(bit)) & 1n) === 1n;
    const isOffered =
      name === "OSXSAVE" ? osxsave : profile.features.has(name) && (name !== "APIC" || apic);
    if (isSet !== isOffered) throw new Error(`${name}: ${isSet}, offered: ${isOffered}`);
  },
});

law("what-is-not-offered-is-not-there", {
  says: "A row of an instruction exists exactly on CPUs that offer its feature; elsewhere its bytes are another instruction or none.",
  cites: 'SDM Vol. 2, "CPUID Feature Flag" columns, by the word of iced-x86',
  forAll: { profile: anyProfile(), code: fc.constantFrom<CodeSize[]>(32, 64) },
  runs: 100,
  holds: ({ profile, code }) => {
    const some = new Decoder(INSTRUCTIONS, profile.features);
    for (const { form, bytes, needed } of rowsOf(code)) {
      const found = some.decode(bytes, code);
      const isThere = typeof found === "object" && found.form === form;
      const expected = needed.every((feature) => profile.features.has(feature));
      if (isThere !== expected)
        throw new Error(`${form.mnemonic} ${form.row[0]}: ${isThere}, but ${needed.join()}`);
    }
  },
});

law("what-is-offered-is-there", {
  says: "Bytes that are an instruction of features that a CPU offers, by the word of iced-x86, are one here too.",
  cites: 'SDM Vol. 2, "CPUID Feature Flag" columns, by the word of iced-x86',
  forAll: {
    map: fc.constantFrom(...MAP_BYTES),
    prefix: fc.constantFrom<number[][]>([], [0x66], [0xf3], [0xf2]),
    wide: fc.boolean(),
    rm: fc.nat(7),
    code: fc.constantFrom<CodeSize[]>(16, 32, 64),
  },
  runs: 250,
  holds: ({ map, prefix, wide, rm, code }) => {
    const decoder = decoderOf(FULL);
    const rex = wide && code === 64 ? [0x48] : [];
    for (let n = 0; n < 256 * 16; n += 1) {
      // Every opcode with every reg field, in memory and in a register.
      const modrm = ((n & 7) << 3) | ((n & 8) === 0 ? rm : 0xc0 | rm);
      const start = [...prefix, ...rex, ...map, n >> 4, modrm];
      const bytes = Uint8Array.from({ length: 15 }, (_, i) => start[i] ?? 0);
      if (typeof decoder.decode(bytes, code) === "object") continue;
      const missing = offeredByIced(bytes, code);
      if (missing !== null) throw new Error(`${missing}: ${Buffer.from(bytes).toString("hex")}`);
    }
  },
});

law("profiles-refuse-what-is-not-there", {
  says: "A feature that is not implemented, not known, or without what it needs, is refused with a message that names it.",
  cites: "DESIGN, What bad input gets",
  forAll: {
    base: fc.constantFrom<Vendor[]>("intel", "amd"),
    name: fc.constantFrom("AVX", "BMI1", "VMX", "SVM", "PSE-36", "flux", "", "toString", "INVPCID"),
  },
  runs: 18,
  holds: ({ base, name }) => {
    const isThere = IMPLEMENTED.has(name as FeatureName);
    try {
      makeProfile(isThere ? { base, without: ["LM"], with: [name] } : { base, with: [name] });
    } catch (error) {
      return error instanceof InputError && error.message.includes(name);
    }
    throw new Error(`${name} is accepted`);
  },
});

law("cpuid-answers-every-leaf", {
  says: "Any leaf has an answer; beyond the last one Intel's CPUs repeat the last basic leaf, AMD's answer zeros.",
  cites: 'SDM Vol. 2A, "CPUID—CPU Identification"; APM Vol. 3, "CPUID"',
  forAll: {
    profile: anyProfile(),
    leaf: fc.oneof(
      fc.integer({ min: 0, max: 0x20 }),
      fc.integer({ min: 0x8000_0000, max: 0x8000_0020 }),
      fc.nat(2 ** 31 - 1),
    ),
    subleaf: fc.nat(3),
  },
  runs: 200,
  holds: ({ profile, leaf, subleaf }) => {
    const ask = (which: number): readonly bigint[] => {
      const gpr = { 0: BigInt(which), 1: BigInt(subleaf) };
      const of = { profile, mode: "64-bit", cpl: 3, code: CPUID, gpr } as const;
      const machine = new SystemMachine(of, "reference");
      if (machine.step() !== null) throw new Error("CPUID faults");
      return [0, 3, 1, 2].map((number) => machine.state.gpr(number));
    };
    const basic = Number(ask(0)[0]);
    const last = leaf >= 0x8000_0000 ? Number(ask(0x8000_0000)[0]) : basic;
    if (leaf <= last) return true;
    const expected = profile.vendor === "intel" ? ask(basic) : [0n, 0n, 0n, 0n];
    return ask(leaf).join() === expected.join();
  },
});

law("topology-is-consistent", {
  says: "The logical processors that leaf 0BH counts fit the APIC IDs that it leaves for a package, and leaf 1 agrees.",
  cites: 'SDM Vol. 3, "Hierarchical Mapping of CPUID Extended Topology Leaf"',
  forAll: {
    base: fc.constantFrom<Vendor[]>("intel", "amd"),
    threadsPerCore: fc.integer({ min: 1, max: 4 }),
    coresPerPackage: fc.integer({ min: 1, max: 40 }),
    apicId: fc.nat(300),
  },
  runs: 60,
  holds: ({ base, ...board }) => {
    const profile = makeProfile({ base, ...board });
    const ask = (leaf: number, subleaf: number): readonly number[] => {
      const gpr = { 0: BigInt(leaf), 1: BigInt(subleaf) };
      const of = { profile, mode: "64-bit", cpl: 0, code: CPUID, gpr } as const;
      const machine = new SystemMachine(of, "reference");
      machine.step();
      return [0, 3, 1, 2].map((number) => Number(machine.state.gpr(number)));
    };
    const [threads, cores, end] = [ask(0xb, 0), ask(0xb, 1), ask(0xb, 2)];
    const [shift = 0, count = 0] = cores;
    const one = ask(1, 0);
    const processors = board.threadsPerCore * board.coresPerPackage;
    return (
      threads[1] === board.threadsPerCore &&
      count === processors &&
      2 ** shift >= processors &&
      2 ** (threads[0] ?? 0) >= board.threadsPerCore &&
      end[1] === 0 &&
      cores[3] === board.apicId &&
      (((one[1] ?? 0) >>> 16) & 0xff) >= processors &&
      (one[1] ?? 0) >>> 24 === (board.apicId & 0xff) &&
      (((one[3] ?? 0) >>> 28) & 1) === (processors > 1 ? 1 : 0)
    );
  },
});

// Helpers

/** Either vendor, without some features. */
function anyProfile(): fc.Arbitrary<CpuProfile> {
  const names = [...IMPLEMENTED].filter((name) => name !== "LM");
  return fc
    .record({
      base: fc.constantFrom<Vendor[]>("intel", "amd"),
      without: fc.oneof(
        fc.constant([]),
        fc.constantFrom(...names).map((name) => [name]),
        fc.subarray(names, { maxLength: 12 }),
      ),
    })
    .map((parameters) => makeProfile(parameters));
}

type Flag = readonly [
  name: FeatureName | "OSXSAVE",
  leaf: number,
  subleaf: number,
  register: CpuidRegister,
  bit: number,
];

/** Words of Linux's cpufeatures.h. */
function linuxFlags(): readonly Flag[] {
  const words: readonly (readonly [number, number, CpuidRegister, string])[] = [
    [1, 0, "EDX", "FPU VME DE PSE TSC MSR PAE MCE CX8 APIC . SEP MTRR PGE MCA CMOV PAT . . CLFSH"],
    [1, 0, "EDX", ". . . . . . . . . . . . . . . . . . . . . . . MMX FXSR SSE SSE2"],
    [1, 0, "ECX", "SSE3 . . MONITOR . . . . . SSSE3 . . . CMPXCHG16B . . . PCID . SSE4.1 SSE4.2"],
    [1, 0, "ECX", ". . . . . . . . . . . . . . . . . . . . . x2APIC MOVBE POPCNT TSC-Deadline"],
    [1, 0, "ECX", ". . . . . . . . . . . . . . . . . . . . . . . . . . XSAVE OSXSAVE . . RDRAND"],
    [7, 0, "EBX", "FSGSBASE IA32_TSC_ADJUST . . . . . SMEP . . INVPCID . . . . . . . RDSEED"],
    [7, 0, "EBX", ". . . . . . . . . . . . . . . . . . . . SMAP . . CLFLUSHOPT CLWB"],
    [7, 0, "ECX", ". . UMIP . . . . . . . . . . . . . . . . . . . RDPID"],
    [0xd, 1, "EAX", "XSAVEOPT XSAVEC XGETBV_ECX1 XSAVES"],
    [0x8000_0001, 0, "ECX", "LAHF/SAHF . . . . LZCNT . . PREFETCHW OSVW"],
    [0x8000_0001, 0, "EDX", ". . . . . . . . . . . SYSCALL . . . . . . . . NX . . . . . Page1GB"],
    [0x8000_0001, 0, "EDX", ". . . . . . . . . . . . . . . . . . . . . . . . . . . RDTSCP . LM"],
  ];
  return words.flatMap(([leaf, subleaf, register, names]) =>
    names.split(" ").flatMap((name, bit): Flag[] => {
      if (name === ".") return [];
      return [[name as FeatureName, leaf, subleaf, register, bit]];
    }),
  );
}

interface Row {
  readonly form: Form;
  readonly bytes: Uint8Array;
  readonly needed: readonly FeatureName[];
}

const rowsByCode = new Map<CodeSize, readonly Row[]>();

/** The rows that a CPU with every feature has. */
function rowsOf(code: CodeSize): readonly Row[] {
  const known = rowsByCode.get(code);
  if (known !== undefined) return known;
  const all = new Decoder(INSTRUCTIONS);
  const rows = INSTRUCTIONS.flatMap(({ forms }) => forms).flatMap((form): Row[] => {
    const bytes = bytesOf(form);
    const found = all.decode(bytes, code);
    // Another row has the bytes, or they are not valid in this mode.
    if (typeof found !== "object" || found.form !== form) return [];
    return [{ form, bytes, needed: featuresByIced(bytes, code) }];
  });
  rowsByCode.set(code, rows);
  return rows;
}

/** The row with the simplest operands. */
function bytesOf(form: Form): Uint8Array {
  const { prefix, operandSize, modrm } = form;
  const bytes: number[] = [];
  if (operandSize === 16 && prefix !== "66") bytes.push(0x66);
  if (prefix === "66" || prefix === "F2" || prefix === "F3")
    bytes.push(Number.parseInt(prefix, 16));
  if (form.rexW === true) bytes.push(0x48);
  bytes.push(...MAP_BYTES[form.map], form.opcode);
  const mod = modrm?.allows === "register" ? 0xc0 : 0;
  if (modrm !== null) bytes.push(modrm.fixed ?? mod | ((modrm.digit ?? 0) << 3));
  return Uint8Array.from({ length: 15 }, (_, i) => bytes[i] ?? 0);
}

/** Where iced-x86 and the manual's columns have other names. */
const NAMES: Readonly<Record<string, FeatureName>> = {
  SSE4_1: "SSE4.1",
  SSE4_2: "SSE4.2",
  FPU287: "FPU",
  FPU387: "FPU",
  SKINIT_or_SVM: "SVM",
};

/** Rows that are hints, or nothing at all, on CPUs without their feature. */
const HINTS = /^Prefetch/;

function featuresByIced(bytes: Uint8Array, code: CodeSize): readonly FeatureName[] {
  const iced = new Iced(code, bytes, DecoderOptions.None);
  const instruction = iced.decode();
  const names = [...instruction.cpuidFeatures()].map((number) => CpuidFeature[number] ?? "");
  const mnemonic = Mnemonic[instruction.mnemonic] ?? "";
  instruction.free();
  iced.free();
  if (HINTS.test(mnemonic)) return [];
  if (/^[LS]ahf$/.test(mnemonic)) return code === 64 ? ["LAHF/SAHF"] : [];
  if (mnemonic === "Wait") return ["FPU"];
  const known = names.map((name) => NAMES[name] ?? name).filter((name) => name in FEATURES);
  return known as FeatureName[];
}

const decoders = new Map<CpuProfile, Decoder>();

function decoderOf(profile: CpuProfile): Decoder {
  const known = decoders.get(profile) ?? new Decoder(INSTRUCTIONS, profile.features);
  decoders.set(profile, known);
  return known;
}

/** Every CPU of 64 bits has what these bring. */
const BASELINE =
  /^(INTEL(8086|186|286|386|486)(_ONLY)?|X64|CPUID|PAUSE|MULTIBYTENOP|RDPMC|FPU\w*|CET_IBT|UDBG)$/;
/** What iced-x86 knows of old or other processors; 0F 0D with a register is #UD by the APM. */
const OTHERS =
  /_tr$|_tr_|386_only|^(Loadall|Umov|Ibts|Xbts|Cmpxchg486|Bndstx|Jmpe|Storeall|Skinit|Fstdw|Fstsg|Frstpm|Fsetpm|Fndisi|Fneni|Fdisi|Feni|Udb)|_0F0D$|^Xstore|^Getsec/i;

/** The name of an encoding all of whose features are offered, or null. */
function offeredByIced(bytes: Uint8Array, code: CodeSize): string | null {
  const iced = new Iced(code, bytes, DecoderOptions.None);
  const instruction = iced.decode();
  const names = [...instruction.cpuidFeatures()].map((number) => CpuidFeature[number] ?? "");
  const form = instruction.isInvalid ? null : (Code[instruction.code] ?? "");
  instruction.free();
  iced.free();
  if (form === null || OTHERS.test(form)) return null;
  const isOffered = (name: string): boolean =>
    BASELINE.test(name) || FULL.features.has((NAMES[name] ?? name) as FeatureName);
  return names.every(isOffered) ? form : null;
}
