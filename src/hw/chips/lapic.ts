/**
 * The local APIC, as xAPIC and x2APIC. SDM Vol. 3, "Advanced Programmable Interrupt Controller (APIC)". Offsets are those
 * of the memory-mapped page; lapic-msr.ts has the same registers as MSRs, lapic-bus.ts says who a message is for.
 * Not modelled: the illegal register address error, remote reads, focus processors, CMCI.
 */

import type { Cycles } from "../../sim/time.ts";
import { hasBit, highestBit, noBits, setBit } from "./bits256.ts";
import type { Chip, Register } from "./chip.ts";
import type { BusMessage } from "./interrupt-message.ts";
import { ICR_BITS, type Ipi, ipi, selfIpi } from "./lapic-icr.ts";
import { arbitrationPriority, type LapicPriority, processorPriority } from "./lapic-priority.ts";
import {
  advanceTimer,
  armTscDeadline,
  currentCount,
  type LapicTimer,
  TIMER_STOPPED,
  writeDivideConfiguration,
  writeInitialCount,
  writeLvtTimer,
  writeTscDeadline,
} from "./lapic-timer.ts";

type Lvt = "lvtTimer" | "lvtThermal" | "lvtPerformance" | "lvtLint0" | "lvtLint1" | "lvtError";

export interface Lapic extends LapicTimer, LapicPriority, Record<Lvt, number> {
  /** The x2APIC ID; its low 8 bits are the xAPIC ID, unless that was written: -1 when it was not. */
  id: number;
  xapicId: number;
  /** IA32_APIC_BASE. */
  base: number;
  ldr: number;
  dfr: number;
  svr: number;
  tmr: number[];
  /** Errors since ESR was written last. */
  errors: number;
  esr: number;
  icrLow: number;
  icrHigh: number;
  /** The levels of the pins. */
  lint0: number;
  lint1: number;
  /** An ExtINT message has come and was not acknowledged. */
  isExtIntPending: boolean;
  /** For the CPU: LAPIC_EVENT, and the vector of a startup IPI in bits 8 to 15. */
  events: number;
  messages: BusMessage[];
}

/** As PENDING of a CPU; SMI beside them. */
export const LAPIC_EVENT = { nmi: 1, init: 2, startup: 4, smi: 8 } as const;
/** The acknowledge of an interrupt that an external controller has to give the vector of. */
export const EXTINT = 0x100;

/** Of all registers that both modes have. */
const when = isEnabled;

/**
 * The wire `event` says that the CPU has something to fetch by `take`, the wire `intr` that `inta` will give a vector, or
 * EXTINT, `requested` that a vector waits, held back or not. `base` is IA32_APIC_BASE, `cr8` a write of CR8, which reads
 * as bits 7 to 4 of TPR.
 */
export const lapic: Chip<Lapic, "intr" | "event" | "requested"> = {
  name: "lapic",
  cites: "SDM Vol. 3, Advanced Programmable Interrupt Controller (APIC)",
  powerOn: () => ({
    id: 0,
    xapicId: -1,
    base: 0xfee0_0800,
    tscHigh: 0,
    tscLow: 0,
    lint0: 0,
    lint1: 0,
    events: 0,
    messages: [],
    ...reset(),
  }),
  registers: {
    "Local APIC ID": { at: 0x20, size: 4, when, read: readId, write: writeId },
    "Local APIC Version": { at: 0x30, size: 4, when, read: () => LAPIC_VERSION },
    TPR: { at: 0x80, size: 4, when, read: (s) => s.tpr, write: writeTpr },
    APR: { at: 0x90, size: 4, when: isXapic, read: arbitrationPriority },
    PPR: { at: 0xa0, size: 4, when, read: processorPriority },
    EOI: { at: 0xb0, size: 4, when, write: endOfInterrupt },
    LDR: { at: 0xd0, size: 4, when, read: logicalId, write: writeLdr },
    DFR: { at: 0xe0, size: 4, when: isXapic, read: (s) => s.dfr, write: writeDfr },
    SVR: { at: 0xf0, size: 4, when, read: (s) => s.svr, write: writeSvr },
    ...vectors("ISR", 0x100, "isr"),
    ...vectors("TMR", 0x180, "tmr"),
    ...vectors("IRR", 0x200, "irr"),
    ESR: { at: 0x280, size: 4, when, read: (s) => s.esr, write: writeEsr },
    "ICR low": { at: 0x300, size: 4, when, read: (s) => s.icrLow, write: writeIcr },
    "ICR high": { at: 0x310, size: 4, when, read: (s) => s.icrHigh, write: writeIcrHigh },
    "LVT Timer": lvt(0x320, "lvtTimer"),
    "LVT Thermal Sensor": lvt(0x330, "lvtThermal"),
    "LVT Performance Monitoring Counters": lvt(0x340, "lvtPerformance"),
    "LVT LINT0": lvt(0x350, "lvtLint0"),
    "LVT LINT1": lvt(0x360, "lvtLint1"),
    "LVT Error": lvt(0x370, "lvtError"),
    "Initial Count": {
      at: 0x380,
      size: 4,
      when,
      read: (s) => s.initialCount,
      write: writeInitialCount,
    },
    "Current Count": { at: 0x390, size: 4, when, read: currentCount },
    "Divide Configuration": {
      at: 0x3e0,
      size: 4,
      when,
      read: (s) => s.divideConfiguration,
      write: writeDivideConfiguration,
    },
    "SELF IPI": { at: 0x3f0, size: 4, when: isX2apic, write: (s, v) => send(s, selfIpi(v)) },
    // Behind the page, where only the MSR finds it.
    "IA32_TSC_DEADLINE low": {
      at: 0x1000,
      size: 4,
      read: (s) => s.deadlineLow,
      write: (s, value, now) => {
        writeTscDeadline(s, value, now);
        expire(s, now);
      },
    },
    "IA32_TSC_DEADLINE high": {
      at: 0x1004,
      size: 4,
      read: (s) => s.deadlineHigh,
      write: (s, value) => {
        s.deadlineHigh = value;
      },
    },
  },
  inputs: {
    inta: (s) => acknowledge(s),
    take: takeEvents,
    cr8: (s, value) => {
      // What was written through the page may have more bits.
      if (s.tpr >> 4 !== (value & 15)) s.tpr = (value & 15) << 4;
    },
    base: setBase,
    id: (s, value) => {
      s.id = value >>> 0;
    },
    tscHigh: (s, value) => {
      s.tscHigh = value >>> 0;
    },
    tscLow: (s, value, now) => {
      s.tscLow = value >>> 0;
      armTscDeadline(s, now);
      expire(s, now);
    },
    lint0: (s, level) => setPin(s, "lint0", "lvtLint0", level),
    lint1: (s, level) => setPin(s, "lint1", "lvtLint1", level),
    thermal: (s) => signal(s, "lvtThermal"),
    performance: (s) => signal(s, "lvtPerformance"),
    /** Messages that have come: a vector, with 100h of a level-triggered one. */
    fixed: (s, value) => {
      if (isSoftwareEnabled(s)) accept(s, value & 0xff, (value & 0x100) !== 0);
    },
    extint: (s) => {
      if (isSoftwareEnabled(s)) s.isExtIntPending = true;
    },
    nmi: (s) => happen(s, LAPIC_EVENT.nmi),
    smi: (s) => happen(s, LAPIC_EVENT.smi),
    init: (s) => happen(s, LAPIC_EVENT.init),
    startup: (s, vector) => happen(s, LAPIC_EVENT.startup | ((vector & 0xff) << 8)),
  },
  wires: (s) => ({
    intr: isExtIntAsserted(s) || pending(s) >= 0,
    event: s.events !== 0,
    requested: highestBit(s.irr) >= 0,
  }),
  messages: (s) => (s.messages.length === 0 ? s.messages : s.messages.splice(0)),
  deadline: (s) => (isExpirySeen(s) ? s.timerDue : null),
  advance: expire,
};

const MASKED = 0x1_0000;
const ENABLED = 0x100;
const EOI_SUPPRESSED = 0x1000;
/** Version 14h, six LVT entries, EOI broadcasts can be suppressed. */
export const LAPIC_VERSION = 0x0105_0014;

/** What a reset and an INIT set; the APIC ID, IA32_APIC_BASE and what others drive stay. */
function reset() {
  return {
    tpr: 0,
    ldr: 0,
    dfr: 0xffff_ffff,
    svr: 0xff,
    isr: noBits(),
    tmr: noBits(),
    irr: noBits(),
    errors: 0,
    esr: 0,
    icrLow: 0,
    icrHigh: 0,
    lvtTimer: MASKED,
    lvtThermal: MASKED,
    lvtPerformance: MASKED,
    lvtLint0: MASKED,
    lvtLint1: MASKED,
    lvtError: MASKED,
    ...TIMER_STOPPED,
    isExtIntPending: false,
  };
}

// Modes

const modeBits = ({ base }: Lapic): number => (base % 0x1000) & 0xc00;
function isEnabled(s: Lapic): boolean {
  return (modeBits(s) & 0x800) !== 0;
}

export function isXapic(s: Lapic): boolean {
  return modeBits(s) === 0x800;
}

export function isX2apic(s: Lapic): boolean {
  return modeBits(s) === 0xc00;
}

/** Enabled in IA32_APIC_BASE and in SVR: what is not, takes no interrupts from the bus but NMI, SMI, INIT and startup. */
export function isSoftwareEnabled(s: Lapic): boolean {
  return isEnabled(s) && (s.svr & ENABLED) !== 0;
}

/** Turned off, the registers are lost. */
function setBase(s: Lapic, value: number): void {
  s.base = value;
  if (!isEnabled(s)) Object.assign(s, reset(), { xapicId: -1 });
}

export function xapicId({ id, xapicId: written }: Readonly<Lapic>): number {
  return written < 0 ? id & 0xff : written;
}

function readId(s: Lapic): number {
  return isX2apic(s) ? s.id : xapicId(s) * 0x100_0000;
}

/** Processors differ in whether they let it be written. */
function writeId(s: Lapic, value: number): void {
  if (isXapic(s)) s.xapicId = value >>> 24;
}

/** In x2APIC mode it follows from the ID. */
export function logicalId(s: Lapic): number {
  return isX2apic(s) ? (((s.id >>> 4) << 16) | (1 << (s.id & 15))) >>> 0 : s.ldr;
}

function writeLdr(s: Lapic, value: number): void {
  if (isXapic(s)) s.ldr = (value & 0xff00_0000) >>> 0;
}

function writeDfr(s: Lapic, value: number): void {
  s.dfr = (value | 0x0fff_ffff) >>> 0;
}

function writeTpr(s: Lapic, value: number): void {
  s.tpr = value & 0xff;
}

/** Disabling masks all LVT entries. */
function writeSvr(s: Lapic, value: number): void {
  s.svr = value & 0x13ff;
  if (isSoftwareEnabled(s)) return;
  for (const name of Object.keys(LVT_BITS) as Lvt[]) s[name] |= MASKED;
}

function vectors(name: string, at: number, field: "isr" | "tmr" | "irr") {
  const rows: Record<string, Register<Lapic>> = {};
  for (let i = 0; i < 8; i += 1) {
    const read = (s: Lapic): number => s[field][i] as number;
    rows[`${name} ${32 * i + 31}:${32 * i}`] = { at: at + 16 * i, size: 4, when, read };
  }
  return rows;
}

// Priorities

/** The vector that is to be delivered next; -1 for none. */
function pending(s: Lapic): number {
  const vector = highestBit(s.irr);
  return vector >> 4 > processorPriority(s) >> 4 ? vector : -1;
}

function accept(s: Lapic, vector: number, isLevel: boolean): void {
  if (vector < 16) {
    fail(s, RECEIVE_ILLEGAL_VECTOR);
    return;
  }
  setBit(s.irr, vector);
  setBit(s.tmr, vector, isLevel);
}

/** INTA. An interrupt that is gone, or held back by now, is spurious: its vector is SVR's, and nothing is in service. */
function acknowledge(s: Lapic): number {
  if (isExtIntAsserted(s)) {
    s.isExtIntPending = false;
    return EXTINT;
  }
  const vector = pending(s);
  if (vector < 0) return s.svr & 0xff;
  setBit(s.irr, vector, false);
  setBit(s.isr, vector);
  return vector;
}

function endOfInterrupt(s: Lapic): void {
  const vector = highestBit(s.isr);
  if (vector < 0) return;
  setBit(s.isr, vector, false);
  if (!hasBit(s.tmr, vector)) return;
  if ((s.svr & EOI_SUPPRESSED) === 0) s.messages.push({ eoi: vector });
  for (const [pin, entry] of PINS) {
    if ((s[entry] & 0xff) !== vector) continue;
    s[entry] &= ~REMOTE_IRR;
    raiseLevel(s, pin, entry);
  }
}

function happen(s: Lapic, event: number): void {
  if (!isEnabled(s)) return;
  // The vector of a startup IPI is that of the last.
  if ((event & LAPIC_EVENT.startup) !== 0) s.events &= 0xff;
  if (event === LAPIC_EVENT.init) {
    // A startup IPI that came before is lost.
    s.events &= LAPIC_EVENT.nmi | LAPIC_EVENT.smi;
    Object.assign(s, reset());
  }
  s.events |= event;
}

function takeEvents(s: Lapic): number {
  const { events } = s;
  s.events = 0;
  return events;
}

// Errors

const SEND_ILLEGAL_VECTOR = 0x20;
const RECEIVE_ILLEGAL_VECTOR = 0x40;

function fail(s: Lapic, error: number): void {
  s.errors |= error;
  // An error entry that is itself wrong is no reason for another.
  if ((s.lvtError & 0xff) >= 16) signal(s, "lvtError");
}

function writeEsr(s: Lapic): void {
  s.esr = s.errors;
  s.errors = 0;
}

// The local vector table

/** Bits that can be written: vector, mode, polarity, trigger mode, mask, timer mode. */
export const LVT_BITS: Readonly<Record<Lvt, number>> = {
  lvtTimer: 0x7_00ff,
  lvtThermal: 0x1_07ff,
  lvtPerformance: 0x1_07ff,
  lvtLint0: 0x1_a7ff,
  lvtLint1: 0x1_a7ff,
  lvtError: 0x1_00ff,
};

type Pin = "lint0" | "lint1";
type PinLvt = "lvtLint0" | "lvtLint1";
const PINS = [
  ["lint0", "lvtLint0"],
  ["lint1", "lvtLint1"],
] as const;

const REMOTE_IRR = 0x4000;
const LEVEL = 0x8000;
const FIXED = 0;
const EXTINT_MODE = 7;

const modeOf = (entry: number): number => (entry >> 8) & 7;

function lvt(at: number, name: Lvt): Register<Lapic> {
  return {
    at,
    size: 4,
    when,
    read: (s) => s[name],
    write: (s, value) => writeLvt(s, name, value),
  };
}

function writeLvt(s: Lapic, name: Lvt, value: number): void {
  const remoteIrr = (value & LEVEL) === 0 ? 0 : s[name] & REMOTE_IRR;
  const mask = isSoftwareEnabled(s) ? 0 : MASKED;
  const entry = (value & LVT_BITS[name]) | remoteIrr | mask;
  if (name === "lvtTimer") {
    writeLvtTimer(s, entry);
    return;
  }
  s[name] = entry;
  for (const [pin, pinEntry] of PINS) if (name === pinEntry) raiseLevel(s, pin, pinEntry);
}

/** An edge of what the entry is for. */
function signal(s: Lapic, name: Lvt): void {
  const entry = s[name];
  if ((entry & MASKED) !== 0) return;
  switch (modeOf(entry)) {
    case FIXED:
      accept(s, entry & 0xff, false);
      return;
    case 2:
      happen(s, LAPIC_EVENT.smi);
      return;
    case 4:
      happen(s, LAPIC_EVENT.nmi);
      return;
    case 5:
      happen(s, LAPIC_EVENT.init);
      return;
    default:
  }
}

const isActive = (s: Lapic, pin: Pin, entry: PinLvt): boolean =>
  (s[pin] !== 0) !== ((s[entry] & 0x2000) !== 0);

const isLevelTriggered = (entry: number): boolean =>
  (entry & LEVEL) !== 0 && modeOf(entry) === FIXED;

/** A level is requested again when it is still there after its EOI. */
function raiseLevel(s: Lapic, pin: Pin, name: PinLvt): void {
  const entry = s[name];
  if (!isLevelTriggered(entry) || (entry & (MASKED | REMOTE_IRR)) !== 0) return;
  if (!isActive(s, pin, name)) return;
  if ((entry & 0xff) >= 16) s[name] |= REMOTE_IRR;
  accept(s, entry & 0xff, true);
}

function setPin(s: Lapic, pin: Pin, name: PinLvt, level: number): void {
  const before = isActive(s, pin, name);
  const wasHigh = s[pin] !== 0;
  s[pin] = level === 0 ? 0 : 1;
  if (!isEnabled(s)) {
    // Without a local APIC the pins are INTR and NMI.
    if (pin === "lint1" && s.lint1 === 1 && !wasHigh) s.events |= LAPIC_EVENT.nmi;
    return;
  }
  if (isLevelTriggered(s[name])) raiseLevel(s, pin, name);
  else if (isActive(s, pin, name) && !before) signal(s, name);
}

function isExtIntAsserted(s: Lapic): boolean {
  if (!isEnabled(s)) return s.lint0 === 1;
  return (
    s.isExtIntPending ||
    PINS.some(
      ([pin, name]) =>
        modeOf(s[name]) === EXTINT_MODE && (s[name] & MASKED) === 0 && isActive(s, pin, name),
    )
  );
}

// The timer

function expire(s: Lapic, now: Cycles): void {
  if (advanceTimer(s, now)) signal(s, "lvtTimer");
}

/** Whether a wire can change when the timer expires: not while its interrupt is requested already. */
function isExpirySeen(s: Lapic): boolean {
  if (s.timerDue < 0 || (s.lvtTimer & MASKED) !== 0) return false;
  const vector = s.lvtTimer & 0xff;
  if (vector >= 16) return !hasBit(s.irr, vector);
  const isErrorSeen = (s.lvtError & MASKED) === 0 && (s.lvtError & 0xff) >= 16;
  return isErrorSeen && !hasBit(s.irr, s.lvtError & 0xff);
}

// Interprocessor interrupts

function writeIcrHigh(s: Lapic, value: number): void {
  s.icrHigh = isX2apic(s) ? value : (value & 0xff00_0000) >>> 0;
}

/** Writing the low half sends. */
function writeIcr(s: Lapic, value: number): void {
  s.icrLow = value & ICR_BITS;
  send(s, ipi(value, isX2apic(s) ? s.icrHigh : s.icrHigh >>> 24));
}

function send(s: Lapic, message: Ipi): void {
  if (message === "illegal vector") fail(s, SEND_ILLEGAL_VECTOR);
  else if (message !== null) s.messages.push(message);
}
