/**
 * A chip in its place in a machine: its state is registered, its deadline is an event of the world, and no clock of a
 * CPU that lags behind takes its time back. Events and their order: docs/adr/0002-decisions-and-time.md; data sheets are
 * cited by the chips.
 */

import { type AlarmState, newAlarm, setAlarm } from "../../sim/alarm.ts";
import type { Plain } from "../../sim/data.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { Cycles } from "../../sim/time.ts";
import type { World } from "../../sim/world.ts";
import type { Chip } from "../chips/chip.ts";
import {
  type AccessSize,
  powerOn,
  Socket,
  type SocketListener,
  type SocketState,
} from "../chips/socket.ts";
import type { Part } from "./board.ts";

/** What a machine keeps of a chip. */
interface PlacedState extends SocketState<object>, AlarmState {}

export interface PlacedListener extends SocketListener {
  /** The deadline has come; true when the chip is settled later, by whoever is told. */
  defers?(): boolean;
}

/** Drives an input from an event or from outside the machine. */
export type Taker = (payload: Plain, at: Cycles) => void;

export class PlacedChip<State extends object = object> {
  readonly name: string;
  readonly #world: World;
  readonly #part: Part;
  readonly #chip: Chip;
  readonly #cell: Cell<PlacedState>;
  readonly #socket: Socket;

  /** `takers` are further events of this chip's component. */
  constructor(
    world: World,
    name: string,
    part: Part,
    listener: PlacedListener,
    takers: Readonly<Record<string, Taker>> = {},
  ) {
    this.name = name;
    this.#world = world;
    this.#part = part;
    this.#chip = part.chip;
    this.#cell = world.registry.plain<PlacedState>(name, initialState(part));
    this.#socket = new Socket(part.chip, this.#cell, listener);
    world.add({
      name,
      handlers: {
        deadline: () => {
          this.#cell.value.due = null;
          if (listener.defers?.() !== true) this.settle();
        },
        ...Object.fromEntries(
          Object.entries(takers).map(([kind, take]) => [
            kind,
            (payload: Plain): void => take(payload, world.now),
          ]),
        ),
      },
    });
  }

  get state(): Readonly<State> {
    return this.#cell.value.chip as State;
  }

  isAsserted(wire: string): boolean {
    return this.#cell.value.wires[wire] === true;
  }

  hasInput(pin: string): boolean {
    return Object.hasOwn(this.#chip.inputs, pin);
  }

  read(offset: number, size: AccessSize): number {
    const value = this.#socket.read(offset, size, this.#now());
    this.#schedule();
    return value;
  }

  write(offset: number, size: AccessSize, value: number): void {
    this.#socket.write(offset, size, value, this.#now());
    this.#schedule();
  }

  input(pin: string, value: number): number | undefined {
    const answer = this.#socket.input(pin, value, this.#now());
    this.#schedule();
    return answer;
  }

  /** Lets the world outside change the chip: see `Socket.act`. */
  act<Result>(act: (state: State) => Result): Result {
    const result = this.#socket.act(this.#now(), (state) => act(state as State));
    this.#schedule();
    return result;
  }

  /** A reset of the board. Nobody is told that its wires are not asserted any more: `settle` tells what then is. */
  reset(): void {
    const state = this.#cell.value;
    const now = this.#now();
    if (state.due !== null) this.#world.cancel(state.handle);
    const initial = initialState(this.#part, now);
    if (this.#chip.reset !== undefined) {
      this.#chip.advance(state.chip, now);
      this.#chip.reset(state.chip);
      initial.chip = state.chip;
    }
    this.#cell.value = initial;
  }

  /** Lets the chip's time pass until now; also tells the wires of power-on. */
  settle(): void {
    this.#socket.settle(this.#now());
    this.#schedule();
  }

  #now(): Cycles {
    return Math.max(this.#world.now, this.#cell.value.at);
  }

  #schedule(): void {
    setAlarm(this.#world, this.name, this.#cell.value, this.#socket.deadline);
  }
}

function initialState({ chip, settings }: Part, at: Cycles = 0): PlacedState {
  const socket = powerOn(chip, at);
  return { ...socket, chip: { ...socket.chip, ...settings }, ...newAlarm() };
}
