/**
 * The trace: typed events with virtual time, source and fields. Each event goes into the digest of the run; sinks
 * that want to show or keep events are attached from outside and never change what the run does or its digest.
 */

import { Hasher, type HashState, hashText } from "./hash.ts";
import type { Cycles } from "./time.ts";

/** What a field holds and how it is shown: an address in hexadecimal, a time in cycles. */
export type FieldKind = "number" | "address" | "cycles" | "text" | "flag" | "wide";

interface FieldTypes {
  number: number;
  address: number;
  cycles: Cycles;
  text: string;
  flag: boolean;
  wide: bigint;
}

export type FieldValue = number | string | boolean | bigint;
export type Shape = Readonly<Record<string, FieldKind>>;
export type FieldsOf<S extends Shape> = { readonly [K in keyof S]: FieldTypes[S[K]] };

/** A type of event: its name, as `component.what-happened`, and its fields in order. */
export interface EventType<S extends Shape = Shape> {
  readonly name: string;
  readonly shape: S;
  readonly fieldNames: readonly (keyof S & string)[];
  readonly hash: number;
}

export function eventType<const S extends Shape>(name: string, shape: S): EventType<S> {
  return { name, shape, fieldNames: Object.keys(shape), hash: hashText(name) };
}

/** One event as sinks see it. `number` counts the events of the run from 0. */
export interface TraceEvent {
  readonly number: number;
  readonly time: Cycles;
  readonly source: string;
  readonly type: EventType;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** Receives every event once, also when parts of the run are executed again. */
export interface TraceSink {
  event(event: TraceEvent): void;
  /** No event follows. */
  close?(): void;
}

export interface SavedTrace {
  readonly count: number;
  readonly hash: HashState;
}

export class Trace {
  /** False when neither a digest nor a sink wants events. They are counted all the same: always emit. */
  active: boolean;
  readonly #digesting: boolean;
  readonly #hasher = new Hasher();
  readonly #sinks: TraceSink[] = [];
  readonly #sourceHashes = new Map<string, number>();
  #count = 0;
  /** Events below this number have been delivered: going back in time does not deliver them again. */
  #delivered = 0;

  constructor(digesting: boolean) {
    this.#digesting = digesting;
    this.active = digesting;
  }

  /** How many events the run has had up to now. */
  get count(): number {
    return this.#count;
  }

  /** True when events have been delivered that lie in the future of where the run is now. */
  get hasFuture(): boolean {
    return this.#delivered > this.#count;
  }

  /** Events from here on are new again. */
  truncate(): void {
    this.#delivered = Math.min(this.#delivered, this.#count);
  }

  attach(sink: TraceSink): void {
    this.#sinks.push(sink);
    this.active = true;
    this.#delivered = Math.max(this.#delivered, this.#count);
  }

  detach(sink: TraceSink): void {
    const at = this.#sinks.indexOf(sink);
    if (at >= 0) this.#sinks.splice(at, 1);
    this.active = this.#digesting || this.#sinks.length > 0;
  }

  emit<S extends Shape>(
    type: EventType<S>,
    time: Cycles,
    source: string,
    fields: FieldsOf<S>,
  ): void {
    const number = this.#count;
    this.#count = number + 1;
    if (!this.active) return;
    if (this.#digesting) this.#digestEvent(type, time, source, fields);
    if (number < this.#delivered) return;
    this.#delivered = number + 1;
    for (const sink of this.#sinks) {
      const event = { number, time, source, type, fields } as unknown as TraceEvent;
      sink.event(event);
    }
  }

  save(): SavedTrace {
    return { count: this.#count, hash: this.#hasher.save() };
  }

  load(saved: SavedTrace): void {
    this.#count = saved.count;
    this.#hasher.load(saved.hash);
  }

  /** Feeds the digest of all events so far. */
  digest(hasher: Hasher): void {
    for (const word of this.#hasher.finish()) hasher.u32(word);
  }

  close(): void {
    for (const sink of this.#sinks) sink.close?.();
  }

  #digestEvent<S extends Shape>(
    type: EventType<S>,
    time: Cycles,
    source: string,
    fields: FieldsOf<S>,
  ): void {
    const hasher = this.#hasher;
    hasher.u32(type.hash);
    hasher.f64(time);
    let sourceHash = this.#sourceHashes.get(source);
    if (sourceHash === undefined) {
      sourceHash = hashText(source);
      this.#sourceHashes.set(source, sourceHash);
    }
    hasher.u32(sourceHash);
    for (const name of type.fieldNames) {
      const value: FieldValue = fields[name];
      if (typeof value === "number") hasher.f64(value);
      else if (typeof value === "string") hasher.text(value);
      else if (typeof value === "boolean") hasher.u32(value ? 1 : 0);
      else hasher.text(value.toString(16));
    }
  }
}

/** A field as text: addresses in hexadecimal, times with their unit. */
export function formatField(kind: FieldKind, value: FieldValue): string {
  if (kind === "address") return `0x${(value as number).toString(16)}`;
  if (kind === "wide") return `0x${(value as bigint).toString(16)}`;
  if (kind === "text") return JSON.stringify(value);
  return String(value);
}

/** One line: time, source, type and fields. */
export function formatEvent(event: TraceEvent): string {
  const fields = event.type.fieldNames.map(
    (name) =>
      `${name}=${formatField(event.type.shape[name] as FieldKind, event.fields[name] as FieldValue)}`,
  );
  return [String(event.time), event.source, event.type.name, ...fields].join(" ");
}
