/**
 * Port 61h, which has the gate and the output of the speaker's counter. Intel 82371AB data sheet, "NMI Status and Control
 * Register".
 * Not modelled: SERR# and IOCHK#, whose enable bits are kept.
 */

import type { Cycles } from "../../sim/time.ts";
import type { Chip } from "./chip.ts";

export interface Port61 {
  /** Bits 0 to 3. */
  control: number;
  out2: number;
}

/** `out2` is OUT of counter 2, `gate2` its gate. */
export const port61: Chip<Port61, "gate2" | "speaker"> = {
  name: "port61",
  cites: "Intel 82371AB data sheet, NMI Status and Control Register",
  powerOn: () => ({ control: 0, out2: 0 }),
  registers: {
    NMISC: {
      at: 0,
      read: (s, now) => s.control | refresh(now) | (s.out2 << 5),
      write: (s, value) => {
        s.control = value & 0x0f;
      },
    },
  },
  inputs: {
    out2: (s, level) => {
      s.out2 = level === 0 ? 0 : 1;
    },
  },
  wires: (s) => ({
    gate2: (s.control & 1) !== 0,
    speaker: (s.control & 2) !== 0 && s.out2 === 1,
  }),
  deadline: () => null,
  advance: () => {},
};

/** Bit 4 changes with each refresh of memory, every 15.085 microseconds. */
const refresh = (now: Cycles): number => (Math.floor(now / 15_085) % 2) << 4;
