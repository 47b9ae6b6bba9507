/** Anything that can happen to a chip in its socket, and what somebody outside sees of it. */

import fc from "fast-check";
import type { Chip } from "../../src/hw/chips/chip.ts";
import { CHIPS } from "../../src/hw/chips/index.ts";
import { type AccessSize, powerOn, Socket, type SocketState } from "../../src/hw/chips/socket.ts";

interface Happening {
  readonly kind: "read" | "write" | "input" | "pass";
  /** Offset of an access, or which of the inputs. */
  readonly at: number;
  readonly size: AccessSize;
  readonly value: number;
  /** Cycles that pass before. */
  readonly after: number;
}

export interface ChipStory {
  readonly chip: Chip;
  readonly happenings: readonly Happening[];
}

/** A chip out of all, and what happens to it. */
export const anyChipStory = (maxLength = 40): fc.Arbitrary<ChipStory> =>
  fc
    .record({
      chip: fc.constantFrom(...CHIPS),
      happenings: fc.array(anyHappening(), { maxLength, size: "max" }),
    })
    .map(named);

/** Time is long enough for a clock that shows seconds, and for a line of 110 baud. */
export const anyDelay = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.nat(3000) },
    { weight: 6, arbitrary: fc.nat(2_000_000) },
    { weight: 1, arbitrary: fc.nat(1_200_000_000) },
  );

/** A chip in a socket of its own, with a record of all that can be seen from outside. */
export class Bench {
  readonly chip: Chip;
  readonly cell: { value: SocketState<object> };
  readonly socket: Socket;
  readonly seen: string[] = [];
  now: number;
  /** Offsets of all registers, what is inside and behind each. */
  readonly offsets: readonly number[];

  constructor(chip: Chip, state: SocketState<object> = powerOn(chip)) {
    this.chip = chip;
    this.cell = { value: state };
    this.now = state.at;
    const offsets = Object.values(chip.registers).flatMap(({ at, size = 1 }) => [
      at,
      at + 1,
      at + size,
    ]);
    this.offsets = [...new Set(offsets)].toSorted((a, b) => a - b);
    this.socket = new Socket(chip, this.cell, {
      wire: (name, isAsserted, at) => this.seen.push(`${at} ${name} ${isAsserted}`),
      message: (message, at) => this.seen.push(`${at} ${JSON.stringify(message)}`),
    });
  }

  run(happenings: readonly Happening[]): this {
    for (const happening of happenings) this.#happen(happening);
    return this;
  }

  pass(cycles: number): void {
    this.now += cycles;
    this.socket.settle(this.now);
  }

  #happen({ kind, at: place, size, value, after }: Happening): void {
    this.now += after;
    const at = kind === "input" ? place : (this.offsets[place % this.offsets.length] ?? 0);
    switch (kind) {
      case "read":
        this.seen.push(`${this.now} read ${at} ${this.socket.read(at, size, this.now)}`);
        return;
      case "write":
        this.socket.write(at, size, value, this.now);
        return;
      case "input": {
        const inputs = Object.keys(this.chip.inputs);
        const input = inputs[at % Math.max(inputs.length, 1)];
        if (input === undefined) {
          this.socket.settle(this.now);
          return;
        }
        const level = value % 5 === 0 ? value : value % 3 === 0 ? value & 0xff : value & 1;
        this.seen.push(`${this.now} ${input} ${this.socket.input(input, level, this.now)}`);
        return;
      }
      default:
        this.socket.settle(this.now);
    }
  }
}

// Helpers

const anyHappening = (): fc.Arbitrary<Happening> =>
  fc.record({
    kind: fc.constantFrom("read", "write", "write", "input", "pass"),
    at: fc.nat(299),
    size: fc.constantFrom<AccessSize>(1, 1, 1, 1, 2, 4),
    value: fc.oneof(fc.nat(255), fc.nat(255), fc.nat(0xffff_ffff)),
    after: anyDelay(),
  });

/** Prints as its chip and what happened. */
function named(story: ChipStory): ChipStory {
  const print = (): string =>
    `${story.chip.name}: ${story.happenings
      .map(({ kind, at, size, value, after }) => `+${after} ${kind}${size} ${at} ${value}`)
      .join("; ")}`;
  return Object.assign({ ...story }, { [fc.toStringMethod]: print });
}
