/**
 * A trace sink that writes one JSON object a line: number, time in cycles, source, type, fields. Wide fields are
 * hexadecimal text, since JSON numbers end at 53 bits.
 */

import type { FieldValue, TraceEvent, TraceSink } from "../trace.ts";

export class JsonLinesSink implements TraceSink {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  event(event: TraceEvent): void {
    const { number, time, source, type } = event;
    this.#write(
      `${JSON.stringify({ number, time, source, type: type.name, fields: jsonFields(event) })}\n`,
    );
  }
}

export function jsonFields(event: TraceEvent): Record<string, string | number | boolean> {
  const fields: Record<string, string | number | boolean> = {};
  for (const name of event.type.fieldNames) {
    const value = event.fields[name] as FieldValue;
    fields[name] = typeof value === "bigint" ? `0x${value.toString(16)}` : value;
  }
  return fields;
}
