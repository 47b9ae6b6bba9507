/** The inputs of a run, each stamped with the decision before which it is taken. In a replay they are all known. */

import type { Json } from "./data.ts";
import { type Cycles, NEVER } from "./time.ts";

export interface StampedInput {
  /** How many decisions had been taken when it came: this fixes its place in the run. */
  readonly step: number;
  readonly time: Cycles;
  readonly target: string;
  readonly kind: string;
  readonly payload: Json;
}

export class InputLog {
  #inputs: StampedInput[] = [];
  /** How many have been taken; part of the world's state. */
  cursor = 0;

  get all(): readonly StampedInput[] {
    return this.#inputs;
  }

  append(input: StampedInput): void {
    this.#inputs.push(input);
  }

  /** True when there are inputs not taken yet. */
  get hasFuture(): boolean {
    return this.#inputs.length > this.cursor;
  }

  /** Forgets the inputs not taken yet. */
  truncate(): void {
    this.#inputs.length = Math.min(this.#inputs.length, this.cursor);
  }

  copyFrom(other: InputLog): void {
    this.#inputs = [...other.#inputs];
  }

  /** The time of the input that is to be taken after `steps` decisions, or NEVER. */
  nextTime(steps: number): Cycles {
    const next = this.#inputs[this.cursor];
    return next !== undefined && next.step === steps ? next.time : NEVER;
  }

  take(): StampedInput {
    const input = this.#inputs[this.cursor];
    if (input === undefined) throw new RangeError("an input is taken only when there is one");
    this.cursor += 1;
    return input;
  }
}
