/**
 * The keyboard controller with a keyboard on it. IBM manual: Personal System/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller" and "Keyboards (101- and 102-Key)"; scan codes are those of set 2.
 * Not modelled: a mouse (nothing is on the auxiliary port, and what is sent there times out), other scan code sets, the
 * password, and the time that the controller itself needs.
 */

import type { Cycles } from "../../sim/time.ts";
import type { Chip } from "./chip.ts";
import { BREAK, translated } from "./scan-codes.ts";

export interface I8042 {
  /** The controller's RAM; its first byte is the command byte. */
  ram: number[];
  outputPort: number;
  /** The output buffer, whether it is full, and of the auxiliary port. */
  data: number;
  isFull: boolean;
  isAuxiliary: boolean;
  hasTimedOut: boolean;
  /** The last write was a command, as status bit 3 tells. */
  wasCommand: boolean;
  /** The controller's command that waits for its byte; 0 for none. */
  command: number;
  /** The FE command has been given. */
  isReset: boolean;
  /** From the keyboard, on its way: the next byte arrives at `arrives`. */
  queue: number[];
  arrives: Cycles;
  /** The keyboard's command that waits for its byte; 0 for none. */
  keyboardCommand: number;
  isScanning: boolean;
  leds: number;
  lastSent: number;
  /** The next code is that of a key let go. */
  isBreak: boolean;
}

/** The input `key` takes a byte of set 2; `reset` is asserted from command FEh on until power-on. */
export const i8042: Chip<I8042, "irq1" | "irq12" | "a20" | "reset"> = {
  name: "i8042",
  cites:
    "IBM Personal System/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller",
  powerOn: () => ({ ...POWER_ON, ram: Array.from({ length: 32 }, () => 0), queue: [] }),
  registers: {
    Data: { at: 0, read: readData, write: writeData },
    Status: { at: 4, read: readStatus },
    Command: { at: 4, write: writeCommand },
  },
  inputs: {
    key: (s, code, now) => {
      if (s.isScanning) answer(s, now, code & 0xff);
    },
  },
  wires: (s) => ({
    irq1: s.isFull && !s.isAuxiliary && (commandByte(s) & INT) !== 0,
    irq12: s.isFull && s.isAuxiliary && (commandByte(s) & INT2) !== 0,
    a20: (s.outputPort & A20) !== 0,
    reset: s.isReset,
  }),
  deadline: (s) => (mayArrive(s) ? s.arrives : null),
  advance: (s, now) => {
    while (mayArrive(s) && s.arrives <= now) arrive(s);
  },
};

const POWER_ON: Omit<I8042, "ram" | "queue"> = {
  outputPort: 0xcf,
  data: 0,
  isFull: false,
  isAuxiliary: false,
  hasTimedOut: false,
  wasCommand: false,
  command: 0,
  isReset: false,
  arrives: 0,
  keyboardCommand: 0,
  isScanning: true,
  leds: 0,
  lastSent: 0,
  isBreak: false,
};

/** The command byte. */
const INT = 1;
const INT2 = 2;
const SYS = 4;
const DISABLE = 0x10;
const DISABLE_2 = 0x20;
const TRANSLATE = 0x40;
/** The output port. */
const A20 = 2;

const commandByte = (s: I8042): number => s.ram[0] as number;

function readStatus(s: I8042): number {
  return (
    (s.isFull ? 1 : 0) |
    (commandByte(s) & SYS) |
    (s.wasCommand ? 8 : 0) |
    0x10 |
    (s.isFull && s.isAuxiliary ? 0x20 : 0) |
    (s.hasTimedOut ? 0x40 : 0)
  );
}

/** The buffer keeps what was read last. */
function readData(s: I8042, now: Cycles): number {
  if (s.isFull) {
    s.isFull = false;
    s.hasTimedOut = false;
    // The next byte is an interrupt of its own.
    s.arrives = Math.max(s.arrives, now + BYTE_TIME);
  }
  return s.data;
}

function put(s: I8042, data: number, isAuxiliary = false): void {
  s.data = data;
  s.isFull = true;
  s.isAuxiliary = isAuxiliary;
  s.hasTimedOut = false;
}

// The line from the keyboard

/** Eleven bits at 11 kHz. */
const BYTE_TIME: Cycles = 1_000_000;
const QUEUE_SIZE = 16;

const mayArrive = (s: I8042): boolean =>
  s.queue.length > 0 && !s.isFull && (commandByte(s) & DISABLE) === 0;

/** What the keyboard sends; it remembers 16 bytes. */
function answer(s: I8042, now: Cycles, ...bytes: readonly number[]): void {
  if (s.queue.length === 0) s.arrives = Math.max(s.arrives, now + BYTE_TIME);
  for (const byte of bytes) if (s.queue.length < QUEUE_SIZE) s.queue.push(byte);
}

function arrive(s: I8042): void {
  const code = s.queue.shift() ?? 0;
  s.lastSent = code;
  s.arrives += BYTE_TIME;
  if ((commandByte(s) & TRANSLATE) === 0) {
    put(s, code);
  } else if (code === BREAK) {
    s.isBreak = true;
  } else {
    put(s, translated(code) | (s.isBreak ? 0x80 : 0));
    s.isBreak = false;
  }
}

// The controller's commands

function writeCommand(s: I8042, command: number, now: Cycles): void {
  s.wasCommand = true;
  s.command = 0;
  if (command < 0x40) put(s, s.ram[command & 31] as number);
  else if (command < 0x80) s.command = command;
  else if (command >= 0xf0) pulse(s, command);
  else (COMMANDS[command] ?? ignore)(s, now, command);
}

const ignore = (): void => {};

/** Waits for a byte. */
const wait = (s: I8042, _now: Cycles, command: number): void => {
  s.command = command;
};

const setDisable = (s: I8042, bit: number, isDisabled: boolean, now: Cycles): void => {
  s.ram[0] = isDisabled ? commandByte(s) | bit : commandByte(s) & ~bit;
  resume(s, now);
};

/** What waited behind a closed clock line arrives afterwards. */
function resume(s: I8042, now: Cycles): void {
  s.arrives = Math.max(s.arrives, now + 1);
}

const COMMANDS: Readonly<Record<number, (s: I8042, now: Cycles, command: number) => void>> = {
  0xa7: (s, now) => setDisable(s, DISABLE_2, true, now),
  0xa8: (s, now) => setDisable(s, DISABLE_2, false, now),
  0xa9: (s) => put(s, 0),
  0xaa: (s) => {
    s.ram[0] = commandByte(s) | SYS;
    put(s, 0x55);
  },
  0xab: (s) => put(s, 0),
  0xad: (s, now) => setDisable(s, DISABLE, true, now),
  0xae: (s, now) => setDisable(s, DISABLE, false, now),
  0xc0: (s) => put(s, 0xbf),
  0xd0: (s) => put(s, s.outputPort),
  0xd1: wait,
  0xd2: wait,
  0xd3: wait,
  0xd4: wait,
};

/** Lines of the output port that are 0 in the command go low for a moment; the lowest is the CPU's reset. */
function pulse(s: I8042, command: number): void {
  if ((command & 1) === 0) s.isReset = true;
}

function writeData(s: I8042, value: number, now: Cycles): void {
  const { command } = s;
  s.wasCommand = false;
  s.command = 0;
  switch (command) {
    case 0:
      toKeyboard(s, value, now);
      return;
    case 0xd1:
      s.outputPort = value | 1;
      if ((value & 1) === 0) s.isReset = true;
      return;
    case 0xd2:
      put(s, value);
      return;
    case 0xd3:
      put(s, value, true);
      return;
    case 0xd4:
      // Nobody is there: FEh with the timeout bit.
      put(s, 0xfe, true);
      s.hasTimedOut = true;
      return;
    default:
      s.ram[command & 31] = value;
      resume(s, now);
  }
}

// The keyboard

const ACK = 0xfa;

/** A byte for the keyboard opens its clock line. */
function toKeyboard(s: I8042, value: number, now: Cycles): void {
  s.ram[0] = commandByte(s) & ~DISABLE;
  resume(s, now);
  const command = s.keyboardCommand;
  s.keyboardCommand = 0;
  if (command !== 0 && value < 0xed) {
    if (command === 0xed) s.leds = value & 7;
    // Which set it has, it is asked by 0.
    if (command === 0xf0 && value === 0) answer(s, now, ACK, 2);
    else answer(s, now, ACK);
    return;
  }
  s.queue.length = 0;
  switch (value) {
    case 0xee:
      return answer(s, now, 0xee);
    case 0xf2:
      return answer(s, now, ACK, 0xab, 0x83);
    case 0xfe:
      return answer(s, now, s.lastSent);
    case 0xed:
    case 0xf0:
    case 0xf3:
      s.keyboardCommand = value;
      return answer(s, now, ACK);
    case 0xf4:
    case 0xf5:
      s.isScanning = value === 0xf4;
      return answer(s, now, ACK);
    case 0xf6:
      s.isScanning = true;
      return answer(s, now, ACK);
    case 0xff:
      s.isScanning = true;
      s.leds = 0;
      return answer(s, now, ACK, 0xaa);
    default:
      return answer(s, now, value < 0xed ? 0xfe : ACK);
  }
}
