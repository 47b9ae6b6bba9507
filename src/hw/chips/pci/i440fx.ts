/**
 * The host bridge of the PC: it holds CONFADD, and says which parts of 640 KiB to 1 MiB are RAM. Intel 440FX PCIset
 * data sheet, "PCI Configuration Space Mapped Registers". Not modelled: DRAM timing and boundaries, SMRAM and the error
 * registers, which store at most.
 */

import { stored } from "../chip.ts";
import {
  configurationSpace,
  type PciState,
  pciPowerOn,
  type Rows,
  writable,
} from "./configuration-space.ts";
import type { PciFunction } from "./function.ts";

interface I440fx extends PciState {
  confadd: number;
  /** PAM0 to PAM6. */
  pam: number[];
  smram: number;
}

const HEADER = {
  vendor: 0x8086,
  device: 0x1237,
  revision: 2,
  classCode: 0x06_00_00,
  subsystemVendor: 0x1af4,
  subsystem: 0x1100,
  interruptPin: 0,
};

/** Offset of CONFADD, which lies at a port and not in configuration space. */
export const CONFADD = 0x1000;
const CONFADD_MASK = 0x80ff_fffc;

/** One part of the range that PAM registers govern. */
export interface ShadowArea {
  readonly at: number;
  readonly sizeBytes: number;
  /** Asserted while reads, and while writes, go to RAM; otherwise they go to the bus. */
  readonly readWire: string;
  readonly writeWire: string;
}

/** C0000h to EFFFFh by 16 KiB in PAM1 to PAM6, and F0000h to FFFFFh in the upper half of PAM0. */
export const SHADOW_AREAS: readonly ShadowArea[] = [
  ...Array.from({ length: 12 }, (_, i) => shadowArea(0xc_0000 + i * 0x4000, 0x4000)),
  shadowArea(0xf_0000, 0x1_0000),
];

/** Wires `read C0000`, `write C0000` and so on: see SHADOW_AREAS. */
export const i440fx: PciFunction<I440fx> = {
  name: "i440fx",
  cites: "Intel 440FX PCIset data sheet, PCI Configuration Space Mapped Registers",
  powerOn: () => ({ ...pciPowerOn(), confadd: 0, pam: [0, 0, 0, 0, 0, 0, 0], smram: 2 }),
  registers: {
    ...configurationSpace<I440fx>(HEADER, [], [], () => false, {
      ...pamRows(),
      SMRAM: { at: 0x72, ...stored("smram", 0x7f) },
    }),
    CONFADD: {
      at: CONFADD,
      size: 4,
      read: (s) => s.confadd,
      write: (s, value) => {
        s.confadd = (value & CONFADD_MASK) >>> 0;
      },
    },
  },
  bars: [],
  inputs: {},
  wires,
  deadline: () => null,
  advance: () => {},
};

function shadowArea(at: number, sizeBytes: number): ShadowArea {
  const name = at.toString(16).toUpperCase();
  return { at, sizeBytes, readWire: `read ${name}`, writeWire: `write ${name}` };
}

function pamRows(): Rows<I440fx> {
  const rows: Rows<I440fx> = {};
  for (let i = 0; i < 7; i += 1)
    Object.assign(
      rows,
      writable<I440fx>(`PAM${i}`, 0x59 + i, 1, {
        read: (s) => s.pam[i] ?? 0,
        write: (s, value) => {
          s.pam[i] = value & 0x33;
        },
      }),
    );
  return rows;
}

function wires(s: I440fx): Record<string, boolean> {
  const levels: Record<string, boolean> = {};
  SHADOW_AREAS.forEach(({ readWire, writeWire }, i) => {
    const isLast = i === SHADOW_AREAS.length - 1;
    const pam = s.pam[isLast ? 0 : 1 + (i >> 1)] ?? 0;
    const bits = isLast || i % 2 === 1 ? pam >> 4 : pam;
    levels[readWire] = (bits & 1) !== 0;
    levels[writeWire] = (bits & 2) !== 0;
  });
  return levels;
}
