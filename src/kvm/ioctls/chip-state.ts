/** The chips of the module as user space saves and loads them: Linux UAPI, arch/x86/include/uapi/asm/kvm.h. */

import type { PlacedChip } from "../../hw/boards/placed-chip.ts";
import { PLACES } from "../../hw/boards/places.ts";
import type { I8254 } from "../../hw/chips/i8254.ts";
import { elcrMask, type I8259 } from "../../hw/chips/i8259.ts";
import { type Ioapic, IOAPIC_PINS } from "../../hw/chips/ioapic.ts";
import type { ValueOf } from "./ioctl.ts";
import type { kvm_pit_state2 } from "./structures.ts";

const UNION_BYTES = 512;
const ICW1 = 0x10;
const [INIT4, AEOI, SFNM, MODE_8086] = [1, 2, 0x10, 1] as const;
const INITIALIZED = 1;
/** The slave is at input 2 of the master. */
const CASCADE = { master: 4, slave: 2 } as const;

/** struct kvm_pic_state: sixteen bytes. */
export function picState(s: I8259): readonly number[] {
  const bit = (value: boolean): number => (value ? 1 : 0);
  const bytes = [
    s.lines,
    s.irr,
    s.imr,
    s.isr,
    (s.lowest + 1) & 7,
    s.icw2 & 0xf8,
    bit(s.isIsrRead),
    bit(s.isPoll),
    bit(s.isSpecialMask),
    s.nextIcw === INITIALIZED ? 0 : s.nextIcw - 1,
    bit((s.icw4 & AEOI) !== 0),
    bit(s.isRotateOnAeoi),
    bit((s.icw4 & SFNM) !== 0),
    s.icw1 & INIT4,
    s.elcr,
    elcrMask(s),
  ];
  return [...bytes, ...new Uint8Array(UNION_BYTES - bytes.length)];
}

export function setPicState(s: I8259, bytes: readonly number[]): void {
  const at = (i: number): number => bytes[i] ?? 0;
  const isSet = (i: number): boolean => at(i) !== 0;
  Object.assign(s, {
    lines: at(0),
    irr: at(1),
    imr: at(2),
    isr: at(3),
    lowest: (at(4) + 7) & 7,
    icw1: ICW1 | (at(13) & INIT4),
    icw2: at(5) & 0xf8,
    icw3: s.sp === 1 ? CASCADE.master : CASCADE.slave,
    icw4: MODE_8086 | (isSet(10) ? AEOI : 0) | (isSet(12) ? SFNM : 0),
    isIsrRead: isSet(6),
    isPoll: isSet(7),
    isSpecialMask: isSet(8),
    nextIcw: (at(9) & 3) + 1,
    isRotateOnAeoi: isSet(11),
    elcr: at(14) & elcrMask(s),
  } satisfies Partial<I8259>);
}

const ALL_PINS = 0xff_ffff;
/** Where struct kvm_ioapic_state has its parts. */
const IOAPIC = { base: 0, select: 8, id: 12, irr: 16, table: 24 } as const;

export function ioapicState(s: Ioapic): readonly number[] {
  const bytes = new Uint8Array(UNION_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(IOAPIC.base, PLACES.ioapic, true);
  view.setUint32(IOAPIC.select, s.index, true);
  view.setUint32(IOAPIC.id, s.id, true);
  view.setUint32(IOAPIC.irr, s.lines, true);
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1) {
    view.setUint32(IOAPIC.table + 8 * pin, s.low[pin] as number, true);
    view.setUint32(IOAPIC.table + 8 * pin + 4, s.high[pin] as number, true);
  }
  return [...bytes];
}

/** Of each entry the bits that there are. */
const [LOW_BITS, HIGH_BITS] = [0x1_efff, 0xff00_0000] as const;

export function setIoapicState(s: Ioapic, bytes: readonly number[]): void {
  const view = new DataView(Uint8Array.from(bytes).buffer);
  s.index = view.getUint32(IOAPIC.select, true) & 0xff;
  s.id = view.getUint32(IOAPIC.id, true) & 15;
  s.lines = view.getUint32(IOAPIC.irr, true) & ALL_PINS;
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1) {
    s.low[pin] = view.getUint32(IOAPIC.table + 8 * pin, true) & LOW_BITS;
    s.high[pin] = (view.getUint32(IOAPIC.table + 8 * pin + 4, true) & HIGH_BITS) >>> 0;
  }
}

type PitState = ValueOf<typeof kvm_pit_state2>;
const WHOLE = 0x1_0000;
const CONTROL = 3;
const BOTH_BYTES = 3;

export function pitState({ counters }: I8254): PitState {
  return {
    channels: counters.map((counter) => ({
      count: counter.cr === 0 ? WHOLE : counter.cr,
      latched_count: Math.max(0, counter.latch),
      count_latched: counter.latch < 0 ? 0 : counter.rw,
      status_latched: counter.latchedStatus < 0 ? 0 : 1,
      status: Math.max(0, counter.latchedStatus),
      read_state: counter.isHighNext ? 4 : counter.rw,
      write_state: counter.firstByte < 0 ? counter.rw : 4,
      write_latch: Math.max(0, counter.firstByte),
      rw_mode: counter.rw,
      mode: counter.modeBits > 5 ? counter.modeBits - 4 : counter.modeBits,
      bcd: counter.bcd,
      gate: counter.gate,
      count_load_time: 0n,
    })),
    flags: 0,
  };
}

/** A control word for each counter, and what it counts from. */
export function setPitState(timer: PlacedChip<I8254>, { channels }: PitState): void {
  for (const [number, { count, mode, bcd, rw_mode: rw }] of channels.entries()) {
    const control = (number << 6) | ((mode & 7) << 1) | (bcd & 1);
    timer.write(CONTROL, 1, control | (BOTH_BYTES << 4));
    timer.write(number, 1, count & 0xff);
    timer.write(number, 1, (count >> 8) & 0xff);
    timer.act(({ counters }) => {
      const counter = counters[number];
      if (counter !== undefined && (rw & 3) !== 0) counter.rw = rw & 3;
    });
  }
}
