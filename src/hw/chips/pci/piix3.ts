/**
 * The ISA bridge of the PC, which routes PCI's interrupts to the interrupt controllers' lines. Intel 82371FB (PIIX) and
 * 82371SB (PIIX3) data sheet, "PCI To ISA Bridge Registers (Function 0)". Not modelled: everything else that the chip
 * holds, which is in chips of its own or in none.
 */

import {
  configurationSpace,
  type PciState,
  pciPowerOn,
  type Rows,
  writable,
} from "./configuration-space.ts";
import type { PciFunction } from "./function.ts";

interface Piix3 extends PciState {
  /** PIRQRC of PIRQA# to PIRQD#. */
  pirqrc: number[];
  /** Which of PIRQA# to PIRQD# are asserted. */
  pirqs: number;
}

const HEADER = {
  vendor: 0x8086,
  device: 0x7000,
  revision: 0,
  classCode: 0x06_01_00,
  subsystemVendor: 0x1af4,
  subsystem: 0x1100,
  interruptPin: 0,
  isMultifunction: true,
};

/** "PIRQx Route Control": the others are reserved. */
const IRQS = [3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15] as const;
const NOT_ROUTED = 0x80;

/** Inputs `pirqa` to `pirqd`; wires `irq3` to `irq15`. */
export const piix3: PciFunction<Piix3> = {
  name: "piix3",
  cites: "Intel 82371SB (PIIX3) data sheet, PIRQx Route Control Registers",
  powerOn: () => ({
    ...pciPowerOn(),
    pirqrc: [NOT_ROUTED, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED],
    pirqs: 0,
  }),
  registers: configurationSpace<Piix3>(HEADER, [], [], () => false, routeRows()),
  bars: [],
  inputs: {
    pirqa: (s, level) => setPirq(s, 0, level),
    pirqb: (s, level) => setPirq(s, 1, level),
    pirqc: (s, level) => setPirq(s, 2, level),
    pirqd: (s, level) => setPirq(s, 3, level),
  },
  wires: (s) => Object.fromEntries(IRQS.map((irq) => [`irq${irq}`, isAsserted(s, irq)])),
  deadline: () => null,
  advance: () => {},
};

function routeRows(): Rows<Piix3> {
  const rows: Rows<Piix3> = {};
  for (let i = 0; i < 4; i += 1)
    Object.assign(
      rows,
      writable<Piix3>(`PIRQRC[${"ABCD".charAt(i)}]`, 0x60 + i, 1, {
        read: (s) => s.pirqrc[i] ?? 0,
        write: (s, value) => {
          s.pirqrc[i] = value & 0x8f;
        },
      }),
    );
  return rows;
}

function setPirq(s: Piix3, pirq: number, level: number): void {
  s.pirqs = level === 0 ? s.pirqs & ~(1 << pirq) : s.pirqs | (1 << pirq);
}

const isAsserted = (s: Piix3, irq: number): boolean =>
  s.pirqrc.some((route, pirq) => route === irq && (s.pirqs & (1 << pirq)) !== 0);
