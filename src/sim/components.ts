/** The components of a world by name, and the ways by which something reaches them. */

import { assert, InputError } from "./assert.ts";
import type { Component, Handler } from "./blueprint.ts";
import type { Json, Plain } from "./data.ts";
import type { QueueEntry } from "./event-queue.ts";
import type { Fault, FaultPlan } from "./faults.ts";

export class Components {
  readonly #byName = new Map<string, Component>();

  add(component: Component): void {
    assert(!this.#byName.has(component.name), `components have one name each: ${component.name}`);
    this.#byName.set(component.name, component);
  }

  dispatch(event: QueueEntry): void {
    const handler = this.#byName.get(event.target)?.handlers[event.kind];
    assert(handler !== undefined, `an event has a handler: ${event.target} ${event.kind}`);
    handler(event.payload, event);
  }

  suffer(target: string, kind: string, detail: Json | undefined): void {
    this.#byName.get(target)?.faults?.[kind]?.(detail);
  }

  /** Throws InputError when nobody takes an input of that kind. */
  checkInput(target: string, kind: string): void {
    const component = this.#byName.get(target);
    if (component === undefined) throw new InputError(`input for ${target}: no such component`);
    if (!has(component.handlers, kind)) {
      throw new InputError(`input for ${target}: it does not take ${kind}`);
    }
  }

  /** Throws InputError, naming the entry, when a plan does not fit the components. */
  checkFaults(plan: FaultPlan): void {
    for (const [i, fault] of plan.entries()) {
      const place = `fault ${i + 1} of ${plan.length}`;
      const faults = this.#byName.get(fault.target)?.faults ?? {};
      if (!has(faults, fault.kind)) {
        throw new InputError(`${place}: no component ${fault.target} that suffers ${fault.kind}`);
      }
      if (!Number.isSafeInteger(fault.time) || fault.time < 0) {
        throw new InputError(`${place}: the time is a whole number of cycles, not ${fault.time}`);
      }
    }
  }
}

const has = (
  table: Readonly<Record<string, Handler | ((detail: Json | undefined) => void)>>,
  key: string,
): boolean => Object.hasOwn(table, key);

/** A fault as the payload of its event. */
export function faultPayload({ target, kind, detail }: Fault): Plain {
  return detail === undefined ? { target, kind } : { target, kind, detail };
}
