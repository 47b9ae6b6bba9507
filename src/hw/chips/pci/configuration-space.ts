/**
 * The configuration space of a PCI function, header type 0, as registers of a chip. PCI Local Bus Specification,
 * Revision 3.0, "Configuration Space". Any byte of it can be accessed alone, so a register that takes writes is a row
 * for each of its bytes. Not modelled: the errors that Status reports, expansion ROM, built-in self test.
 */

import type { Register } from "../chip.ts";

export interface Bar {
  /** Of 0 to 5; one of 64 bits takes the next one as well. */
  readonly index: number;
  readonly kind: "memory" | "memory64" | "io";
  /** A power of two, 4 at least, 16 for memory. */
  readonly sizeBytes: number;
  readonly isPrefetchable?: boolean;
}

export interface Header {
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Base class, sub-class and interface. */
  readonly classCode: number;
  readonly subsystemVendor: number;
  readonly subsystem: number;
  /** 1 to 4 for INTA# to INTD#, 0 for none. */
  readonly interruptPin: number;
  readonly isMultifunction?: boolean;
}

/** What every function keeps. */
export interface PciState {
  command: number;
  cacheLineSize: number;
  latencyTimer: number;
  interruptLine: number;
  /** The base addresses that were written, without the bits that say what they are. */
  bars: number[];
}

/** One entry of the capabilities list. */
export interface Capability<State> {
  readonly id: number;
  /** With the ID and the pointer to the next. */
  readonly sizeBytes: number;
  /** Those behind the ID and the pointer; `at` is where the capability begins. */
  registers(at: number): Rows<State>;
}

export type Rows<State> = Record<string, Register<State>>;

export const COMMAND_IO = 1;
export const COMMAND_MEMORY = 2;
export const COMMAND_MASTER = 4;
const COMMAND_INTX_DISABLE = 0x400;
/** With parity and SERR# enables, which do nothing here. */
const COMMAND_MASK = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | 0x140 | COMMAND_INTX_DISABLE;
const STATUS_INTERRUPT = 0x08;
const STATUS_CAPABILITIES = 0x10;

const FIRST_CAPABILITY = 0x40;
const SPACE = 0x100;

/** Where the registers behind a BAR lie within the chip: far enough from each other for all that is here. */
export const barPlace = (index: number): number => (index + 1) * 0x10_0000;

export const pciPowerOn = (): PciState => ({
  command: 0,
  cacheLineSize: 0,
  latencyTimer: 0,
  interruptLine: 0,
  bars: [0, 0, 0, 0, 0, 0],
});

/** True while INTx# may be asserted. */
export const allowsIntx = (state: PciState): boolean =>
  (state.command & COMMAND_INTX_DISABLE) === 0;
export const isMaster = (state: PciState): boolean => (state.command & COMMAND_MASTER) !== 0;

/** All of the space, with `own` registers of the device; what nothing is said of reads as zeros. */
export function configurationSpace<State extends PciState>(
  header: Header,
  bars: readonly Bar[],
  capabilities: readonly Capability<State>[] = [],
  isInterruptPending: (state: State) => boolean = () => false,
  own: Rows<State> = {},
): Rows<State> {
  const list = capabilityRows(capabilities);
  const capabilityBit = capabilities.length > 0 ? STATUS_CAPABILITIES : 0;
  return filledWithZeros<State>({
    "Vendor ID": constant(0, 2, header.vendor),
    "Device ID": constant(2, 2, header.device),
    ...writable<State>("Command", 4, 2, {
      read: (s) => s.command,
      write: (s, value) => {
        s.command = value & COMMAND_MASK;
      },
    }),
    Status: {
      at: 6,
      size: 2,
      read: (s) => capabilityBit | (isInterruptPending(s) ? STATUS_INTERRUPT : 0),
    },
    "Revision ID": constant(8, 1, header.revision),
    "Programming Interface": constant(9, 1, header.classCode & 0xff),
    "Class Code": constant(10, 2, header.classCode >> 8),
    ...writable<State>("Cache Line Size", 12, 1, field("cacheLineSize")),
    ...writable<State>("Latency Timer", 13, 1, field("latencyTimer")),
    "Header Type": constant(14, 1, header.isMultifunction === true ? 0x80 : 0),
    ...barRows<State>(bars),
    "Subsystem Vendor ID": constant(0x2c, 2, header.subsystemVendor),
    "Subsystem ID": constant(0x2e, 2, header.subsystem),
    "Capabilities Pointer": constant(0x34, 1, capabilities.length > 0 ? FIRST_CAPABILITY : 0),
    ...writable<State>("Interrupt Line", 0x3c, 1, field("interruptLine")),
    "Interrupt Pin": constant(0x3d, 1, header.interruptPin),
    ...list,
    ...own,
  });
}

/** A register that reads the same always. */
export const constant = (at: number, size: 1 | 2 | 4, value: number): Register<object> => ({
  at,
  size,
  read: () => value,
});

/** Rows for each byte of a register; `write` gets the whole of it, with the other bytes as they were. */
export function writable<State>(
  name: string,
  at: number,
  size: 1 | 2 | 4,
  { read, write }: { read: (state: State) => number; write: (state: State, value: number) => void },
): Rows<State> {
  const rows: Rows<State> = {};
  for (let i = 0; i < size; i += 1) {
    const shift = 8 * i;
    rows[i === 0 ? name : `${name}[${i}]`] = {
      at: at + i,
      read: (s) => (read(s) >>> shift) & 0xff,
      write: (s, byte) => {
        const rest = read(s) & ~(0xff << shift);
        write(s, (rest | (byte << shift)) >>> 0);
      },
    };
  }
  return rows;
}

/** A register of one byte that only stores. */
function field<Name extends string>(name: Name) {
  return {
    read: (state: Record<Name, number>): number => state[name],
    write: (state: Record<Name, number>, value: number): void => {
      state[name] = value;
    },
  };
}

// Base address registers

const TYPE_BITS = { io: 1, memory: 0, memory64: 4 } as const;

/** Bits that a write of ones leaves set tell the size: "Address Maps". */
function barRows<State extends PciState>(bars: readonly Bar[]): Rows<State> {
  const rows: Rows<State> = {};
  for (const { index, kind, sizeBytes, isPrefetchable } of bars) {
    const type = TYPE_BITS[kind] | (isPrefetchable === true ? 8 : 0);
    Object.assign(rows, barRow(index, ~(sizeBytes - 1) >>> 0, type));
    if (kind === "memory64") Object.assign(rows, barRow(index + 1, 0xffff_ffff, 0));
  }
  return rows;
}

const barRow = (index: number, mask: number, type: number): Rows<PciState> =>
  writable(`BAR${index}`, 0x10 + 4 * index, 4, {
    read: (s) => ((s.bars[index] ?? 0) | type) >>> 0,
    write: (s, value) => {
      s.bars[index] = (value & mask) >>> 0;
    },
  });

/** Where a BAR says that it lies; null while Command does not let it answer. */
export function barAddress(state: PciState, { index, kind }: Bar): number | null {
  const enable = kind === "io" ? COMMAND_IO : COMMAND_MEMORY;
  if ((state.command & enable) === 0) return null;
  const high = kind === "memory64" ? (state.bars[index + 1] ?? 0) : 0;
  return high * 2 ** 32 + (state.bars[index] ?? 0);
}

// The capabilities list

function capabilityRows<State extends object>(
  capabilities: readonly Capability<State>[],
): Rows<State> {
  const rows: Rows<State> = {};
  let at = FIRST_CAPABILITY;
  capabilities.forEach((capability, i) => {
    const end = at + 4 * Math.ceil(capability.sizeBytes / 4);
    rows[`Capability ${i}: ID`] = constant(at, 1, capability.id);
    rows[`Capability ${i}: Next`] = constant(at + 1, 1, i + 1 < capabilities.length ? end : 0);
    for (const [name, row] of Object.entries(capability.registers(at)))
      rows[`Capability ${i}: ${name}`] = row;
    at = end;
  });
  return rows;
}

/** "Configuration Space Organization": reserved registers read as zeros, and writes there do nothing. */
function filledWithZeros<State extends object>(rows: Rows<State>): Rows<State> {
  const isTaken = new Set<number>();
  for (const { at, size = 1 } of Object.values(rows))
    for (let i = 0; i < size; i += 1) isTaken.add(at + i);
  const filled: Rows<State> = { ...rows };
  for (let at = 0; at < SPACE; at += 1)
    if (!isTaken.has(at)) filled[`Reserved ${at.toString(16)}h`] = constant(at, 1, 0);
  return filled;
}
