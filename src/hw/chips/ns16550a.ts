/**
 * The serial port: one UART with FIFOs of 16 bytes. PC16550D data sheet (National Semiconductor, 1995), "Registers".
 * Sending takes no time: a guest that polls LSR would else spend 87,000 cycles on each byte of a log at 115,200 baud,
 * and no virtual machine's console makes it wait. The receive timeout is of the programmed baud rate.
 * Not modelled: parity and framing of what is sent, break, DMA modes.
 */

import type { Cycles } from "../../sim/time.ts";
import { type Chip, stored } from "./chip.ts";

export interface Ns16550a {
  ier: number;
  fcr: number;
  lcr: number;
  mcr: number;
  scr: number;
  dll: number;
  dlm: number;
  /** Received and not read yet. */
  rx: number[];
  /** Sent and not taken yet by the other end of the line. */
  tx: number[];
  hasOverrun: boolean;
  /** The transmitter holding register has become empty, and IIR was not read since. */
  isThrePending: boolean;
  /** CTS, DSR, RI and DCD of the line, as bits 4 to 7 of MSR. */
  lines: number;
  /** Bits 0 to 3 of MSR. */
  deltas: number;
  /** When something was last received or read. */
  rxTime: Cycles;
}

const DLAB = 0x80;
const data = (s: Ns16550a): boolean => (s.lcr & DLAB) === 0;
const divisor = (s: Ns16550a): boolean => (s.lcr & DLAB) !== 0;

/** Input `rx` receives a byte; `take` takes the next byte sent, or -1, while the wire `tx` says that there is one. */
export const ns16550a: Chip<Ns16550a, "intr" | "dtr" | "rts" | "out1" | "out2" | "tx"> = {
  name: "ns16550a",
  cites: "PC16550D data sheet (National Semiconductor, 1995), Registers",
  powerOn: () => ({ ...POWER_ON, rx: [], tx: [] }),
  registers: {
    RBR: { at: 0, when: data, read: takeReceived },
    THR: { at: 0, when: data, write: send },
    DLL: { at: 0, when: divisor, ...stored("dll") },
    IER: { at: 1, when: data, read: (s) => s.ier, write: enableInterrupts },
    DLM: { at: 1, when: divisor, ...stored("dlm") },
    IIR: { at: 2, read: identify },
    FCR: { at: 2, write: controlFifos },
    LCR: { at: 3, ...stored("lcr") },
    MCR: { at: 4, read: (s) => s.mcr, write: controlModem },
    LSR: { at: 5, read: readLineStatus },
    MSR: { at: 6, read: readModemStatus },
    SCR: { at: 7, ...stored("scr") },
  },
  inputs: {
    rx: (s, byte, now) => {
      if ((s.mcr & LOOP) === 0) receive(s, byte & 0xff, now);
    },
    take: (s) => s.tx.shift() ?? -1,
    cts: (s, level) => setLine(s, CTS, level),
    dsr: (s, level) => setLine(s, DSR, level),
    ri: (s, level) => setLine(s, RI, level),
    dcd: (s, level) => setLine(s, DCD, level),
  },
  wires: (s, now) => ({
    intr: pending(s, now) !== IIR_NONE,
    dtr: modemOutput(s, 1),
    rts: modemOutput(s, 2),
    out1: modemOutput(s, 4),
    out2: modemOutput(s, 8),
    tx: s.tx.length > 0,
  }),
  deadline: (s, now) => (s.rx.length > 0 && timeoutAt(s) > now ? timeoutAt(s) : null),
  advance: () => {},
};

const POWER_ON: Ns16550a = {
  ier: 0,
  fcr: 0,
  lcr: 0,
  mcr: 0,
  scr: 0,
  dll: 1,
  dlm: 0,
  rx: [],
  tx: [],
  hasOverrun: false,
  isThrePending: false,
  lines: 0,
  deltas: 0,
  rxTime: 0,
};

const FIFO_SIZE = 16;
const TRIGGERS = [1, 4, 8, 14] as const;

const IER_RECEIVED = 1;
const IER_THRE = 2;
const IER_LINE_STATUS = 4;
const IER_MODEM_STATUS = 8;

const IIR_MODEM_STATUS = 0;
const IIR_NONE = 1;
const IIR_THRE = 2;
const IIR_RECEIVED = 4;
const IIR_LINE_STATUS = 6;
const IIR_TIMEOUT = 0x0c;

const LOOP = 0x10;

const CTS = 0x10;
const DSR = 0x20;
const RI = 0x40;
const DCD = 0x80;

const hasFifos = (s: Ns16550a): boolean => (s.fcr & 1) !== 0;

/** Outputs are inactive in loopback. */
const modemOutput = (s: Ns16550a, bit: number): boolean =>
  (s.mcr & LOOP) === 0 && (s.mcr & bit) !== 0;

// Interrupts

/** What IIR names: of all that is enabled, the first in the order of the data sheet. */
function pending(s: Ns16550a, now: Cycles): number {
  const { ier } = s;
  if ((ier & IER_LINE_STATUS) !== 0 && s.hasOverrun) return IIR_LINE_STATUS;
  if ((ier & IER_RECEIVED) !== 0 && s.rx.length > 0) {
    const trigger = hasFifos(s) ? (TRIGGERS[s.fcr >> 6] ?? 1) : 1;
    if (s.rx.length >= trigger) return IIR_RECEIVED;
    if (now >= timeoutAt(s)) return IIR_TIMEOUT;
  }
  if ((ier & IER_THRE) !== 0 && s.isThrePending) return IIR_THRE;
  if ((ier & IER_MODEM_STATUS) !== 0 && s.deltas !== 0) return IIR_MODEM_STATUS;
  return IIR_NONE;
}

/** Four times that a character takes: start, data, parity and stop bits of 16 divisors at 1.8432 MHz each. */
function timeoutAt(s: Ns16550a): Cycles {
  const bits = 7 + (s.lcr & 3) + ((s.lcr >> 3) & 1) + ((s.lcr >> 2) & 1);
  const ratio = s.dll | (s.dlm << 8);
  return s.rxTime + Math.ceil((4 * bits * (ratio === 0 ? 0x1_0000 : ratio) * 78_125) / 9);
}

function identify(s: Ns16550a, now: Cycles): number {
  const cause = pending(s, now);
  if (cause === IIR_THRE) s.isThrePending = false;
  return cause | (hasFifos(s) ? 0xc0 : 0);
}

/** THRE interrupts at once when it is enabled, since the transmitter is always empty. */
function enableInterrupts(s: Ns16550a, value: number): void {
  if ((value & ~s.ier & IER_THRE) !== 0) s.isThrePending = true;
  s.ier = value & 0x0f;
}

// The line

function receive(s: Ns16550a, byte: number, now: Cycles): void {
  s.rxTime = now;
  if (s.rx.length < (hasFifos(s) ? FIFO_SIZE : 1)) {
    s.rx.push(byte);
    return;
  }
  s.hasOverrun = true;
  // Without FIFOs the new byte takes the place of the one before.
  if (!hasFifos(s)) s.rx[0] = byte;
}

function takeReceived(s: Ns16550a, now: Cycles): number {
  s.rxTime = now;
  return s.rx.shift() ?? 0;
}

function send(s: Ns16550a, value: number, now: Cycles): void {
  const byte = value & (0xff >> (3 - (s.lcr & 3)));
  if ((s.mcr & LOOP) !== 0) {
    receive(s, byte, now);
  } else {
    // What nobody takes is lost on the line.
    if (s.tx.length === FIFO_SIZE) s.tx.shift();
    s.tx.push(byte);
  }
  s.isThrePending = true;
}

/** Changing bit 0 clears both FIFOs, and the other bits count only with it. */
function controlFifos(s: Ns16550a, value: number): void {
  const isEnabled = (value & 1) !== 0;
  if (isEnabled !== hasFifos(s) || (isEnabled && (value & 2) !== 0)) s.rx.length = 0;
  s.fcr = isEnabled ? value & 0xc9 : 0;
}

/** DR, OE, THRE and TEMT; reading clears the error. */
function readLineStatus(s: Ns16550a): number {
  const status = (s.rx.length > 0 ? 1 : 0) | (s.hasOverrun ? 2 : 0) | 0x60;
  s.hasOverrun = false;
  return status;
}

// The modem

/** CTS, DSR, RI and DCD: of the line, or in loopback RTS, DTR, OUT1 and OUT2. */
function modemInputs(s: Ns16550a): number {
  if ((s.mcr & LOOP) === 0) return s.lines;
  const { mcr } = s;
  return ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4);
}

function controlModem(s: Ns16550a, value: number): void {
  const before = modemInputs(s);
  s.mcr = value & 0x1f;
  noteChanges(s, before);
}

function setLine(s: Ns16550a, line: number, level: number): void {
  const before = modemInputs(s);
  s.lines = level === 0 ? s.lines & ~line : s.lines | line;
  noteChanges(s, before);
}

/** DCTS, DDSR and DDCD tell of any change, TERI of the end of a ring only. */
function noteChanges(s: Ns16550a, before: number): void {
  const after = modemInputs(s);
  const changed = ((before ^ after) & (CTS | DSR | DCD)) | (before & ~after & RI);
  s.deltas |= changed >> 4;
}

function readModemStatus(s: Ns16550a): number {
  const status = modemInputs(s) | s.deltas;
  s.deltas = 0;
  return status;
}
