/** Laws of whole guests: they compute what a machine computes, in every engine, and from every moment on. */

import fc from "fast-check";
import { law } from "../../../support/law.ts";
import type { EngineName } from "../../../support/privileged-machines.ts";
import { SvmSystemMachine } from "../../../support/svm-guests.ts";
import { type Field, GUEST, SvmMachine } from "../../../support/svm-machines.ts";
import { anySystemProgram } from "../../../support/system-machines.ts";

law("a-guest-computes-what-the-bare-machine-computes", {
  says: "In every mode and at every level, a guest for which nothing is intercepted has at each moment the registers, memory, ports and cycles of the bare machine with the same program and interrupts.",
  cites: 'APM Vol. 2, "Guest Mode", "VMRUN Instruction", "Nested Paging", "Interrupt Intercepts"',
  forAll: {
    program: anySystemProgram(),
    steps: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
    engine: fc.constantFrom("reference" as const, "interpreter" as const),
  },
  runs: 100,
  holds: ({ program, steps, engine }) => {
    const bare = new SvmSystemMachine(program, engine, "bare");
    const guest = new SvmSystemMachine(program, engine, "guest");
    same(bare.lookInside(), guest.lookInside());
    for (const [i, cycles] of steps.entries()) {
      const kind = program.events[i]?.kind ?? null;
      for (const machine of [bare, guest]) machine.run(cycles, kind, 32 + ((7 * i) % 200));
      // Instructions of SVM, and addresses that no nested table has.
      if (!guest.state.isGuest) return;
      same(bare.lookInside(), guest.lookInside());
    }
  },
});

const anyWord = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });

/** Bits that a host may set between two runs of its guest. */
const SETTINGS: readonly (readonly [Field, fc.Arbitrary<bigint>])[] = [
  ["VECTOR_3", anyWord(32)],
  ["VECTOR_4", anyWord(14).map((bits) => bits | 1n)],
  ["EXCEPTIONS", anyWord(32)],
  ["CR_READ", anyWord(16)],
  ["CR_WRITE", anyWord(16)],
  ["TLB_CONTROL", fc.constantFrom(0n, 1n, 3n, 7n)],
  ["GUEST_ASID", fc.constantFrom(1n, 2n)],
  ["CLEAN", anyWord(10)],
  ["V_INTR", anyWord(40).map((bits) => bits & 0xff_011f_010fn)],
  ["INTERRUPT_SHADOW", anyWord(1)],
  ["EVENTINJ", anyWord(8).map((vector) => 0x8000_0000n | vector)],
  ["EVENTINJ", fc.constantFrom(0x8000_0202n, 0x8000_0306n, 0x8000_0b0dn, 0x8000_0480n)],
  ["RFLAGS", fc.constantFrom(2n, 0x202n, 0x102n)],
  ["NP_ENABLE", fc.constantFrom(0n, 1n)],
  ["RIP", fc.constant(BigInt(GUEST.code))],
];

const anySetting = (): fc.Arbitrary<readonly [Field, bigint]> =>
  fc.oneof(...SETTINGS.map(([field, value]) => value.map((drawn) => [field, drawn] as const)));

interface Round {
  readonly settings: readonly (readonly [Field, bigint])[];
  readonly event: "INTR" | "NMI" | null;
  readonly cycles: number;
}

interface Story {
  readonly code: Uint8Array;
  readonly gpr: readonly bigint[];
  readonly rounds: readonly Round[];
}

const anyStory = (): fc.Arbitrary<Story> =>
  fc.record({
    code: anySystemProgram(["64-bit"]).map(({ code }) => code),
    gpr: fc.array(
      fc.nat(0xff8).map((offset) => BigInt(GUEST.data + offset)),
      { minLength: 16, maxLength: 16 },
    ),
    rounds: fc.array(
      fc.record({
        settings: fc.array(anySetting(), { maxLength: 3 }),
        event: fc.constantFrom("INTR" as const, "NMI" as const, null, null),
        cycles: fc.integer({ min: 1, max: 900 }),
      }),
      { minLength: 2, maxLength: 6 },
    ),
  });

law("engines-agree-on-guests-of-svm", {
  says: "Reference and interpreter agree on registers, memory, VMCB, translations and cycles of host and guest, whatever is intercepted, injected and invalidated.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: { story: anyStory() },
  runs: 60,
  holds: ({ story }) => {
    const [a, b] = [machineOf(story, "reference"), machineOf(story, "interpreter")];
    for (const round of story.rounds) {
      const [left, right] = [go(a, round), go(b, round)];
      if (left !== right) throw new Error(`${left} and ${right}`);
    }
    same(a.look(), b.look());
  },
});

law("a-guest-goes-on-from-a-snapshot", {
  says: "A machine that is loaded with what another one was at any moment of its guest goes on as that one, in the other engine too.",
  cites: "DESIGN, Snapshots",
  forAll: {
    story: anyStory(),
    when: fc.nat(5),
    engine: fc.constantFrom("reference" as const, "interpreter" as const),
  },
  runs: 60,
  holds: ({ story, when, engine }) => {
    const first = machineOf(story, engine);
    const other = machineOf(story, "reference");
    // The other one has been somewhere else before.
    go(other, story.rounds.at(-1) as Round);
    for (const [i, round] of story.rounds.entries()) {
      go(first, round);
      if (i > when % story.rounds.length) go(other, round);
      if (i === when % story.rounds.length) other.load(first.save());
    }
    same(first.look(), other.look());
  },
});

// Helpers

function machineOf({ code, gpr }: Story, engine: EngineName): SvmMachine {
  const machine = new SvmMachine(engine, [...code]);
  gpr.forEach((value, i) => {
    if (i !== 4) machine.state.setGpr(i, value);
  });
  return machine;
}

/** The host changes its control block, if it runs, and enters again. */
function go(machine: SvmMachine, { settings, event, cycles }: Round): string {
  const { state, cpu } = machine;
  if (!state.isGuest) {
    for (const [field, value] of settings) machine.set(field, value);
    machine.atHost();
    state.activity = 0;
  }
  if (event !== null) machine.arrive(event, 0x30);
  return cpu.run(state.cycles + cycles);
}

function same(left: string, right: string): void {
  if (left === right) return;
  let at = 0;
  while (left[at] === right[at]) at += 1;
  const [a, b] = [left, right].map((text) => text.charCodeAt(at).toString(16));
  throw new Error(`differs at ${at.toString(16)}: ${a} and ${b}`);
}
