/**
 * The local APIC's registers as MSRs: SDM Vol. 3, "x2APIC Register Address Space", "Reserved Bit Checking"; and
 * IA32_TSC_DEADLINE of "TSC-Deadline Mode". IA32_APIC_BASE is the CPU's.
 */

import type { Cycles } from "../../sim/time.ts";
import { isX2apic, type Lapic, LVT_BITS } from "./lapic.ts";
import { ICR_BITS } from "./lapic-icr.ts";
import type { Socket } from "./socket.ts";

/** Whoever hosts the chip. */
type Apic = Pick<Socket<Lapic>, "state" | "read" | "write">;

interface Row {
  /** Bits that may be set in a write; no row has none that can be written. */
  readonly writable?: number;
  readonly isWriteOnly?: boolean;
}

const READ_ONLY: Row = {};
const DELIVERY_STATUS = 0x1000;

const ROWS = new Map<number, Row>([
  [0x802, READ_ONLY],
  [0x803, READ_ONLY],
  [0x808, { writable: 0xff }],
  [0x80a, READ_ONLY],
  [0x80b, { writable: 0, isWriteOnly: true }],
  [0x80d, READ_ONLY],
  [0x80f, { writable: 0x13ff }],
  [0x828, { writable: 0 }],
  [0x832, { writable: LVT_BITS.lvtTimer | DELIVERY_STATUS }],
  [0x833, { writable: LVT_BITS.lvtThermal | DELIVERY_STATUS }],
  [0x834, { writable: LVT_BITS.lvtPerformance | DELIVERY_STATUS }],
  [0x835, { writable: LVT_BITS.lvtLint0 | DELIVERY_STATUS | 0x4000 }],
  [0x836, { writable: LVT_BITS.lvtLint1 | DELIVERY_STATUS | 0x4000 }],
  [0x837, { writable: LVT_BITS.lvtError | DELIVERY_STATUS }],
  [0x838, { writable: 0xffff_ffff }],
  [0x839, READ_ONLY],
  [0x83e, { writable: 0xb }],
  [0x83f, { writable: 0xff, isWriteOnly: true }],
]);
for (let number = 0x810; number < 0x828; number += 1) ROWS.set(number, READ_ONLY);

const TSC_DEADLINE = 0x6e0;
const ICR = 0x830;
/** Where ICR and IA32_TSC_DEADLINE have their halves. */
const WIDE: Readonly<Record<number, readonly [low: number, high: number]>> = {
  [ICR]: [0x300, 0x310],
  [TSC_DEADLINE]: [0x1000, 0x1004],
};

const offsetOf = (number: number): number => (number - 0x800) * 16;

/** Null is #GP(0). */
export function readLapicMsr(apic: Apic, number: number, now: Cycles): bigint | null {
  const read = (offset: number): bigint => BigInt(apic.read(offset, 4, now));
  if (number !== TSC_DEADLINE && !isX2apic(apic.state)) return null;
  const halves = WIDE[number];
  if (halves !== undefined) return read(halves[0]) | (read(halves[1]) << 32n);
  const row = ROWS.get(number);
  return row === undefined || row.isWriteOnly === true ? null : read(offsetOf(number));
}

/** False is #GP(0), and nothing has changed. */
export function writeLapicMsr(apic: Apic, number: number, value: bigint, now: Cycles): boolean {
  if (number !== TSC_DEADLINE && !isX2apic(apic.state)) return false;
  const halves = WIDE[number];
  const low = Number(value & 0xffff_ffffn);
  if (halves !== undefined) {
    if (number === ICR && (low & ~ICR_BITS) !== 0) return false;
    // What the low half starts needs the high one.
    apic.write(halves[1], 4, Number(value >> 32n), now);
    apic.write(halves[0], 4, low, now);
    return true;
  }
  const writable = ROWS.get(number)?.writable;
  if (writable === undefined || (value & ~BigInt(writable)) !== 0n) return false;
  apic.write(offsetOf(number), 4, low, now);
  return true;
}
