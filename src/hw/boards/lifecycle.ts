/**
 * Whether a machine runs, how it has ended, and what a reset does to it. Intel 82371AB data sheet, "Reset Control
 * Register".
 */

import { assert } from "../../sim/assert.ts";
import type { Cell } from "../../sim/snapshot.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";
import type { Pin } from "./backplane.ts";

type EndKind = "off" | "reset" | "exit" | "shutdown" | "power-cut";

/** How a machine has ended, if it has. */
interface Outcome {
  kind: "running" | EndKind;
  /** What was written to the exit device. */
  code: number;
}

/** The machine has come to its end: turned off, reset, or left through the exit device. */
export const ENDED = eventType("machine.ended", { kind: "text", code: "number" });

/** The machine was reset, or a processor has shut down, which resets a PC: it begins anew. */
const RESET = eventType("machine.reset", { kind: "text" });

/** A millisecond: so long CPURST stays asserted. */
const RESET_CYCLES = 1_000_000;
const PINS = ["off", "reset", "exit"] as const;

export interface Powered {
  /** Nothing is executed any more. */
  stop(): void;
  /** Whether it has come to a stop. */
  isStopped(): boolean;
  /** Everything but RAM is as after power-up, and the machine starts anew. */
  restart(): void;
}

export class Lifecycle {
  /** Whether a reset starts the machine anew; else it ends it. */
  restarts = false;
  readonly #world: World;
  readonly #name: string;
  readonly #powered: Powered;
  readonly #outcome: Cell<Outcome>;

  /** Adds the component `machine`, behind the prefix. */
  constructor(world: World, prefix: string, powered: Powered) {
    this.#world = world;
    this.#name = `${prefix}machine`;
    this.#powered = powered;
    this.#outcome = world.registry.plain<Outcome>(this.#name, { kind: "running", code: 0 });
    world.add({ name: this.#name, handlers: { reset: () => this.#restart() } });
  }

  get isRunning(): boolean {
    return this.#outcome.value.kind === "running";
  }

  /** What the pins of the part `machine` do; `status` is the exit device's. */
  load({ pin }: Pin, status: () => number): (level: number) => void {
    const kind = PINS.find((known) => known === pin);
    assert(kind !== undefined, `machine.${pin} is a pin`);
    return (level) => {
      if (level === 0) return;
      if (kind === "reset") this.reset(kind);
      else this.#end(kind, kind === "exit" ? status() : 0);
    };
  }

  /** Whoever resets a machine is in the middle of an access: it begins anew later. */
  reset(kind: "reset" | "shutdown" | "power-cut"): void {
    if (!this.restarts) this.#end(kind, 0);
    else if (this.#stop(kind, 0)) this.#world.postIn(RESET_CYCLES, this.#name, "reset");
  }

  #end(kind: EndKind, code: number): void {
    if (!this.#stop(kind, code)) return;
    this.#world.trace.emit(ENDED, this.#world.now, this.#name, { kind, code });
  }

  #stop(kind: EndKind, code: number): boolean {
    if (!this.isRunning) return false;
    this.#outcome.value = { kind, code };
    this.#powered.stop();
    return true;
  }

  #restart(): void {
    if (!this.#powered.isStopped()) {
      this.#world.postIn(RESET_CYCLES, this.#name, "reset");
      return;
    }
    const { kind } = this.#outcome.value;
    this.#world.trace.emit(RESET, this.#world.now, this.#name, { kind });
    this.#outcome.value = { kind: "running", code: 0 };
    this.#powered.restart();
  }
}
