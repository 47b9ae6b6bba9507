/**
 * What hosts a chip: finds the register of an access, lets time pass from deadline to deadline, and tells of the
 * wires that changed. All that it keeps is in one plain cell. Nothing that a guest does makes it throw: what no register
 * of the data sheet answers reads as ones, and writes there are lost.
 */

import { assert } from "../../sim/assert.ts";
import type { Cycles } from "../../sim/time.ts";
import type { Chip, Register } from "./chip.ts";
import type { BusMessage } from "./interrupt-message.ts";

export type AccessSize = 1 | 2 | 4;

/** A chip in its socket, as plain data. */
export interface SocketState<State> {
  /** How far time has passed. */
  at: Cycles;
  chip: State;
  /** The levels that were told last. */
  wires: Record<string, boolean>;
}

export interface SocketListener {
  /** May use the socket again. */
  wire?(name: string, isAsserted: boolean, at: Cycles): void;
  /** May use the socket again. */
  message?(message: BusMessage, at: Cycles): void;
  /** Tells of each access to a register, for traces. */
  access?(register: string, kind: "read" | "write", value: number, at: Cycles): void;
}

/** What `Socket` needs of a cell of the snapshot registry. */
interface StateCell<State> {
  value: SocketState<State>;
}

/** A chip at power-on, its wires as nobody has been told yet: none asserted. */
export function powerOn<State extends object>(
  chip: Chip<State>,
  at: Cycles = 0,
): SocketState<State> {
  const wires: Record<string, boolean> = {};
  const state = chip.powerOn();
  chip.advance(state, at);
  for (const name of Object.keys(chip.wires(state, at))) wires[name] = false;
  return { at, chip: state, wires };
}

export class Socket<State extends object = object> {
  readonly #chip: Chip<State>;
  readonly #cell: StateCell<State>;
  readonly #listener: SocketListener;
  /** Registers by the offset of each of their bytes. */
  readonly #rows = new Map<number, [name: string, row: Register<State>][]>();

  /** Reads `cell.value` at each use, so whoever restores state replaces it. */
  constructor(chip: Chip<State>, cell: StateCell<State>, listener: SocketListener = {}) {
    this.#chip = chip;
    this.#cell = cell;
    this.#listener = listener;
    for (const entry of Object.entries(chip.registers)) {
      const row = entry[1];
      for (let offset = row.at; offset < row.at + (row.size ?? 1); offset += 1) {
        this.#rows.set(offset, [...(this.#rows.get(offset) ?? []), entry]);
      }
    }
  }

  /** A value of `size` bytes, little-endian. Registers narrower than the access are read one after the other. */
  read(offset: number, size: AccessSize, now: Cycles): number {
    this.settle(now);
    let value = 0;
    for (let i = 0; i < size; ) {
      const [name, row] = this.#find(offset + i, "read");
      const skipped = row === undefined ? 0 : offset + i - row.at;
      const count = Math.min(size - i, (row?.size ?? 1) - skipped);
      const whole = row?.read?.(this.#cell.value.chip, now) ?? 0xffff_ffff;
      const part = bytesOf(whole, skipped, count);
      if (name !== undefined) this.#listener.access?.(name, "read", part, now);
      value += part * shift(i);
      i += count;
    }
    this.#tell();
    return value;
  }

  /** Writes likewise. A part of a wider register is written if its row says what the other bytes are. */
  write(offset: number, size: AccessSize, value: number, now: Cycles): void {
    this.settle(now);
    for (let i = 0; i < size; ) {
      const [name, row] = this.#find(offset + i, "write");
      const width = row?.size ?? 1;
      const skipped = row === undefined ? 0 : offset + i - row.at;
      const count = Math.min(size - i, width - skipped);
      if (row !== undefined && name !== undefined && (count === width || row.parts !== undefined)) {
        const part = bytesOf(value, i, count) * shift(skipped);
        const { chip } = this.#cell.value;
        const others = row.parts === "kept" ? (row.read?.(chip, now) ?? 0) : 0;
        const kept = others - bytesOf(others, skipped, count) * shift(skipped);
        this.#listener.access?.(name, "write", kept + part, now);
        row.write?.(chip, kept + part, now);
        this.#tell();
      }
      i += count;
    }
  }

  /** Drives an input, and gives its answer if it has one. */
  input(name: string, value: number, now: Cycles): number | undefined {
    const input = this.#chip.inputs[name];
    assert(input !== undefined, `${this.#chip.name} has an input ${name}`);
    this.settle(now);
    const answer = input(this.#cell.value.chip, value, now);
    this.#tell();
    return answer ?? undefined;
  }

  /** Lets `act` change the chip, for what neither a register nor an input can carry, as a frame of a network. */
  act<Result>(now: Cycles, act: (state: State) => Result): Result {
    this.settle(now);
    const result = act(this.#cell.value.chip);
    this.#tell();
    return result;
  }

  /** Lets time pass until `now`, telling of each change of a wire at its time. */
  settle(now: Cycles): void {
    this.#tell();
    for (;;) {
      const state = this.#cell.value;
      const deadline = this.#chip.deadline(state.chip, state.at);
      if (deadline === null || deadline > now) break;
      assert(deadline > state.at, `the deadline of ${this.#chip.name} lies in the future`);
      this.#pass(deadline);
    }
    if (now > this.#cell.value.at) this.#pass(now);
  }

  /** What the chip is now, for whoever hosts it to look at. */
  get state(): Readonly<State> {
    return this.#cell.value.chip;
  }

  /** When `settle` is to be called, if nothing happens before; null for never. */
  get deadline(): Cycles | null {
    return this.#chip.deadline(this.#cell.value.chip, this.#cell.value.at);
  }

  #pass(time: Cycles): void {
    const state = this.#cell.value;
    this.#chip.advance(state.chip, time);
    state.at = time;
    this.#tell();
  }

  /** One wire at a time: who is told of it may change the others. Messages follow. */
  #tell(): void {
    this.#tellWires();
    const { chip, at } = this.#cell.value;
    for (const message of this.#chip.messages?.(chip) ?? []) this.#listener.message?.(message, at);
  }

  #tellWires(): void {
    for (;;) {
      const state = this.#cell.value;
      const wires = this.#chip.wires(state.chip, state.at);
      const name = Object.keys(wires).find((wire) => wires[wire] !== state.wires[wire]);
      if (name === undefined) return;
      const isAsserted = wires[name] === true;
      state.wires[name] = isAsserted;
      this.#listener.wire?.(name, isAsserted, state.at);
    }
  }

  /** The row that answers at an offset; one that is there but not for this kind of access comes last. */
  #find(offset: number, kind: "read" | "write"): [string, Register<State>] | [] {
    const state = this.#cell.value.chip;
    const rows = this.#rows.get(offset) ?? [];
    return rows.find(([, row]) => row[kind] !== undefined && (row.when?.(state) ?? true)) ?? [];
  }
}

/** `count` bytes of a value from byte `from` on. */
function bytesOf(value: number, from: number, count: number): number {
  const shifted = (value >>> 0) >>> (8 * from);
  return count === 4 ? shifted : shifted & ((1 << (8 * count)) - 1);
}

/** What a byte at place `i` of a value counts. */
const shift = (i: number): number => [1, 0x100, 0x1_0000, 0x100_0000][i] ?? 0;
