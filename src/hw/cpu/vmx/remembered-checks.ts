/**
 * Checks that are not made again while nothing has changed that they look at. A guest changes some of its state with each
 * entry and exit, and most of it seldom; comparing words is cheaper than sixty checks.
 */

import { assert } from "../../../sim/assert.ts";
import { CR0, RFLAGS } from "../state.ts";
import { type MaskedWord, rememberedWords } from "../word-code.ts";
import { type Check, type Controls, type Entering, firstFailure } from "./check.ts";
import { type FieldName, SEGMENT_BYTES, SEGMENTS, GUEST_SEGMENTS, placeOf } from "./fields.ts";

const ALL = -1;

/** Checks, and what they may look at beside the controls and the profile: places in the VMCS data. */
export interface RememberedGroup {
  readonly checks: readonly Check[];
  readonly looked: readonly MaskedWord[];
}

type Words = ReturnType<typeof rememberedWords>;

/** So many bytes at most are remembered of one group. */
const GROUP_BYTES = 256;

/** The words of groups, remembered one group behind the other from a place on. */
export const wordsOfGroups = (groups: readonly RememberedGroup[], at: number): readonly Words[] =>
  groups.map(({ looked }, i) => {
    assert(4 * looked.length <= GROUP_BYTES, "the words of a group have room");
    return rememberedWords(looked, at + GROUP_BYTES * i);
  });

export class RememberedChecks {
  readonly #checks: readonly Check[];
  readonly #words: ReturnType<Words>;
  readonly #data: number;
  #controls: Controls | null = null;

  /** `data`: where the VMCS data lies in linear memory. */
  constructor(checks: readonly Check[], words: ReturnType<Words>, data: number) {
    this.#checks = checks;
    this.#words = words;
    this.#data = data;
  }

  firstFailure(entering: Entering): Check | null {
    const data = this.#data;
    if (isSame(this.#controls, entering.controls) && this.#words.changed(data, data) === 0)
      return null;
    const failed = firstFailure(this.#checks, entering);
    this.#controls = failed === null ? entering.controls : null;
    this.#words.remember(data, data);
    return failed;
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

const low = (name: FieldName, mask = ALL): MaskedWord => [placeOf(name), mask];
const high = (name: FieldName): MaskedWord => [placeOf(name) + 4, ALL];
const whole = (name: FieldName): readonly MaskedWord[] => [low(name), high(name)];

const CR0_BITS = low("Guest CR0", Number(CR0.PE | CR0.PG | CR0.NE) | 0);

/** What checks on control registers, debug registers and MSRs look at. */
export const REGISTER_WORDS: readonly MaskedWord[] = [
  CR0_BITS,
  high("Guest CR0"),
  high("Guest CR3"),
  high("Guest DR7"),
  ...whole("Guest CR4"),
  ...whole("Guest IA32_DEBUGCTL"),
  ...whole("Guest IA32_SYSENTER_ESP"),
  ...whole("Guest IA32_SYSENTER_EIP"),
  ...whole("Guest IA32_PAT"),
  ...whole("Guest IA32_EFER"),
];

/** What those on segments look at. */
export const SEGMENT_WORDS: readonly MaskedWord[] = [
  CR0_BITS,
  low("Guest RFLAGS", Number(RFLAGS.VM)),
  ...GUEST_SEGMENTS.flatMap((_, i): readonly MaskedWord[] =>
    [0, 1, 2, 3, 4].map((word) => [SEGMENTS + SEGMENT_BYTES * i + 4 * word, ALL]),
  ),
];

/** What those on descriptor tables look at. */
export const TABLE_WORDS: readonly MaskedWord[] = (["GDTR", "IDTR"] as const).flatMap((name) => [
  ...whole(`Guest ${name} base`),
  low(`Guest ${name} limit`),
]);

/** What those on state that is in no register look at. */
export const NON_REGISTER_WORDS: readonly MaskedWord[] = [
  low("Guest activity state"),
  low("Guest interruptibility state"),
  ...whole("Guest pending debug exceptions"),
  low("Guest RFLAGS", Number(RFLAGS.TF | RFLAGS.IF)),
  low("Guest SS access rights"),
  low("VM-entry interruption-information field"),
];
