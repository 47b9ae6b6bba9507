import { describe, expect, test } from "vitest";
import { i8254 } from "./i8254.ts";
import { powerOn, Socket } from "./socket.ts";

const PER_SECOND = 1_193_182;

/** The timer with its time in ticks, as the figures of the data sheet have it. */
class Timer {
  readonly edges: [tick: number, level: number][] = [];
  readonly socket: Socket<ReturnType<typeof i8254.powerOn>>;
  tick = 0;

  constructor() {
    this.socket = new Socket(
      i8254,
      { value: powerOn(i8254) },
      {
        wire: (name, isAsserted, at) => {
          if (name === "out0") this.edges.push([ticksAt(at), isAsserted ? 1 : 0]);
        },
      },
    );
    this.socket.settle(0);
    this.edges.length = 0;
  }

  write(...values: number[]): this {
    for (const value of values) {
      const isControl = value >= 0x100;
      this.socket.write(isControl ? 3 : 0, 1, value & 0xff, timeOf(this.tick));
    }
    return this;
  }

  read(): number {
    return this.socket.read(0, 1, timeOf(this.tick));
  }

  gate(level: number): this {
    this.socket.input("gate0", level, timeOf(this.tick));
    return this;
  }

  /** Lets ticks pass, and gives the count at each. */
  counts(ticks: number): number[] {
    return Array.from({ length: ticks }, () => {
      this.pass(1);
      return this.read();
    });
  }

  pass(ticks: number): this {
    this.tick += ticks;
    this.socket.settle(timeOf(this.tick));
    return this;
  }
}

const timeOf = (tick: number): number =>
  Number((BigInt(tick) * 1_000_000_000n + BigInt(PER_SECOND) - 1n) / BigInt(PER_SECOND));
const ticksAt = (time: number): number =>
  Number((BigInt(time) * BigInt(PER_SECOND)) / 1_000_000_000n);

/** Control words for counter 0, least significant byte only unless said; 0x100 marks the register. */
const MODE = [0x110, 0x112, 0x114, 0x116, 0x118, 0x11a] as const;

describe("the figures of the data sheet", () => {
  test("mode 0: 4 3 2 1 0 FF FE, OUT high at 0", () => {
    const timer = new Timer().write(MODE[0], 4);
    expect(timer.counts(7)).toEqual([4, 3, 2, 1, 0, 0xff, 0xfe]);
    expect(timer.edges).toEqual([
      [0, 0],
      [5, 1],
    ]);
  });

  test("mode 0: the gate holds the count", () => {
    const timer = new Timer().write(MODE[0], 3);
    expect(timer.counts(2)).toEqual([3, 2]);
    expect(timer.gate(0).counts(2)).toEqual([2, 2]);
    expect(timer.gate(1).counts(3)).toEqual([1, 0, 0xff]);
    expect(timer.edges).toEqual([
      [0, 0],
      [6, 1],
    ]);
  });

  test("mode 0: a new count starts at the next pulse, and OUT stays low", () => {
    const timer = new Timer().write(MODE[0], 3);
    expect(timer.counts(3)).toEqual([3, 2, 1]);
    expect(timer.write(2).counts(4)).toEqual([2, 1, 0, 0xff]);
    expect(timer.edges).toEqual([
      [0, 0],
      [6, 1],
    ]);
  });

  test("mode 1: a shot of 3, and again when triggered", () => {
    const timer = new Timer().gate(0).write(MODE[1], 3).pass(4).gate(1);
    expect(timer.counts(5)).toEqual([3, 2, 1, 0, 0xff]);
    expect(timer.edges).toEqual([
      [5, 0],
      [8, 1],
    ]);
    timer.gate(0).gate(1);
    expect(timer.counts(2)).toEqual([3, 2]);
    timer.gate(0).gate(1);
    expect(timer.counts(4)).toEqual([3, 2, 1, 0]);
    expect(timer.edges.slice(2)).toEqual([
      [10, 0],
      [15, 1],
    ]);
  });

  test("mode 2: 3 2 1 3 2 1, OUT low at 1", () => {
    const timer = new Timer().write(MODE[2], 3);
    expect(timer.counts(7)).toEqual([3, 2, 1, 3, 2, 1, 3]);
    expect(timer.edges).toEqual([
      [3, 0],
      [4, 1],
      [6, 0],
      [7, 1],
    ]);
  });

  test("mode 2: the gate stops, and starts anew", () => {
    const timer = new Timer().write(MODE[2], 3);
    expect(timer.counts(2)).toEqual([3, 2]);
    expect(timer.gate(0).counts(1)).toEqual([2]);
    expect(timer.gate(1).counts(4)).toEqual([3, 2, 1, 3]);
    expect(timer.edges).toEqual([
      [6, 0],
      [7, 1],
    ]);
  });

  test("mode 2: a new count takes effect after the period: 4 3 (5 written) 2 1 5 4 3", () => {
    const timer = new Timer().write(MODE[2], 4);
    expect(timer.counts(2)).toEqual([4, 3]);
    expect(timer.write(5).counts(5)).toEqual([2, 1, 5, 4, 3]);
  });

  test("mode 3, even: 4 2 4 2", () => {
    const timer = new Timer().write(MODE[3], 4);
    expect(timer.counts(8)).toEqual([4, 2, 4, 2, 4, 2, 4, 2]);
    expect(timer.edges).toEqual([
      [3, 0],
      [5, 1],
      [7, 0],
    ]);
  });

  test("mode 3, odd: 4 2 0 4 2, high for three and low for two", () => {
    const timer = new Timer().write(MODE[3], 5);
    expect(timer.counts(10)).toEqual([4, 2, 0, 4, 2, 4, 2, 0, 4, 2]);
    expect(timer.edges).toEqual([
      [4, 0],
      [6, 1],
      [9, 0],
    ]);
  });

  test("mode 4: a strobe of one pulse at 0", () => {
    const timer = new Timer().write(MODE[4], 3);
    expect(timer.counts(6)).toEqual([3, 2, 1, 0, 0xff, 0xfe]);
    expect(timer.edges).toEqual([
      [4, 0],
      [5, 1],
    ]);
  });

  test("mode 5: a strobe after the trigger", () => {
    const timer = new Timer().gate(0).write(MODE[5], 3).pass(5).gate(1);
    expect(timer.counts(4)).toEqual([3, 2, 1, 0]);
    expect(timer.pass(3).edges).toEqual([
      [9, 0],
      [10, 1],
    ]);
  });
});

describe("reading", () => {
  test("a latched count stays until it is read, and a second latch is ignored", () => {
    const timer = new Timer().write(0x134, 0x34, 0x12).pass(5).write(0x100).pass(7).write(0x100);
    expect([timer.read(), timer.read()]).toEqual([0x30, 0x12]);
    expect([timer.read(), timer.read()]).toEqual([0x29, 0x12]);
  });

  test("read-back gives the status first, then the count", () => {
    const timer = new Timer().write(0x134, 0x00, 0x10);
    // Not loaded yet: OUT high, NULL COUNT, both bytes, mode 2.
    expect(timer.write(0x1e2).read()).toBe(0xf4);
    timer.pass(3).write(0x1c2);
    expect([timer.read(), timer.read(), timer.read()]).toEqual([0xb4, 0xfe, 0x0f]);
  });

  test("BCD counts from 0 as from 10000", () => {
    const timer = new Timer().write(0x131, 0, 0).pass(2).write(0x100);
    expect([timer.read(), timer.read()]).toEqual([0x99, 0x99]);
    timer.write(0x131, 0x00, 0x10).pass(2);
    expect([timer.read(), timer.read()]).toEqual([0x99, 0x09]);
  });
});

test("a day of the greatest count does not drift by a tick", () => {
  const day = 86_400 * PER_SECOND;
  const whole = day - (day % 0x1_0000);
  const state = powerOn(i8254);
  const c = new Socket(i8254, { value: state });
  c.write(3, 1, 0x34, 0);
  c.write(0, 1, 0, 0);
  c.write(0, 1, 0, 0);
  i8254.advance(state.chip, timeOf(whole + 1) - 1);
  expect(i8254.wires(state.chip, 0).out0).toBe(false);
  i8254.advance(state.chip, timeOf(whole + 1));
  expect(i8254.wires(state.chip, 0).out0).toBe(true);
});

test("a leap of many periods takes a waiting count at the end of the first", () => {
  const state = powerOn(i8254);
  const socket = new Socket(i8254, { value: state });
  for (const value of [0x14, 10]) socket.write(value === 0x14 ? 3 : 0, 1, value, 0);
  socket.settle(timeOf(3));
  socket.write(0, 1, 7, timeOf(3));
  // Loaded with 10 at tick 1, with 7 at tick 11; the 6th period of 7 ends at tick 53.
  i8254.advance(state.chip, timeOf(52));
  expect(i8254.wires(state.chip, 0).out0).toBe(false);
  i8254.advance(state.chip, timeOf(53));
  expect(i8254.wires(state.chip, 0).out0).toBe(true);
});
