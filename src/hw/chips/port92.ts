/** Port 92h: a second A20 gate and a fast reset of the CPU. Intel 82371AB data sheet, "Port 92 Register". */

import type { Chip } from "./chip.ts";

export interface Port92 {
  value: number;
}

/** The rising edge of `init` resets the CPUs. */
export const port92: Chip<Port92, "a20" | "init"> = {
  name: "port92",
  cites: "Intel 82371AB data sheet, Port 92 Register",
  powerOn: () => ({ value: 0 }),
  registers: {
    P92: {
      at: 0,
      read: (s) => s.value,
      write: (s, value) => {
        s.value = value & 3;
      },
    },
  },
  inputs: {},
  wires: ({ value }) => ({ a20: (value & 2) !== 0, init: (value & 1) !== 0 }),
  deadline: () => null,
  advance: () => {},
};
