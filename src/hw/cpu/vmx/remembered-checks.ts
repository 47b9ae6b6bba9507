/**
 * Checks that are not made again while nothing has changed that they look at. A guest changes some of its state with each
 * entry and exit, and most of it seldom; comparing words is cheaper than sixty checks.
 */

import { CR0, RFLAGS } from "../state.ts";
import { type Check, type Controls, type Entering, firstFailure } from "./check.ts";
import { type FieldName, SEGMENT_BYTES, SEGMENTS, GUEST_SEGMENTS, wordOf } from "./fields.ts";

/** A word of the VMCS data, and which of its bits count. */
type Looked = readonly [word: number, mask: number];

const ALL = -1;

export class RememberedChecks {
  readonly #checks: readonly Check[];
  readonly #words: Int32Array;
  readonly #masks: Int32Array;
  readonly #passed: Int32Array;
  #controls: Controls | null = null;

  /** The checks may look at the words named, the controls and the profile, and at nothing else. */
  constructor(checks: readonly Check[], looked: readonly Looked[]) {
    this.#checks = checks;
    this.#words = Int32Array.from(looked, ([word]) => word);
    this.#masks = Int32Array.from(looked, ([, mask]) => mask);
    this.#passed = new Int32Array(looked.length);
  }

  firstFailure(entering: Entering): Check | null {
    if (this.#isPassed(entering)) return null;
    const failed = firstFailure(this.#checks, entering);
    this.#controls = failed === null ? entering.controls : null;
    for (let i = 0; i < this.#words.length; i += 1) this.#passed[i] = this.#word(entering, i);
    return failed;
  }

  #isPassed(entering: Entering): boolean {
    if (!isSame(this.#controls, entering.controls)) return false;
    for (let i = 0; i < this.#words.length; i += 1)
      if (this.#passed[i] !== this.#word(entering, i)) return false;
    return true;
  }

  #word({ words }: Entering, i: number): number {
    return (words[this.#words[i] as number] as number) & (this.#masks[i] as number);
  }
}

const isSame = (a: Controls | null, b: Controls): boolean =>
  a === b ||
  (a !== null &&
    a.pin === b.pin &&
    a.primary === b.primary &&
    a.secondary === b.secondary &&
    a.exit === b.exit &&
    a.entry === b.entry);

const whole = (name: FieldName): readonly Looked[] => [
  [wordOf(name), ALL],
  [wordOf(name) + 1, ALL],
];

const CR0_BITS: Looked = [wordOf("Guest CR0"), Number(CR0.PE | CR0.PG | CR0.NE) | 0];

/** What checks on control registers, debug registers and MSRs look at. */
export const REGISTER_WORDS: readonly Looked[] = [
  CR0_BITS,
  [wordOf("Guest CR0") + 1, ALL],
  [wordOf("Guest CR3") + 1, ALL],
  [wordOf("Guest DR7") + 1, ALL],
  ...whole("Guest CR4"),
  ...whole("Guest IA32_DEBUGCTL"),
  ...whole("Guest IA32_SYSENTER_ESP"),
  ...whole("Guest IA32_SYSENTER_EIP"),
  ...whole("Guest IA32_PAT"),
  ...whole("Guest IA32_EFER"),
];

/** What those on segments look at. */
export const SEGMENT_WORDS: readonly Looked[] = [
  CR0_BITS,
  [wordOf("Guest RFLAGS"), Number(RFLAGS.VM)],
  ...GUEST_SEGMENTS.flatMap((_, i): readonly Looked[] =>
    [0, 1, 2, 3, 4].map((word) => [(SEGMENTS + SEGMENT_BYTES * i) / 4 + word, ALL]),
  ),
];

/** What those on descriptor tables look at. */
export const TABLE_WORDS: readonly Looked[] = (["GDTR", "IDTR"] as const).flatMap((name) => [
  ...whole(`Guest ${name} base`),
  [wordOf(`Guest ${name} limit`), ALL] as const,
]);
