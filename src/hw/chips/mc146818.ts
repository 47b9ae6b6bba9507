/**
 * The real-time clock with its RAM. Motorola MC146818A data sheet, "Address Map", "Interrupts", "Register A" to
 * "Register D"; the ports and the century at 32h: Intel 82371AB data sheet, "Real Time Clock".
 * Not modelled: daylight saving, square wave, values that are no date (they count on, as 31 February does). The clock
 * keeps a date, not bytes: they are encoded when they are read, in the mode of Register B at that time.
 */

import type { Cycles } from "../../sim/time.ts";
import { calendarOf, type CalendarTime, secondsOf, weekdayOf } from "./calendar.ts";
import type { Chip } from "./chip.ts";
import { tickClock } from "./clock.ts";

export interface Mc146818 {
  /** As port 70h was written: bit 7 holds NMI back. */
  index: number;
  a: number;
  b: number;
  /** PF, AF and UF. */
  c: number;
  /** Locations that no other field holds. */
  ram: number[];
  /** Seconds since the start of 1970 after `tick` ticks of the seconds counter. */
  seconds: number;
  tick: number;
  /** While the clock stands still, it is here, for somebody may be setting it. */
  standing: CalendarTime | null;
  /** What is added to the weekday of the date, since the chip takes any. */
  weekdayShift: number;
  /** When the divider stood at 0, if not before: it may be less than 0. */
  phase: Cycles;
  /** Until when events have been seen. */
  at: Cycles;
}

/** The inputs are the board's: `time` in seconds since the start of 1970, `cmos` a byte plus 256 times its location. */
export const mc146818: Chip<Mc146818, "irq" | "nmiDisable"> = {
  name: "mc146818",
  cites: "Motorola MC146818A data sheet, Address Map, Interrupts",
  powerOn: () => ({ ...POWER_ON, ram: Array.from({ length: 128 }, () => 0) }),
  // "RESET": clock, calendar and RAM go on.
  reset: (s) => {
    s.b &= ~(EVENTS | SQWE);
    s.c = 0;
  },
  registers: {
    Index: {
      at: 0,
      write: (s, value) => {
        s.index = value;
      },
    },
    Data: {
      at: 1,
      read: (s, now) => read(s, s.index & 0x7f, now),
      write: (s, value, now) => write(s, s.index & 0x7f, value, now),
    },
  },
  inputs: {
    time: (s, seconds, now) => {
      s.tick = tickAt(s, now);
      s.seconds = seconds;
      if (s.standing !== null) s.standing = calendarOf(seconds);
    },
    cmos: (s, value) => {
      s.ram[(value >> 8) & 0x7f] = value & 0xff;
    },
  },
  wires: (s) => ({ irq: (s.b & s.c & EVENTS) !== 0, nmiDisable: (s.index & 0x80) !== 0 }),
  deadline,
  advance,
};

const POWER_ON: Omit<Mc146818, "ram"> = {
  index: 0,
  a: 0x26,
  b: 0x02,
  c: 0,
  // 1 January 2026
  seconds: 1_767_225_600,
  tick: 0,
  standing: null,
  weekdayShift: 0,
  phase: 0,
  at: 0,
};

const SECOND: Cycles = 1_000_000_000;
const OSCILLATOR = tickClock(32_768, SECOND);
/** UIP comes 244 microseconds before an update, which takes 1984. */
const UPDATE: Cycles = 2_228_000;

const SECONDS = 0;
const SECONDS_ALARM = 1;
const MINUTES = 2;
const MINUTES_ALARM = 3;
const HOURS = 4;
const HOURS_ALARM = 5;
const WEEKDAY = 6;
const DAY = 7;
const MONTH = 8;
const YEAR = 9;
const CENTURY = 0x32;

const SET = 0x80;
/** PIE, AIE and UIE; PF, AF and UF. */
const EVENTS = 0x70;
const SQWE = 8;
const PF = 0x40;
const AF = 0x20;
const UF = 0x10;
const DM = 4;
const HOURS_24 = 2;

// Time

const isRunning = (s: Mc146818): boolean => (s.b & SET) === 0 && (s.a & 0x70) <= 0x20;
const isDividing = (s: Mc146818): boolean => (s.a & 0x70) <= 0x20;
const tickAt = (s: Mc146818, now: Cycles): number => Math.floor((now - s.phase) / SECOND);
const secondsAt = (s: Mc146818, now: Cycles): number => s.seconds + tickAt(s, now) - s.tick;
const timeAt = (s: Mc146818, now: Cycles): CalendarTime =>
  s.standing ?? calendarOf(secondsAt(s, now));

function setTime(s: Mc146818, time: CalendarTime, now: Cycles): void {
  if (s.standing !== null) {
    s.standing = time;
    return;
  }
  s.seconds = secondsOf(time);
  s.tick = tickAt(s, now);
}

/** Half a second after the divider is let go, the first update follows. */
function control(s: Mc146818, a: number, b: number, now: Cycles): void {
  const wasDividing = isDividing(s);
  const time = timeAt(s, now);
  s.a = a;
  s.b = b;
  if (!wasDividing && isDividing(s)) s.phase = now - SECOND / 2;
  s.standing = time;
  if (!isRunning(s)) return;
  s.standing = null;
  setTime(s, time, now);
}

// Events

/** Ticks of the oscillator from one periodic interrupt to the next; 0 for none. */
function periodOf({ a }: Mc146818): number {
  const rate = a & 15;
  return rate === 0 ? 0 : 1 << (rate <= 2 ? rate + 6 : rate - 1);
}

const periodsAt = (s: Mc146818, now: Cycles): number =>
  Math.floor(OSCILLATOR.ticks(now - s.phase) / periodOf(s));

/** The alarm's locations take any value from C0h for every one. */
const matches = (s: Mc146818, location: number, value: number): boolean =>
  (s.ram[location] as number) >= 0xc0 || s.ram[location] === value;

function someBelow(limit: number, holds: (value: number) => boolean): boolean {
  for (let value = 0; value < limit; value += 1) if (holds(value)) return true;
  return false;
}

/** The first second after `seconds` that the alarm is for; null when there is none. */
function nextAlarm(s: Mc146818, seconds: number): number | null {
  const start = seconds + 1;
  const isEver =
    someBelow(24, (hour) => matches(s, HOURS_ALARM, encodeHour(s, hour))) &&
    someBelow(60, (minute) => matches(s, MINUTES_ALARM, encode(s, minute))) &&
    someBelow(60, (second) => matches(s, SECONDS_ALARM, encode(s, second)));
  if (!isEver) return null;
  for (let time = start; time <= start + 2 * 86_400; ) {
    const { second, minute, hour } = calendarOf(time);
    if (!matches(s, HOURS_ALARM, encodeHour(s, hour))) time += 3600 - 60 * minute - second;
    else if (!matches(s, MINUTES_ALARM, encode(s, minute))) time += 60 - second;
    else if (matches(s, SECONDS_ALARM, encode(s, second))) return time;
    else time += 1;
  }
  return null;
}

function advance(s: Mc146818, now: Cycles): void {
  if (isDividing(s) && periodOf(s) !== 0 && periodsAt(s, now) > periodsAt(s, s.at)) s.c |= PF;
  if (isRunning(s)) {
    const [before, after] = [secondsAt(s, s.at), secondsAt(s, now)];
    if (after > before) {
      s.c |= UF;
      const alarm = nextAlarm(s, before);
      if (alarm !== null && alarm <= after) s.c |= AF;
    }
  }
  s.at = now;
}

/** When the first of the enabled flags that are not set yet will be. */
function deadline(s: Mc146818, now: Cycles): Cycles | null {
  const awaited = s.b & ~s.c & EVENTS;
  // The wire is asserted already: no flag changes it.
  if (awaited === 0 || (s.b & s.c & EVENTS) !== 0) return null;
  let next = Number.POSITIVE_INFINITY;
  if ((awaited & PF) !== 0 && isDividing(s) && periodOf(s) !== 0) {
    const ticks = (periodsAt(s, now) + 1) * periodOf(s);
    next = s.phase + OSCILLATOR.time(ticks);
  }
  if (isRunning(s)) {
    const seconds = secondsAt(s, now);
    const alarm = (awaited & AF) === 0 ? null : nextAlarm(s, seconds);
    const update = (awaited & UF) === 0 ? alarm : seconds + 1;
    if (update !== null) next = Math.min(next, timeOfTick(s, update - s.seconds + s.tick));
  }
  return Number.isFinite(next) ? next : null;
}

const timeOfTick = (s: Mc146818, tick: number): Cycles => s.phase + tick * SECOND;

// Locations

const encode = (s: Mc146818, value: number): number =>
  (s.b & DM) !== 0 ? value & 0xff : ((Math.floor(value / 10) % 10) << 4) | (value % 10);

const decode = (s: Mc146818, value: number): number =>
  (s.b & DM) !== 0 ? value : (value >> 4) * 10 + (value & 15);

/** Bit 7 is PM. */
function encodeHour(s: Mc146818, hour: number): number {
  if ((s.b & HOURS_24) !== 0) return encode(s, hour);
  return encode(s, ((hour + 11) % 12) + 1) | (hour % 24 >= 12 ? 0x80 : 0);
}

function decodeHour(s: Mc146818, value: number): number {
  if ((s.b & HOURS_24) !== 0) return decode(s, value);
  return (decode(s, value & 0x7f) % 12) + ((value & 0x80) === 0 ? 0 : 12);
}

function read(s: Mc146818, location: number, now: Cycles): number {
  const time = (): CalendarTime => timeAt(s, now);
  switch (location) {
    case SECONDS:
      return encode(s, time().second);
    case MINUTES:
      return encode(s, time().minute);
    case HOURS:
      return encodeHour(s, time().hour);
    case WEEKDAY:
      return encode(s, ((weekdayOf(secondsOf(time())) - 1 + s.weekdayShift) % 7) + 1);
    case DAY:
      return encode(s, time().day);
    case MONTH:
      return encode(s, time().month);
    case YEAR:
      return encode(s, modulo(time().year, 100));
    case CENTURY:
      return encode(s, modulo(Math.floor(time().year / 100), 100));
    case 0xa:
      return s.a | (isUpdating(s, now) ? 0x80 : 0);
    case 0xb:
      return s.b;
    case 0xc:
      return takeFlags(s);
    case 0xd:
      return 0x80;
    default:
      return s.ram[location] as number;
  }
}

const modulo = (value: number, by: number): number => value - by * Math.floor(value / by);

const isUpdating = (s: Mc146818, now: Cycles): boolean =>
  isRunning(s) && timeOfTick(s, tickAt(s, now) + 1) - now <= UPDATE;

function takeFlags(s: Mc146818): number {
  const flags = s.c | ((s.b & s.c & EVENTS) === 0 ? 0 : 0x80);
  s.c = 0;
  return flags;
}

function write(s: Mc146818, location: number, value: number, now: Cycles): void {
  const set = (fields: Partial<CalendarTime>): void =>
    setTime(s, { ...timeAt(s, now), ...fields }, now);
  switch (location) {
    case SECONDS:
      return set({ second: decode(s, value) });
    case MINUTES:
      return set({ minute: decode(s, value) });
    case HOURS:
      return set({ hour: decodeHour(s, value) });
    case WEEKDAY: {
      const weekday = weekdayOf(secondsOf(timeAt(s, now)));
      s.weekdayShift = modulo(decode(s, value) - weekday, 7);
      return;
    }
    case DAY:
      return set({ day: decode(s, value) });
    case MONTH:
      return set({ month: decode(s, value) });
    case YEAR: {
      const { year } = timeAt(s, now);
      return set({ year: year - modulo(year, 100) + decode(s, value) });
    }
    case CENTURY:
      return set({ year: decode(s, value) * 100 + modulo(timeAt(s, now).year, 100) });
    case 0xa:
      return control(s, value & 0x7f, s.b, now);
    case 0xb:
      // SET ends update interrupts.
      return control(s, s.a, (value & SET) === 0 ? value : value & ~UF, now);
    case 0xc:
    case 0xd:
      return;
    default:
      s.ram[location] = value;
  }
}
