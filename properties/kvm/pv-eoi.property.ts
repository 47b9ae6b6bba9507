/** Laws of ends of interrupts that guests need not write. */

import fc from "fast-check";
import { EoiGuest, type EoiParts } from "../support/eoi-guest.ts";
import { VENDORS } from "../support/kvm-guest.ts";
import { law } from "../support/law.ts";

const CITES =
  "Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN; SDM Vol. 3, Signaling Interrupt Servicing Completion";
const FIRST_PIN = 16;
const PINS = 6;
/** sti; l: in al, 81h; jmp l */
const ASKING = [0xfb, 0xe4, 0x81, 0xeb, 0xfc];
/** sti; jmp to itself: nothing takes the guest out. */
const SILENT = [0xfb, 0xeb, 0xfe];
const ASKS = "in al, 0x81\n  in al, 0x81";
const spins = (count: number): string => `mov ecx, ${count}\nspin: dec ecx\n  jnz spin`;

const anyPins = () =>
  fc.uniqueArray(
    fc.record({ vector: fc.integer({ min: 0x30, max: 0xff }), isLevel: fc.boolean() }),
    { minLength: PINS, maxLength: PINS, selector: ({ vector }) => vector },
  );
type Pins = readonly { readonly vector: number; readonly isLevel: boolean }[];
const onPins = (pins: Pins): EoiParts["pins"] =>
  pins.map((one, i) => ({ ...one, pin: FIRST_PIN + i }));

const common = {
  vendor: fc.constantFrom(...VENDORS),
  isNested: fc.boolean(),
  pins: anyPins(),
};

law("ends-that-are-not-written-change-no-interrupt", {
  says: "A guest that clears the module's bit where it is set, in place of writing EOI, gets the same interrupts in the same order and between the same instructions as one that always writes, edges and levels, nested or not.",
  cites: CITES,
  forAll: {
    ...common,
    // At each question, lines that change.
    changes: fc.array(fc.array(fc.nat(PINS - 1), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 30,
    }),
  },
  runs: 30,
  holds: ({ vendor, isNested, pins, changes }) => {
    const [skipping, writing] = [true, false].map((skips) => {
      const parts = { vendor, skips, isNested, body: ASKS, code: ASKING, pins: onPins(pins) };
      const guest = new EoiGuest(parts);
      const levels = pins.map(() => 0);
      const asked = { count: 0 };
      const ask = (): void => {
        const lines = changes[asked.count] ?? [];
        asked.count += 1;
        for (const line of lines) {
          levels[line] = 1 - (levels[line] ?? 0);
          guest.line(FIRST_PIN + line, levels[line]);
        }
        // At the end all lines are quiet.
        if (asked.count === changes.length) pins.forEach((_, i) => guest.line(FIRST_PIN + i, 0));
      };
      while (asked.count < changes.length + 40) guest.go(0, 0, 20_000, ask);
      return guest.taken(0).map(({ vector, rip }) => `${vector} at ${rip}`);
    });
    if (skipping?.join() === writing?.join()) return true;
    throw new Error(`${skipping?.join()}; written: ${writing?.join()}`);
  },
});

law("ends-that-are-not-written-hold-nothing-back", {
  says: "Interrupts that come at any moment to a guest that nothing else takes out, also behind the end of one that was not written, are all taken; a level that stays is taken again and again. No end of a level is skipped; that of an edge alone always is.",
  cites: CITES,
  forAll: {
    ...common,
    spin: fc.integer({ min: 1, max: 60 }),
    requests: fc.array(
      fc.record({ line: fc.nat(PINS - 1), cycles: fc.integer({ min: 1, max: 900 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    ),
  },
  runs: 60,
  holds: ({ vendor, isNested, pins, spin, requests }) => {
    const guest = new EoiGuest({
      vendor,
      skips: true,
      isNested,
      body: spins(spin),
      code: SILENT,
      pins: onPins(pins),
    });
    const count = (line: number): number =>
      guest.vectors.filter((vector) => vector === pins[line]?.vector).length;
    const quiet = 20_000;
    guest.go(0, 0, quiet);
    const edges = [...new Set(requests.map(({ line }) => line))].filter(
      (line) => pins[line]?.isLevel === false,
    );
    for (const { line, cycles } of requests) {
      // An edge comes once; a level stays until it was taken twice.
      if (pins[line]?.isLevel === true || (edges.includes(line) && count(line) === 0))
        guest.line(FIRST_PIN + line, 1);
      guest.go(0, 0, cycles);
    }
    const levels = pins.flatMap(({ isLevel }, line) =>
      isLevel && requests.some((request) => request.line === line) ? [line] : [],
    );
    for (let turn = 0; levels.length > 0 && turn < 200; turn += 1) {
      guest.go(0, 0, 500);
      for (const line of levels.splice(0))
        if (count(line) < 2) levels.push(line);
        else guest.line(FIRST_PIN + line, 0);
    }
    if (levels.length > 0) throw new Error("a level is not taken again");
    guest.go(0, 0, quiet);
    for (const line of edges)
      if (count(line) !== 1) throw new Error(`an edge is taken ${count(line)} times`);
    const taken = guest.vectors.length;
    const before = guest.skipped;
    if (before > edges.length)
      throw new Error(`${before} ends of ${edges.length} edges are skipped`);
    for (const [line, { isLevel }] of pins.entries()) {
      if (isLevel) continue;
      guest.line(FIRST_PIN + line, 0);
      guest.line(FIRST_PIN + line, 1);
      guest.go(0, 0, quiet);
    }
    const alone = pins.filter(({ isLevel }) => !isLevel).length;
    if (guest.vectors.length !== taken + alone) throw new Error("an edge alone is not taken once");
    return guest.skipped === before + alone;
  },
});

/** Behind the guest's RAM: a page that can be written, one that cannot, and nothing. */
const [OPEN, SHUT, HOLE] = [0x18_0000, 0x18_1000, 0x18_2000] as const;
const READ_ONLY = 2;
const anyWord = fc.oneof(
  fc
    .tuple(fc.constantFrom(OPEN, SHUT, HOLE), fc.integer({ min: -8, max: 8 }))
    .map(([page, offset]) => BigInt(page + offset)),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 2n, 2n ** 52n + 1n, 2n ** 64n - 3n, 2n ** 63n + 1n, 0xfee0_00b1n),
);

law("the-word-for-ends-is-memory-or-refused", {
  says: "MSR_KVM_PV_EOI_EN takes an aligned address, and with the bit that enables it only one of memory that the guest may write; whatever it has taken, and if that memory goes away, a guest that writes EOI gets its interrupts.",
  cites: CITES,
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    values: fc.array(anyWord, { minLength: 1, maxLength: 6 }),
    goes: fc.boolean(),
  },
  runs: 60,
  holds: ({ vendor, values, goes }) => {
    const pins = [0, 1, 2].map((i) => ({ pin: FIRST_PIN + i, vector: 0x40 + i }));
    const body = spins(30);
    const parts = { vendor, skips: false, isNested: false, body, code: SILENT, pins };
    const guest = new EoiGuest(parts);
    guest.slot(1, OPEN, 0x1000, 0);
    guest.slot(2, SHUT, 0x1000, 0, READ_ONLY);
    for (const value of values) {
      const isMemory = value < BigInt(SHUT);
      const isTaken = value % 4n === 0n || (value % 4n === 1n && isMemory);
      // What else is in RAM is not to be written over.
      const isOfGuest = value % 2n === 1n && value < BigInt(OPEN - 8);
      if (isOfGuest) continue;
      if (guest.setWord(value) !== isTaken) throw new Error(`${value}: ${isTaken}`);
    }
    guest.go(0, 0, 20_000);
    for (const { pin } of pins) {
      guest.line(pin, 1);
      guest.go(0, 0, 60);
      if (goes) guest.slot(1, OPEN, 0);
      guest.go(0, 0, 20_000);
      if (goes) guest.slot(1, OPEN, 0x1000, 0);
    }
    if (guest.vectors.join() !== pins.map(({ vector }) => vector).join())
      throw new Error(`taken: ${guest.vectors.join()}`);
    return true;
  },
});
