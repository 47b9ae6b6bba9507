/** The kernel's audit records: numbered, with their time. Each is an event of the trace. Linux, kernel/audit.c, audit_log_start. */

import type { Cell } from "../sim/snapshot.ts";
import { eventType } from "../sim/trace.ts";
import type { World } from "../sim/world.ts";

/** `text` is the line that a kernel without a daemon writes to its log, from `type=` on. */
const RECORD = eventType("audit.record", { type: "number", text: "text" });

const CYCLES_OF_SECOND = 1_000_000_000;
const CYCLES_OF_MILLISECOND = 1_000_000;

export class Audit {
  readonly #world: World;
  readonly #name: string;
  /** When the host was switched on, in seconds since 1970. */
  readonly #date: number;
  readonly #serial: Cell<{ last: number }>;

  /** To be made while the world is built. */
  constructor(world: World, prefix: string, date: number) {
    this.#world = world;
    this.#name = `${prefix}audit`;
    this.#date = date;
    this.#serial = world.registry.plain(this.#name, { last: 0 });
  }

  /** `type`: a number of include/uapi/linux/audit.h. */
  record(type: number, message: string): void {
    const { now } = this.#world;
    this.#serial.value.last += 1;
    const seconds = this.#date + Math.floor(now / CYCLES_OF_SECOND);
    const milliseconds = Math.floor((now % CYCLES_OF_SECOND) / CYCLES_OF_MILLISECOND);
    const stamp = `${seconds}.${String(milliseconds).padStart(3, "0")}:${this.#serial.value.last}`;
    const text = `type=${type} audit(${stamp}): ${message}`;
    this.#world.trace.emit(RECORD, now, this.#name, { type, text });
  }
}
