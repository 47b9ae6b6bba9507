/** The chips of the module as user space saves and loads them: Linux UAPI, arch/x86/include/uapi/asm/kvm.h. */

import { PLACES } from "../../hw/boards/places.ts";
import { beginAnew, type CounterSetting, type I8254 } from "../../hw/chips/i8254.ts";
import { elcrMask, type I8259 } from "../../hw/chips/i8259.ts";
import { type Ioapic, IOAPIC_PINS, isLevelTriggered, setPin } from "../../hw/chips/ioapic.ts";
import type { Port61 } from "../../hw/chips/port61.ts";
import type { Cycles } from "../../sim/time.ts";
import type { Pit } from "../irqchip/pit.ts";
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
  view.setUint32(IOAPIC.irr, levelsOf(s), true);
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1) {
    view.setUint32(IOAPIC.table + 8 * pin, s.low[pin] as number, true);
    view.setUint32(IOAPIC.table + 8 * pin + 4, s.high[pin] as number, true);
  }
  return [...bytes];
}

/** What an edge was sent for is not sent again. */
const levelsOf = (s: Ioapic): number =>
  s.low.reduce((all, entry, pin) => all | (isLevelTriggered(entry) ? s.lines & (1 << pin) : 0), 0);

/** Of each entry the bits that there are. */
const [LOW_BITS, HIGH_BITS] = [0x1_efff, 0xff00_0000] as const;

export function setIoapicState(s: Ioapic, bytes: readonly number[]): void {
  const view = new DataView(Uint8Array.from(bytes).buffer);
  s.index = view.getUint32(IOAPIC.select, true) & 0xff;
  s.id = view.getUint32(IOAPIC.id, true) & 15;
  s.lines = 0;
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1) {
    s.low[pin] = view.getUint32(IOAPIC.table + 8 * pin, true) & LOW_BITS;
    s.high[pin] = (view.getUint32(IOAPIC.table + 8 * pin + 4, true) & HIGH_BITS) >>> 0;
  }
  // What waits is sent: Linux, arch/x86/kvm/ioapic.c, kvm_ioapic_inject_all.
  const lines = view.getUint32(IOAPIC.irr, true) & ALL_PINS;
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1) if (((lines >> pin) & 1) === 1) setPin(s, pin, 1);
}

type PitState = ValueOf<typeof kvm_pit_state2>;
const WHOLE = 0x1_0000;
/** RW_STATE_*, of the next access: the high byte, and of two bytes the second. */
const [HIGH, SECOND] = [2, 4] as const;
const BOTH_BYTES = 3;
/** KVM_PIT_FLAGS_SPEAKER_DATA_ON, and where port 61h has it. */
const [SPEAKER_FLAG, GATE_BIT, SPEAKER_BIT] = [2, 1, 2] as const;

export function pitState({ counters }: I8254, { control }: Port61): PitState {
  return {
    channels: counters.map((counter) => ({
      count: counter.cr === 0 ? WHOLE : counter.cr,
      latched_count: Math.max(0, counter.latch),
      count_latched: latchedBytes(counter),
      status_latched: counter.latchedStatus < 0 ? 0 : 1,
      status: Math.max(0, counter.latchedStatus),
      read_state: counter.isHighNext ? SECOND : counter.rw,
      write_state: counter.firstByte < 0 ? counter.rw : SECOND,
      write_latch: Math.max(0, counter.firstByte),
      rw_mode: counter.rw,
      mode: counter.modeBits > 5 ? counter.modeBits - 4 : counter.modeBits,
      bcd: counter.bcd,
      gate: counter.gate,
      count_load_time: 0n,
    })),
    flags: (control & SPEAKER_BIT) === 0 ? 0 : SPEAKER_FLAG,
  };
}

/** What is still to be read of a latched count; 0 of none. */
function latchedBytes({ latch, rw, isHighNext }: I8254["counters"][number]): number {
  if (latch < 0) return 0;
  return rw === BOTH_BYTES && isHighNext ? HIGH : rw;
}

/** Each counter begins anew; the gate of the third, and the speaker, are port 61h's. */
export function setPitState({ timer, speaker }: Pit, state: PitState, now: Cycles): void {
  const { channels, flags } = state;
  const gate = (channels[2]?.gate ?? 0) === 0 ? 0 : GATE_BIT;
  speaker.act((s) => {
    s.control = gate | ((flags & SPEAKER_FLAG) === 0 ? 0 : SPEAKER_BIT);
  });
  timer.act((s) => {
    for (const [number, channel] of channels.entries())
      beginAnew(s, number, settingOf(channel), now);
  });
}

function settingOf(channel: PitState["channels"][number]): CounterSetting {
  const rw = channel.rw_mode & 3 || BOTH_BYTES;
  const isBoth = rw === BOTH_BYTES;
  const isLatched = channel.count_latched !== 0;
  const isSecond = isLatched ? channel.count_latched === HIGH : channel.read_state === SECOND;
  return {
    modeBits: channel.mode & 7,
    bcd: channel.bcd & 1,
    rw,
    cr: channel.count & 0xffff,
    firstByte: isBoth && channel.write_state === SECOND ? channel.write_latch : -1,
    isHighNext: isBoth && isSecond,
    latch: isLatched ? channel.latched_count : -1,
    latchedStatus: channel.status_latched === 0 ? -1 : channel.status,
  };
}
