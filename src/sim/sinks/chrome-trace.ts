/**
 * A trace sink that writes the Trace Event Format (Chrome's about:tracing, Perfetto), JSON array form: each source is
 * a thread, each event an instant. An event type with a `cycles` field named `duration` becomes a complete event that
 * ends at its time, and is called what a `text` field named `who` says.
 */

import type { TraceEvent, TraceSink } from "../trace.ts";
import { jsonFields } from "./json-lines.ts";

const CYCLES_PER_MICROSECOND = 1000;

export class ChromeTraceSink implements TraceSink {
  readonly #write: (text: string) => void;
  readonly #threads = new Map<string, number>();
  #separator = "[\n";

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  event(event: TraceEvent): void {
    let tid = this.#threads.get(event.source);
    if (tid === undefined) {
      tid = this.#threads.size + 1;
      this.#threads.set(event.source, tid);
      this.#put({ name: "thread_name", ph: "M", pid: 1, tid, args: { name: event.source } });
    }
    const common = { name: event.type.name, pid: 1, tid, args: jsonFields(event) };
    const duration =
      event.type.shape["duration"] === "cycles" ? event.fields["duration"] : undefined;
    if (typeof duration === "number") {
      const ts = (event.time - duration) / CYCLES_PER_MICROSECOND;
      const name = event.type.shape["who"] === "text" ? event.fields["who"] : common.name;
      this.#put({ ...common, name, ph: "X", ts, dur: duration / CYCLES_PER_MICROSECOND });
    } else {
      this.#put({ ...common, ph: "i", s: "t", ts: event.time / CYCLES_PER_MICROSECOND });
    }
  }

  close(): void {
    this.#write(this.#separator === "[\n" ? "[]\n" : "\n]\n");
  }

  #put(entry: object): void {
    this.#write(this.#separator + JSON.stringify(entry));
    this.#separator = ",\n";
  }
}
