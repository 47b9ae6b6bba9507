/**
 * Guest-state fields on their way between the current VMCS and a block of registers in the form of a CPU's: what a
 * VMREAD or a VMWRITE of each comes to. SDM Vol. 3, "Guest Register State".
 */

import { assert } from "../../../sim/assert.ts";
import { WordMoves } from "../word-moves.ts";
import { type FieldName, fieldOf } from "./fields.ts";
import type { Vmcs } from "./vmcs.ts";

/** A field and where it lies in the block, in bytes. */
export type FieldPlace = readonly [name: FieldName, offset: number];

export class FieldMoves {
  readonly #moves: WordMoves;

  constructor(places: readonly FieldPlace[]) {
    this.#moves = new WordMoves(
      places.flatMap(([name, offset]) => {
        const { place, type, width } = fieldOf(name);
        assert(type === "guest state", "nothing follows from a write of the field");
        const isWide = width === "64-bit" || width === "natural-width";
        const words = isWide ? [0, 4] : [0];
        return words.map((word) => [offset + word, place + word] as const);
      }),
    );
  }

  /** VMREAD of all. */
  read({ words }: Vmcs, block: Int32Array): void {
    this.#moves.load(block, words);
  }

  /** VMWRITE of all. */
  write({ words }: Vmcs, block: Int32Array): void {
    this.#moves.save(block, words);
  }
}
