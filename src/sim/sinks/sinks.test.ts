import { describe, expect, test } from "vitest";
import { tokens } from "../toy/tokens.ts";
import { eventType, formatEvent, Trace, type TraceEvent } from "../trace.ts";
import { World } from "../world.ts";
import { ChromeTraceSink } from "./chrome-trace.ts";
import { JsonLinesSink } from "./json-lines.ts";
import { MemoryRing } from "./memory-ring.ts";

const RAN = eventType("task.ran", { duration: "cycles", cpu: "number" });
const ALL = eventType("all.kinds", {
  at: "address",
  text: "text",
  flag: "flag",
  wide: "wide",
});

function traced(emit: (trace: Trace) => void, sink: { event(event: TraceEvent): void }): void {
  const trace = new Trace(false);
  trace.attach(sink);
  emit(trace);
  trace.close();
}

describe("sinks", () => {
  test("JSON lines: one object a line that JSON.parse reads back", () => {
    let text = "";
    const world = World.create(tokens, { config: tokens.parse({}) });
    let count = 0;
    world.trace.attach(new JsonLinesSink((piece) => (text += piece)));
    world.trace.attach({ event: () => (count += 1) });
    world.runUntil(5000);
    const lines = text.trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line) as { number: number; fields: object });
    expect(lines).toHaveLength(count);
    expect(events.every(({ number }, i) => number === i)).toBe(true);
  });

  test("Chrome trace: the Trace Event Format's array, with threads, instants and durations in microseconds", () => {
    let text = "";
    traced(
      (trace) => {
        trace.emit(RAN, 5000, "cpu0", { duration: 2000, cpu: 0 });
        trace.emit(ALL, 6500, "cpu1", { at: 255, text: "x", flag: true, wide: 2n ** 64n });
      },
      new ChromeTraceSink((piece) => (text += piece)),
    );
    const entries = JSON.parse(text) as { ph: string; tid: number; ts?: number; dur?: number }[];
    expect(entries.map(({ ph }) => ph)).toEqual(["M", "X", "M", "i"]);
    expect(entries[1]).toMatchObject({ ts: 3, dur: 2, tid: 1 });
    expect(entries[3]).toMatchObject({
      ts: 6.5,
      tid: 2,
      args: { at: 255, wide: "0x10000000000000000" },
    });
  });

  test("Chrome trace: no event is an empty array", () => {
    let text = "";
    traced(() => {}, new ChromeTraceSink((piece) => (text += piece)));
    expect(JSON.parse(text)).toEqual([]);
  });

  test("the ring keeps the last events, oldest first", () => {
    const ring = new MemoryRing(3);
    traced((trace) => {
      for (let cpu = 0; cpu < 5; cpu += 1) trace.emit(RAN, cpu, "t", { duration: 0, cpu });
    }, ring);
    expect(ring.events().map(({ number }) => number)).toEqual([2, 3, 4]);
  });

  test("an event as one line: addresses and wide fields in hexadecimal, text quoted", () => {
    const ring = new MemoryRing(1);
    traced(
      (trace) => trace.emit(ALL, 7, "s", { at: 4096, text: "a b", flag: false, wide: 16n }),
      ring,
    );
    expect(ring.events().map(formatEvent)).toEqual([
      '7 s all.kinds at=0x1000 text="a b" flag=false wide=0x10',
    ]);
  });
});
