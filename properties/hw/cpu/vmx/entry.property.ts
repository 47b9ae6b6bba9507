/** Laws of VM entries and exits: what they load, what they leave, and which of them fail. */

import fc from "fast-check";
import { SEGMENT_NAMES } from "../../../../src/hw/cpu/uop.ts";
import { type FieldName, FIELDS } from "../../../../src/hw/cpu/vmx/fields.ts";
import { law } from "../../../support/law.ts";
import { anyCanonical, anyChange, applyChange } from "../../../support/vmx-changes.ts";
import { type Block, type Outcome, outcomeOf } from "../../../support/vmx-rules.ts";
import {
  AT,
  ENGINES,
  type Fields,
  GUEST_MODES,
  VmxMachine,
} from "../../../support/vmx-machines.ts";

const VMCALL = [0x0f, 0x01, 0xc1];
const VMCALL_REASON = 18n;

law("an-exit-restores-the-host", {
  says: "An entry followed by an exit leaves the host with the registers of its host-state area, all others as they were, and the guest-state area as it was.",
  cites: 'SDM Vol. 3, "Loading Host State", "Saving Guest State"',
  forAll: {
    mode: fc.constantFrom(...GUEST_MODES),
    engine: fc.constantFrom(...ENGINES),
    host: anyHostState(),
    gpr: fc.array(anyWord(), { minLength: 16, maxLength: 16 }),
    sysenter: fc.tuple(anyCanonical(), anyCanonical()),
  },
  runs: 150,
  holds: ({ mode, engine, host, gpr, sysenter }) => {
    const [esp, eip] = sysenter;
    const fields: Fields = {
      ...host,
      "Guest IA32_SYSENTER_ESP": esp,
      "Guest IA32_SYSENTER_EIP": eip,
    };
    const machine = new VmxMachine({ mode, code: VMCALL, fields }, engine);
    const { state } = machine;
    for (const [number, value] of gpr.entries()) if (number !== 4) state.setGpr(number, value);
    const before = guestFields(machine);
    const untouched = unaffected(machine);
    machine.launch();
    if (!state.isGuest) throw new Error("the guest is not entered");
    machine.untilExit();
    if (machine.read("Exit reason") !== VMCALL_REASON) throw new Error("another exit");
    if (machine.read("VM-exit instruction length") !== 3n) throw new Error("another length");
    const after = guestFields(machine);
    for (const [name, value] of before)
      if (after.get(name) !== value) throw new Error(`${name} is ${after.get(name)}, not ${value}`);
    if (unaffected(machine) !== untouched) throw new Error("registers that no exit loads changed");
    hostIsLoaded(machine);
    return true;
  },
});

law("a-control-block-enters-or-fails-as-the-manual-says", {
  says: "After a few fields of a valid control block were changed, the entry fails with the number or qualification of the first broken rule of the manual, and loads the host, or it enters.",
  cites:
    'SDM Vol. 3, "Checks on VMX Controls and Host-State Area", "Checking and Loading Guest State"',
  forAll: {
    mode: fc.constantFrom(...GUEST_MODES),
    engine: fc.constantFrom(...ENGINES),
    before: fc.array(anyChange(), { maxLength: 2 }),
    changes: fc.array(anyChange(), { minLength: 1, maxLength: 3 }),
  },
  runs: 3000,
  holds: ({ mode, engine, before, changes }) => {
    const machine = new VmxMachine({ mode, code: VMCALL, hostExit: VMRESUME }, engine);
    machine.launch();
    machine.untilExit();
    const { state } = machine;
    // What an entry has found valid must not be taken for valid when something else was changed.
    for (const each of [before, changes]) {
      for (const change of each) applyChange(machine, change);
      const expected = outcomeOf(blockOf(machine));
      machine.step();
      compare(machine, expected);
      if (state.isGuest) return true;
      if (expected.is === "exit") hostIsLoaded(machine);
      // A host that is another one now may not find its code.
      if (each.some(({ field }) => field.startsWith("Host"))) return true;
      state.rip = BigInt(AT.hostExit);
    }
    return true;
  },
});

law("a-failed-check-is-explained", {
  says: "The trace is told of a failed entry: the check, the field, its value, the manual's section.",
  cites: "DESIGN, Virtualisation hardware and KVM",
  forAll: { name: fc.constantFrom("Host CR3", "Guest CR3", "EPT pointer (EPTP)") },
  runs: 10,
  holds: ({ name }) => {
    const value = 1n << 63n;
    const machine = new VmxMachine({ mode: "64-bit", code: VMCALL }, "reference");
    machine.write(name, value);
    machine.launch();
    const [refusal] = machine.environment.refusals;
    return refusal?.field === name && refusal.value === value && refusal.section.includes("SDM");
  },
});

// Helpers

const VMRESUME = [0x0f, 0x01, 0xc3];

function blockOf(machine: VmxMachine): Block {
  const { memory } = machine;
  return {
    field: (name) => machine.read(name),
    byte: (address) =>
      address < BigInt(memory.bytes.length) ? BigInt(memory.read8(Number(address))) : 0xffn,
    current: BigInt(AT.vmcs),
    revision: BigInt(memory.read32(AT.vmcs)),
  };
}

function compare(machine: VmxMachine, expected: Outcome): void {
  const { state } = machine;
  const seen = state.isGuest
    ? "enters"
    : (state.rflags & 0x40n) !== 0n
      ? `VMfail ${machine.read("VM-instruction error")}`
      : `exit ${machine.read("Exit reason").toString(16)}, qualification ${machine.read("Exit qualification")}`;
  const wanted =
    expected.is === "enters"
      ? "enters"
      : expected.is === "VMfail"
        ? `VMfail ${expected.error}`
        : `exit 80000021, qualification ${expected.qualification}`;
  if (seen !== wanted)
    throw new Error(
      `${seen}, but by the manual ${wanted}: ${"why" in expected ? expected.why : ""}`,
    );
}

function anyWord(): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
}

function anySelector(): fc.Arbitrary<bigint> {
  return fc.integer({ min: 1, max: 0x1fff }).map((index) => BigInt(index) << 3n);
}

function anyHostState(): fc.Arbitrary<Fields> {
  const maybeNull = fc.oneof(anySelector(), fc.constant(0n));
  return fc.record({
    "Host CS selector": anySelector(),
    "Host SS selector": maybeNull,
    "Host DS selector": maybeNull,
    "Host ES selector": maybeNull,
    "Host FS selector": maybeNull,
    "Host GS selector": maybeNull,
    "Host TR selector": anySelector(),
    "Host FS base": anyCanonical(),
    "Host GS base": anyCanonical(),
    "Host TR base": anyCanonical(),
    "Host GDTR base": anyCanonical(),
    "Host IDTR base": anyCanonical(),
    "Host IA32_SYSENTER_CS": fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    "Host IA32_SYSENTER_ESP": anyCanonical(),
    "Host IA32_SYSENTER_EIP": anyCanonical(),
    "Host RSP": anyWord(),
  });
}

/** The guest-state area but for what every exit may set. */
function guestFields(machine: VmxMachine): ReadonlyMap<FieldName, bigint> {
  const isLoaded = (name: string): boolean =>
    !/DEBUGCTL|DR7|IA32_PAT|IA32_EFER|PDPTE|PERF/.test(name);
  return new Map(
    FIELDS.filter(({ type, name }) => type === "guest state" && isLoaded(name)).map(({ name }) => [
      name,
      machine.read(name),
    ]),
  );
}

/** General registers but RSP, CR2, CR8, debug registers but DR7, vectors. */
function unaffected({ state }: VmxMachine): string {
  const general = Array.from({ length: 16 }, (_, i) => (i === 4 ? 0n : state.gpr(i)));
  const debug = (["DR0", "DR1", "DR2", "DR3", "DR6"] as const).map((name) => state.debug(name));
  const vectors = Array.from({ length: 16 }, (_, i) => state.xmm(i));
  const control = [state.control("CR2"), state.control("CR8"), state.xcr0];
  return [...general, ...debug, ...vectors, ...control].join();
}

function hostIsLoaded(machine: VmxMachine): void {
  const { state } = machine;
  const equal = (what: string, found: bigint | number, expected: bigint | number): void => {
    if (BigInt(found) !== BigInt(expected)) throw new Error(`${what}: ${found}, not ${expected}`);
  };
  for (const name of SEGMENT_NAMES) {
    const segment = state.segment(name);
    const selector = machine.read(`Host ${name} selector`);
    equal(`${name} selector`, segment.selector, selector);
    const hasBase = name === "FS" || name === "GS";
    equal(`${name} base`, segment.base, hasBase ? machine.read(`Host ${name} base`) : 0n);
    const unusable = name !== "CS" && selector === 0n;
    equal(`${name} usable`, segment.rights >>> 16, unusable ? 1 : 0);
    if (!unusable) equal(`${name} rights`, segment.rights, name === "CS" ? 0xa09b : 0xc093);
    if (!unusable) equal(`${name} limit`, segment.limit, 0xffff_ffff);
  }
  const tr = state.systemSegment("TR");
  equal("TR selector", tr.selector, machine.read("Host TR selector"));
  equal("TR base", tr.base, machine.read("Host TR base"));
  equal("TR limit", tr.limit, 0x67);
  equal("TR rights", tr.rights, 0x8b);
  equal("LDTR", state.systemSegment("LDTR").rights >>> 16, 1);
  for (const name of ["GDTR", "IDTR"] as const) {
    equal(name, state.table(name).base, machine.read(`Host ${name} base`));
    equal(`${name} limit`, state.table(name).limit, 0xffff);
  }
  // ET, CD, NW and reserved bits are not loaded.
  const loaded = 0x8005_002fn;
  equal("CR0", state.control("CR0") & loaded, machine.read("Host CR0") & loaded);
  for (const name of ["CR3", "CR4"] as const)
    equal(name, state.control(name), machine.read(`Host ${name}`));
  equal("LMA and LME", state.control("EFER") & 0x500n, 0x500n);
  equal("RSP", state.gpr(4), machine.read("Host RSP"));
  equal("RIP", state.rip, machine.read("Host RIP"));
  equal("RFLAGS", state.rflags, 2n);
  equal("DR7", state.debug("DR7"), 0x400n);
}
