/**
 * The other end of a serial line: what is typed there waits until the UART takes it, a byte at a time at 115,200 baud.
 * PC16550D data sheet (National Semiconductor, 1995), "Receiver Buffer Register".
 */

import type { Plain } from "../../sim/data.ts";
import type { World } from "../../sim/world.ts";
import type { Ns16550a } from "../chips/ns16550a.ts";
import type { PlacedChip } from "./placed-chip.ts";

/** Start bit, eight bits, stop bit. */
const BYTE_CYCLES = 86_806;
const FIFO_BYTES = 16;
/** More than a person types and a test sends at once; what is beyond is lost, as on a line without flow control. */
const MOST_WAITING = 65_536;

interface Line {
  waiting: string;
  isSending: boolean;
}

/** Adds the component `console`, behind the prefix, whose input `receive` takes text: one byte for each character below U+0100. */
export function connectConsole(world: World, uart: PlacedChip<Ns16550a>, prefix = ""): void {
  const name = `${prefix}console`;
  const line = world.registry.plain<Line>(name, { waiting: "", isSending: false });
  const next = (): void => {
    const { waiting } = line.value;
    if (waiting === "") {
      line.value.isSending = false;
      return;
    }
    if (uart.state.rx.length < FIFO_BYTES) {
      uart.input("rx", waiting.charCodeAt(0) & 0xff);
      line.value.waiting = waiting.slice(1);
    }
    line.value.isSending = true;
    world.postIn(BYTE_CYCLES, name, "next");
  };
  world.add({
    name,
    handlers: {
      next,
      receive: (payload: Plain) => {
        if (typeof payload !== "string") return;
        line.value.waiting = (line.value.waiting + payload).slice(0, MOST_WAITING);
        if (!line.value.isSending) next();
      },
    },
  });
}
