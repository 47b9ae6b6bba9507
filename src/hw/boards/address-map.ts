/**
 * Which part answers at a port or an address that is no RAM. Intel 440FX PCIset data sheet, "Address Map": what is
 * claimed by nobody reads as ones.
 */

import { InputError } from "../../sim/assert.ts";
import type { Window } from "./board.ts";

/** A place in a part. */
export interface Place {
  readonly part: string;
  readonly offset: number;
}

export class AddressMap {
  readonly #windows: readonly Window[];

  /** Throws InputError when two windows overlap. */
  constructor(windows: readonly Window[]) {
    this.#windows = [...windows].sort((a, b) => a.at - b.at);
    this.#windows.forEach((window, i) => {
      const next = this.#windows[i + 1];
      if (next !== undefined && window.at + window.size > next.at)
        throw new InputError(
          `board: ${window.part} and ${next.part} both lie at 0x${next.at.toString(16)}`,
        );
    });
  }

  find(address: number): Place | null {
    const windows = this.#windows;
    let low = 0;
    let high = windows.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const { at, size, part, offset = 0 } = windows[middle] as Window;
      if (address < at) high = middle - 1;
      else if (address >= at + size) low = middle + 1;
      else return { part, offset: offset + address - at };
    }
    return null;
  }
}
