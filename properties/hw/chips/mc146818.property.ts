/** Laws of the real-time clock. */

import fc from "fast-check";
import { mc146818 } from "../../../src/hw/chips/mc146818.ts";
import { powerOn, Socket } from "../../../src/hw/chips/socket.ts";
import { law } from "../../support/law.ts";

law("the-clock-goes-with-time", {
  says: "A date set in any mode of Register B reads, in the same mode and after any time, as the date of the calendar that so many seconds later has.",
  cites: "Motorola MC146818A data sheet, Time, Calendar, and Alarm Locations",
  forAll: {
    from: anySecond(),
    mode: fc.constantFrom(0, 2, 4, 6),
    at: fc.nat(3_000_000_000),
    after: fc.oneof(
      fc.nat(10_000_000_000),
      fc.nat(900_000).map((seconds) => seconds * SECOND),
    ),
    isHalted: fc.boolean(),
  },
  runs: 300,
  holds: ({ from, mode, at, after, isHalted }) => {
    const clock = new Clock();
    clock.now = at;
    if (isHalted) clock.write(0xb, 0x80 | mode);
    else clock.write(0xb, mode);
    const date = dateOf(from);
    // With the clock going, no update may come between the fields.
    for (const [location, value] of locations(date, mode)) clock.write(location, value);
    if (isHalted) {
      clock.now += 2 * SECOND;
      clock.write(0xb, mode);
    }
    const updates = Math.floor((clock.now + after) / SECOND) - Math.floor(clock.now / SECOND);
    clock.now += after;
    for (const [location, value] of locations(dateOf(from + updates), mode)) {
      const seen = clock.read(location);
      if (seen !== value) throw new Error(`location ${location} is ${seen} instead of ${value}`);
    }
  },
});

law("each-update-is-an-event", {
  says: "UF is set by each update and by nothing else; UIP comes before; while SET is 1 there is neither.",
  cites: "Motorola MC146818A data sheet, Update Cycle",
  forAll: { at: fc.nat(5_000_000_000), wait: fc.nat(3_000_000_000), isHalted: fc.boolean() },
  holds: ({ at, wait, isHalted }) => {
    const clock = new Clock();
    clock.now = at;
    clock.write(0xb, isHalted ? 0x82 : 0x02);
    clock.read(0xc);
    clock.now += wait;
    const hasPassed = Math.floor(clock.now / SECOND) > Math.floor(at / SECOND);
    const left = SECOND - (clock.now % SECOND);
    const isUpdating = (clock.read(0xa) & 0x80) !== 0;
    if (isUpdating !== (!isHalted && left <= 2_228_000)) return false;
    return ((clock.read(0xc) & 0x10) !== 0) === (!isHalted && hasPassed);
  },
});

law("the-alarm-is-at-the-next-time-that-matches", {
  says: "The first alarm interrupt is at the first update whose hour, minute and second are those of the alarm, of which any may be every one.",
  cites: "Motorola MC146818A data sheet, Time, Calendar, and Alarm Locations",
  forAll: {
    from: anySecond(),
    mode: fc.constantFrom(0, 2, 4, 6),
    ahead: fc.integer({ min: 1, max: 86_400 }),
    every: fc.record({ hour: fc.boolean(), minute: fc.boolean(), second: fc.boolean() }),
  },
  holds: ({ from, mode, ahead, every }) => {
    const clock = new Clock();
    clock.socket.input("time", from, 0);
    clock.write(0xb, mode | 0x20);
    const goal = dateOf(from + ahead);
    const encoded = new Map(locations(goal, mode));
    clock.write(1, every.second ? 0xff : (encoded.get(0) ?? 0));
    clock.write(3, every.minute ? 0xc0 : (encoded.get(2) ?? 0));
    clock.write(5, every.hour ? 0xdb : (encoded.get(4) ?? 0));
    clock.now = 2 * 86_400 * SECOND;
    clock.socket.settle(clock.now);
    let expected = 1;
    while (!isAlarm(dateOf(from + expected), goal, every)) expected += 1;
    const first = clock.raised[0];
    if (clock.raised.length !== 1 || first !== expected * SECOND)
      throw new Error(`${clock.raised.join()} instead of ${expected} seconds`);
  },
});

law("periodic-interrupts-come-at-their-rate", {
  says: "With rate selection n, periodic interrupts come 32768 >> (n - 1) times a second, n of 1 and 2 as 8 and 9.",
  cites: "Motorola MC146818A data sheet, Periodic Interrupt Selection",
  forAll: { rate: fc.integer({ min: 1, max: 15 }), seconds: fc.integer({ min: 1, max: 3 }) },
  runs: 30,
  holds: ({ rate, seconds }) => {
    const clock = new Clock(true);
    clock.write(0xa, 0x20 | rate);
    clock.write(0xb, 0x42);
    clock.socket.settle(seconds * SECOND);
    return clock.raised.length === seconds * (32_768 >> ((rate <= 2 ? rate + 7 : rate) - 1));
  },
});

// Helpers

const SECOND = 1_000_000_000;

class Clock {
  now = 0;
  readonly raised: number[] = [];
  readonly socket: Socket<ReturnType<typeof mc146818.powerOn>>;

  /** One that acknowledges at once sees every interrupt. */
  constructor(acknowledges = false) {
    this.socket = new Socket(
      mc146818,
      { value: powerOn(mc146818) },
      {
        wire: (name, isAsserted, at) => {
          if (name !== "irq" || !isAsserted) return;
          this.raised.push(at);
          this.now = at;
          if (acknowledges) this.read(0xc);
        },
      },
    );
  }

  read(location: number): number {
    this.socket.write(0, 1, location, this.now);
    return this.socket.read(1, 1, this.now);
  }

  write(location: number, value: number): void {
    this.socket.write(0, 1, location, this.now);
    this.socket.write(1, 1, value, this.now);
  }
}

/** From 1970 to 2099. */
function anySecond(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.nat(4_102_444_799),
    fc
      .constantFrom("2024-02-28", "2100-02-28", "1999-12-31", "2000-02-28", "2025-02-28")
      .chain((day) => fc.nat(60).map((left) => Date.parse(`${day}T23:59:59Z`) / 1000 - left)),
  );
}

const dateOf = (seconds: number): Date => new Date(seconds * 1000);

/** What the data sheet's table of time data modes says of a date, weekday and century among it. */
function locations(date: Date, mode: number): readonly (readonly [number, number])[] {
  const encode = (value: number): number =>
    (mode & 4) !== 0 ? value : Number.parseInt(String(value), 16);
  const hour = date.getUTCHours();
  const half = hour % 12 === 0 ? 12 : hour % 12;
  const encodedHour = (mode & 2) !== 0 ? encode(hour) : encode(half) | (hour >= 12 ? 0x80 : 0);
  const year = date.getUTCFullYear();
  return [
    [0, encode(date.getUTCSeconds())],
    [2, encode(date.getUTCMinutes())],
    [4, encodedHour],
    [0x32, encode(Math.floor(year / 100))],
    [9, encode(year % 100)],
    [8, encode(date.getUTCMonth() + 1)],
    [7, encode(date.getUTCDate())],
    [6, encode(date.getUTCDay() + 1)],
  ];
}

function isAlarm(
  date: Date,
  goal: Date,
  every: { hour: boolean; minute: boolean; second: boolean },
): boolean {
  return (
    (every.hour || date.getUTCHours() === goal.getUTCHours()) &&
    (every.minute || date.getUTCMinutes() === goal.getUTCMinutes()) &&
    (every.second || date.getUTCSeconds() === goal.getUTCSeconds())
  );
}
