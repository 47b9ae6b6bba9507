/** An event queue as simple as can be, to compare the real one with; and commands for both. */

import fc from "fast-check";
import type { EventQueue, QueueEntry } from "../../src/sim/event-queue.ts";

export type QueueCommand =
  | { readonly do: "post"; readonly time: number; readonly value: number }
  /** Many posts, some of them early. */
  | { readonly do: "flood"; readonly count: number; readonly stride: number }
  | { readonly do: "take"; readonly count: number }
  | { readonly do: "cancel"; readonly nth: number }
  /** Cancels all but each so-manieth of the handles given out. */
  | { readonly do: "thin"; readonly keepEach: number }
  | { readonly do: "reschedule"; readonly nth: number; readonly time: number }
  | { readonly do: "save" }
  | { readonly do: "load" };

type SomeQueue = Pick<
  EventQueue,
  "post" | "cancel" | "reschedule" | "take" | "entries" | "save" | "load" | "size" | "nextTime"
>;

export function anyQueueCommand(): fc.Arbitrary<QueueCommand> {
  const [time, nth] = [fc.nat(20), fc.nat(300)];
  const one = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: one("post"), time, value: fc.nat(3) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: one("flood"),
        count: fc.integer({ min: 1, max: 60 }),
        stride: fc.constantFrom(1, 7, 20),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: one("take"), count: fc.constantFrom(1, 1, 1, 30) }),
    },
    { weight: 2, arbitrary: fc.record({ do: one("cancel"), nth }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: one("thin"), keepEach: fc.integer({ min: 2, max: 9 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: one("reschedule"), nth, time }) },
    { weight: 1, arbitrary: fc.record({ do: one("save") }) },
    { weight: 1, arbitrary: fc.record({ do: one("load") }) },
  );
}

/** A list that is searched from end to end. */
export class PlainQueue implements SomeQueue {
  #waiting: QueueEntry[] = [];
  #handles = 0;

  get size(): number {
    return this.#waiting.length;
  }

  get nextTime(): number {
    return this.#first()?.time ?? Number.POSITIVE_INFINITY;
  }

  post(time: number, target: string, kind: string, payload: QueueEntry["payload"]): number {
    this.#waiting.push({ time, sequence: this.#handles, target, kind, payload });
    this.#handles += 1;
    return this.#handles - 1;
  }

  cancel(handle: number): boolean {
    const before = this.size;
    this.#waiting = this.#waiting.filter(({ sequence }) => sequence !== handle);
    return this.size < before;
  }

  reschedule(handle: number, time: number): number | null {
    const entry = this.#waiting.find(({ sequence }) => sequence === handle);
    if (entry === undefined) return null;
    this.cancel(handle);
    return this.post(time, entry.target, entry.kind, entry.payload);
  }

  take(): QueueEntry {
    const first = this.#first() as QueueEntry;
    this.cancel(first.sequence);
    return first;
  }

  entries(): QueueEntry[] {
    return this.#waiting.toSorted((a, b) => a.time - b.time || a.sequence - b.sequence);
  }

  save(): ReturnType<EventQueue["save"]> {
    return { nextSequence: this.#handles, entries: structuredClone(this.entries()) };
  }

  load({ nextSequence, entries }: ReturnType<EventQueue["save"]>): void {
    this.#handles = nextSequence;
    this.#waiting = structuredClone([...entries]);
  }

  #first(): QueueEntry | undefined {
    let first: QueueEntry | undefined;
    for (const entry of this.#waiting) {
      if (first === undefined || entry.time < first.time) first = entry;
      else if (entry.time === first.time && entry.sequence < first.sequence) first = entry;
    }
    return first;
  }
}

/** Does what the commands say, and tells what was seen after each; at the end all that waits is taken. */
export function obey(queue: SomeQueue, commands: readonly QueueCommand[]): string[] {
  const seen: string[] = [];
  let saved = queue.save();
  for (const command of commands) {
    if (command.do === "save") saved = queue.save();
    else if (command.do === "load") queue.load(saved);
    else seen.push(JSON.stringify(obeyOne(queue, command)));
    seen.push(`${queue.size} ${queue.nextTime}`);
  }
  seen.push(JSON.stringify(queue.entries()));
  while (queue.size > 0) seen.push(JSON.stringify(queue.take()));
  return seen;
}

function obeyOne(
  queue: SomeQueue,
  command: Exclude<QueueCommand, { do: "save" | "load" }>,
): unknown {
  switch (command.do) {
    case "post":
      return queue.post(command.time, "t", "k", { value: command.value });
    case "flood":
      return Array.from({ length: command.count }, (_, i) =>
        queue.post((i * command.stride) % 23, "flood", "k", i),
      );
    case "take":
      return Array.from({ length: Math.min(command.count, queue.size) }, () => queue.take());
    case "cancel":
      return queue.cancel(command.nth);
    case "thin":
      return queue
        .entries()
        .filter(({ sequence }) => sequence % command.keepEach !== 0)
        .map(({ sequence }) => queue.cancel(sequence));
    case "reschedule":
      return queue.reschedule(command.nth, command.time);
  }
}
