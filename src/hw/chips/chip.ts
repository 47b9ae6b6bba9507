/**
 * What a chip is: a table of registers and functions over plain state. Who hosts it, where its registers lie and
 * what its wires lead to is not said here. Names and behaviour of each chip are those of its data sheet.
 */

import type { Cycles } from "../../sim/time.ts";
import type { BusMessage } from "./interrupt-message.ts";

/** One register of the data sheet. */
export interface Register<State> {
  /** Offset within the chip. */
  readonly at: number;
  /** In bytes; 1 if not given. */
  readonly size?: 1 | 2 | 4;
  /** What the bytes count as that a narrower write leaves out; without it such a write is lost. */
  readonly parts?: "kept" | "zero";
  /** The register is at its offset only while this holds, as RBR is while DLAB is 0. */
  when?(state: State): boolean;
  /** A register without it floats when read. May change the state. */
  read?(state: State, now: Cycles): number;
  /** A register without it ignores writes. */
  write?(state: State, value: number, now: Cycles): void;
}

interface Input<State> {
  drive(state: State, value: number, now: Cycles): number | void;
}

/**
 * A kind of chip. State is plain data that JSON keeps; all functions see a state that has been advanced to `now`,
 * and only `advance`, inputs and registers change it.
 */
export interface Chip<State extends object = object, Wire extends string = string> {
  readonly name: string;
  /** The data sheet. */
  readonly cites: string;
  powerOn(): State;
  /** What a reset of the board changes, where it does not bring back the power-on state: a battery goes on. */
  reset?(state: State): void;
  readonly registers: Readonly<Record<string, Register<State>>>;
  /** Pins that something else drives; levels are 0 and 1. One that asks, as INTA does, gets an answer. */
  readonly inputs: Readonly<Record<string, Input<State>["drive"]>>;
  /** Pins that the chip drives: true is asserted. */
  wires(state: State, now: Cycles): Readonly<Record<Wire, boolean>>;
  /** Takes what the chip has to send over the interrupt bus out of its state. */
  messages?(state: State): readonly BusMessage[];
  /** A time after `now` before which no wire changes and no message leaves by itself; null when none ever does. */
  deadline(state: State, now: Cycles): Cycles | null;
  /** Lets time pass until `now`, however far that is. */
  advance(state: State, now: Cycles): void;
}

/** A register that only stores; `mask` has the bits that can be written. */
export function stored<Field extends string>(
  field: Field,
  mask = 0xff,
): {
  read(state: Record<Field, number>): number;
  write(state: Record<Field, number>, value: number): void;
} {
  return {
    read: (state) => state[field],
    write: (state, value) => {
      state[field] = value & mask;
    },
  };
}
