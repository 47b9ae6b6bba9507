/** What is known at a place in a tree, and the locals that hold it. */

import { type Flags, IN_BLOCK, localsOf } from "./tree-flags.ts";
import { FunctionBody } from "./wasm.ts";

/** The local that holds a register, of which only the low bits may be set. */
export interface Held {
  readonly local: number;
  readonly bits: number;
}

export class TreeState {
  /** By number; undefined when it is only in the CPU's block. */
  readonly registers: (Held | undefined)[];
  flags: Flags;

  constructor(registers: readonly (Held | undefined)[] = [], flags: Flags = IN_BLOCK) {
    this.registers = [...registers];
    this.flags = flags;
  }

  copy(): TreeState {
    return new TreeState(this.registers, this.flags);
  }

  /** What must not be lost. */
  locals(): ReadonlySet<number> {
    const used = new Set(localsOf(this.flags));
    for (const held of this.registers) {
      if (held !== undefined) used.add(held.local);
    }
    return used;
  }
}

/** A body whose locals serve again when nobody needs any more what they hold: the baseline compiler clears each. */
export class TreeBody extends FunctionBody {
  readonly #pool: { readonly local: number; readonly type: number; free: boolean }[] = [];

  constructor() {
    super(2);
  }

  override local(type: number): number {
    const found = this.#pool.find((one) => one.free && one.type === type);
    if (found !== undefined) {
      found.free = false;
      return found.local;
    }
    const local = super.local(type);
    this.#pool.push({ local, type, free: false });
    return local;
  }

  /** A local that is not given out again. */
  home(type: number): number {
    return super.local(type);
  }

  /** All other locals are free from here on. */
  keep(used: ReadonlySet<number>): void {
    for (const one of this.#pool) one.free = !used.has(one.local);
  }
}
