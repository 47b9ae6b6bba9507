/**
 * The I/O APIC: 24 pins, each with a redirection entry that says what message its interrupt is. Intel 82093AA data sheet,
 * "Register Description" and "Interrupt Delivery"; EOI register and version 20h: Intel I/O Controller Hub 10 data sheet,
 * "APIC Registers".
 * Not modelled: delivery status (messages take no time), arbitration, and the polarity of pins: an input says whether its
 * pin is asserted, at whatever voltage, so INTPOL is kept and means nothing.
 */

import type { Chip } from "./chip.ts";
import { deliveryModeOf, type InterruptMessage } from "./interrupt-message.ts";

export interface Ioapic {
  /** IOREGSEL. */
  index: number;
  id: number;
  /** The redirection table: bits 0 to 31, and 32 to 63. */
  low: number[];
  high: number[];
  /** Pins that are asserted. */
  lines: number;
  messages: InterruptMessage[];
}

export const IOAPIC_PINS = 24;

/** The input `eoi` takes the vector of an EOI message of a local APIC. */
export const ioapic: Chip<Ioapic, never> = {
  name: "ioapic",
  cites: "Intel 82093AA data sheet, Register Description, Interrupt Delivery",
  powerOn: () => ({
    index: 0,
    id: 0,
    low: Array.from({ length: IOAPIC_PINS }, () => MASKED),
    high: Array.from({ length: IOAPIC_PINS }, () => 0),
    lines: 0,
    messages: [],
  }),
  registers: {
    IOREGSEL: { at: 0, size: 4, read: (s) => s.index, write: select },
    IOWIN: { at: 0x10, size: 4, read: readWindow, write: writeWindow },
    EOI: { at: 0x40, size: 4, write: (s, value) => endOfInterrupt(s, value & 0xff) },
  },
  inputs: { eoi: (s, vector) => endOfInterrupt(s, vector & 0xff), ...pins() },
  wires: () => ({}),
  messages: (s) => (s.messages.length === 0 ? s.messages : s.messages.splice(0)),
  deadline: () => null,
  advance: () => {},
};

const VERSION = 0x20;

const LOGICAL = 0x800;
const REMOTE_IRR = 0x4000;
const LEVEL = 0x8000;
const MASKED = 0x1_0000;
/** Delivery status and remote IRR are read-only. */
const WRITABLE = 0x1_afff;

/** Only interrupts with a vector of their own can be levels. */
export const isLevelTriggered = (entry: number): boolean =>
  (entry & LEVEL) !== 0 && ((entry >> 8) & 7) <= 1;

const isAsserted = (s: Ioapic, pin: number): boolean => ((s.lines >> pin) & 1) === 1;
const entryOf = (s: Ioapic, pin: number): number => s.low[pin] as number;

// Pins

/** INTIN0 to INTIN23. */
function pins(): Chip<Ioapic>["inputs"] {
  const inputs: Record<string, Chip<Ioapic>["inputs"][string]> = {};
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1)
    inputs[`intin${pin}`] = (s, level) => setPin(s, pin, level);
  return inputs;
}

/** An edge on a masked pin is lost. */
export function setPin(s: Ioapic, pin: number, level: number): void {
  const isRising = level !== 0 && !isAsserted(s, pin);
  s.lines = level === 0 ? s.lines & ~(1 << pin) : s.lines | (1 << pin);
  const entry = entryOf(s, pin);
  if (isLevelTriggered(entry)) sendLevel(s, pin);
  else if (isRising && (entry & MASKED) === 0) send(s, pin);
}

/** A level is sent once, and again after its EOI. */
function sendLevel(s: Ioapic, pin: number): void {
  const entry = entryOf(s, pin);
  if (!isLevelTriggered(entry) || (entry & (MASKED | REMOTE_IRR)) !== 0) return;
  if (!isAsserted(s, pin)) return;
  s.low[pin] = entry | REMOTE_IRR;
  send(s, pin);
}

function send(s: Ioapic, pin: number): void {
  const entry = entryOf(s, pin);
  const deliveryMode = deliveryModeOf(entry);
  if (deliveryMode === null) return;
  s.messages.push({
    destination: (s.high[pin] as number) >>> 24,
    destinationMode: (entry & LOGICAL) === 0 ? "physical" : "logical",
    shorthand: "none",
    deliveryMode,
    vector: entry & 0xff,
    triggerMode: isLevelTriggered(entry) ? "level" : "edge",
    assert: true,
  });
}

function endOfInterrupt(s: Ioapic, vector: number): void {
  for (let pin = 0; pin < IOAPIC_PINS; pin += 1) {
    const entry = entryOf(s, pin);
    if ((entry & REMOTE_IRR) === 0 || (entry & 0xff) !== vector) continue;
    s.low[pin] = entry & ~REMOTE_IRR;
    sendLevel(s, pin);
  }
}

// Registers

const ID = 0;
const VERSION_REGISTER = 1;
const ARBITRATION = 2;
const TABLE = 0x10;

const isTable = (index: number): boolean => index >= TABLE && index < TABLE + 2 * IOAPIC_PINS;

function select(s: Ioapic, value: number): void {
  s.index = value & 0xff;
}

function readWindow(s: Ioapic): number {
  const { index } = s;
  if (isTable(index)) {
    const pin = (index - TABLE) >> 1;
    return (index & 1) === 0 ? entryOf(s, pin) : (s.high[pin] as number);
  }
  if (index === ID || index === ARBITRATION) return s.id << 24;
  return index === VERSION_REGISTER ? ((IOAPIC_PINS - 1) << 16) | VERSION : 0;
}

function writeWindow(s: Ioapic, value: number): void {
  const { index } = s;
  if (index === ID) s.id = (value >>> 24) & 15;
  if (!isTable(index)) return;
  const pin = (index - TABLE) >> 1;
  if ((index & 1) === 0) writeEntry(s, pin, value);
  else s.high[pin] = (value & 0xff00_0000) >>> 0;
}

/** What becomes an edge has nothing in service: so software ends an interrupt that no EOI reaches. */
function writeEntry(s: Ioapic, pin: number, value: number): void {
  const remoteIrr = (value & LEVEL) === 0 ? 0 : entryOf(s, pin) & REMOTE_IRR;
  s.low[pin] = (value & WRITABLE) | remoteIrr;
  sendLevel(s, pin);
}
