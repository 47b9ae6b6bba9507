/**
 * The programmable interrupt controller: eight requests, one INT. Intel 8259A data sheet, "Initialization Command
 * Words" and "Operation Command Words"; ELCR: Intel 82371AB data sheet, "Interrupt Controller Registers".
 * Not modelled: the MCS-80/85 call sequence (an acknowledge gives the vector of 8086 mode), buffered mode.
 */

import type { Cycles } from "../../sim/time.ts";
import type { Chip } from "./chip.ts";
import type { Socket } from "./socket.ts";

export interface I8259 {
  irr: number;
  isr: number;
  imr: number;
  /** The levels of IR0 to IR7. */
  lines: number;
  /** Which of them are level-triggered. */
  elcr: number;
  icw1: number;
  icw2: number;
  icw3: number;
  icw4: number;
  /** The next write to the data port is this ICW; 1 when initialization is over. */
  nextIcw: number;
  /** SP/EN: 1 for a master. */
  sp: number;
  /** The level of lowest priority. */
  lowest: number;
  /** OCW3: reads give ISR instead of IRR; the next read is a poll; special mask mode. */
  isIsrRead: boolean;
  isPoll: boolean;
  isSpecialMask: boolean;
  isRotateOnAeoi: boolean;
}

/**
 * Two on a PC are a master and a slave. The board asks with the input INTA: 8 of the master, which answers with the
 * vector or, when a slave has it, with SLAVE plus the slave's ID; the ID of the slave, which answers with the vector.
 */
export const i8259: Chip<I8259, "int"> = {
  name: "i8259",
  cites: "Intel 8259A data sheet, Initialization Command Words, Operation Command Words",
  powerOn: () => ({ ...POWER_ON }),
  registers: {
    "IRR, ISR or poll": { at: 0, read: readCommand, write: writeCommand },
    IMR: { at: 1, read: readData, write: writeData },
    ELCR: { at: 2, read: (s) => s.elcr, write: (s, value) => writeElcr(s, value) },
  },
  inputs: {
    ir0: (s, level) => setLine(s, 0, level),
    ir1: (s, level) => setLine(s, 1, level),
    ir2: (s, level) => setLine(s, 2, level),
    ir3: (s, level) => setLine(s, 3, level),
    ir4: (s, level) => setLine(s, 4, level),
    ir5: (s, level) => setLine(s, 5, level),
    ir6: (s, level) => setLine(s, 6, level),
    ir7: (s, level) => setLine(s, 7, level),
    sp: (s, level) => {
      s.sp = level === 0 ? 0 : 1;
    },
    inta: (s, cas) => acknowledge(s, cas),
  },
  wires: (s) => ({ int: pending(s) !== NONE }),
  deadline: () => null,
  advance: () => {},
};

/** What a master answers to INTA when a slave is to be asked, plus the slave's ID. */
export const SLAVE = 0x100;
/** What a master of two is asked as: nobody's slave. */
const MASTER = 8;
const SPURIOUS = 0xff;

/** The acknowledge cycle of a PC's two: the vector. */
export function acknowledgePics(
  master: Pick<Socket<I8259>, "input">,
  slave: Pick<Socket<I8259>, "input">,
  now: Cycles,
): number {
  const answer = master.input("inta", MASTER, now) ?? SPURIOUS;
  return answer < SLAVE ? answer : (slave.input("inta", answer - SLAVE, now) ?? SPURIOUS);
}

const NONE = -1;

const POWER_ON: I8259 = {
  irr: 0,
  isr: 0,
  imr: 0,
  lines: 0,
  elcr: 0,
  icw1: 0,
  icw2: 0,
  icw3: 0,
  icw4: 0,
  nextIcw: 1,
  sp: 1,
  lowest: 7,
  isIsrRead: false,
  isPoll: false,
  isSpecialMask: false,
  isRotateOnAeoi: false,
};

/** Inputs that can be level-triggered: not those of the timer, the keyboard, the cascade, the clock and the coprocessor. */
export const elcrMask = ({ sp }: I8259): number => (sp === 1 ? 0xf8 : 0xde);

const SNGL = 2;
const LTIM = 8;
const AEOI = 2;
const SFNM = 0x10;

const levelTriggered = (s: I8259): number => ((s.icw1 & LTIM) === 0 ? s.elcr : 0xff);
const isCascaded = (s: I8259, level: number): boolean =>
  s.sp === 1 && (s.icw1 & SNGL) === 0 && (s.icw3 & (1 << level)) !== 0;

/** The level of highest priority among the bits of `set`, and how far it is from the highest; NONE for none. */
function highest(s: I8259, set: number): { level: number; rank: number } {
  for (let rank = 0; rank < 8; rank += 1) {
    const level = (s.lowest + 1 + rank) & 7;
    if ((set & (1 << level)) !== 0) return { level, rank };
  }
  return { level: NONE, rank: 8 };
}

/** The level that INT is for, or NONE. */
function pending(s: I8259): number {
  if (s.nextIcw !== 1) return NONE;
  const request = highest(s, s.irr & ~s.imr);
  if (request.level === NONE) return NONE;
  if (s.isSpecialMask) {
    // What is in service but masked holds nothing back.
    const service = highest(s, s.isr & ~s.imr);
    return request.rank < service.rank ? request.level : NONE;
  }
  const service = highest(s, s.isr);
  // In special fully nested mode a slave may interrupt its own service.
  const isNested = (s.icw4 & SFNM) !== 0 && isCascaded(s, request.level);
  const limit = isNested ? service.rank + 1 : service.rank;
  return request.rank < limit ? request.level : NONE;
}

function setLine(s: I8259, line: number, level: number): void {
  const bit = 1 << line;
  const isRising = level !== 0 && (s.lines & bit) === 0;
  s.lines = level === 0 ? s.lines & ~bit : s.lines | bit;
  // A request that goes away before it is acknowledged is none: it ends in IR7.
  if (level === 0) s.irr &= ~bit;
  else if (isRising || (levelTriggered(s) & bit) !== 0) s.irr |= bit;
}

/** The request of highest priority goes into service; an edge is used up. Without one it is IR7, not in service. */
function serve(s: I8259): number {
  const level = pending(s);
  if (level === NONE) return NONE;
  const bit = 1 << level;
  if ((levelTriggered(s) & bit) === 0) s.irr &= ~bit;
  if ((s.icw4 & AEOI) === 0) s.isr |= bit;
  else if (s.isRotateOnAeoi) s.lowest = level;
  return level;
}

function acknowledge(s: I8259, cas: number): number {
  if (s.sp === 0 && cas !== (s.icw3 & 7)) return 0xff;
  const level = serve(s);
  if (level !== NONE && isCascaded(s, level)) return SLAVE + level;
  return (s.icw2 & 0xf8) | (level === NONE ? 7 : level);
}

// Registers

function readCommand(s: I8259): number {
  if (s.isPoll) return poll(s);
  return s.isIsrRead ? s.isr : s.irr;
}

function readData(s: I8259): number {
  return s.isPoll ? poll(s) : s.imr;
}

/** The read after a poll command is the acknowledge. */
function poll(s: I8259): number {
  s.isPoll = false;
  const level = serve(s);
  return level === NONE ? 0 : 0x80 | level;
}

function writeCommand(s: I8259, value: number): void {
  if ((value & 0x10) !== 0) initialize(s, value);
  else if ((value & 0x08) !== 0) operate(s, value);
  else endOfInterrupt(s, value);
}

/** ICW1: edges that came before are forgotten. */
function initialize(s: I8259, value: number): void {
  const { lines, elcr, sp, icw2 } = s;
  Object.assign(s, POWER_ON, { lines, elcr, sp, icw2, icw1: value, icw3: sp === 1 ? 0 : 7 });
  s.nextIcw = 2;
  s.irr = lines & levelTriggered(s);
}

function writeData(s: I8259, value: number): void {
  switch (s.nextIcw) {
    case 2:
      s.icw2 = value;
      s.nextIcw = (s.icw1 & SNGL) === 0 ? 3 : afterIcw3(s);
      return;
    case 3:
      s.icw3 = value;
      s.nextIcw = afterIcw3(s);
      return;
    case 4:
      s.icw4 = value;
      s.nextIcw = 1;
      return;
    default:
      s.imr = value;
  }
}

const afterIcw3 = (s: I8259): number => ((s.icw1 & 1) === 0 ? 1 : 4);

/** OCW2. */
function endOfInterrupt(s: I8259, value: number): void {
  const named = value & 7;
  switch (value >> 5) {
    case 0:
    case 4:
      s.isRotateOnAeoi = value >> 5 === 4;
      return;
    case 1:
    case 5: {
      // In special mask mode, what is masked is not ended by an EOI that names no level.
      const { level } = highest(s, s.isSpecialMask ? s.isr & ~s.imr : s.isr);
      if (level === NONE) return;
      s.isr &= ~(1 << level);
      if (value >> 5 === 5) s.lowest = level;
      return;
    }
    case 3:
    case 7:
      s.isr &= ~(1 << named);
      if (value >> 5 === 7) s.lowest = named;
      return;
    case 6:
      s.lowest = named;
      return;
    default:
  }
}

/** OCW3. */
function operate(s: I8259, value: number): void {
  if ((value & 0x40) !== 0) s.isSpecialMask = (value & 0x20) !== 0;
  if ((value & 0x04) !== 0) s.isPoll = true;
  else if ((value & 0x02) !== 0) s.isIsrRead = (value & 0x01) !== 0;
}

/** IRQ 0 to 2, 8 and 13 are always edges. */
function writeElcr(s: I8259, value: number): void {
  s.elcr = value & elcrMask(s);
  s.irr = (s.irr & ~levelTriggered(s)) | (s.lines & levelTriggered(s));
}
