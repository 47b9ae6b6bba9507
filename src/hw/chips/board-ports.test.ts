/** The small chips of a PC: ports 61h, 92h, CF9h, E9h and F4h, and the power management registers. */

import { describe, expect, test } from "vitest";
import { acpiPm1, S5_TYPE } from "./acpi-pm1.ts";
import type { Chip } from "./chip.ts";
import { debugConsole, debugExit } from "./debug-ports.ts";
import { mc146818 } from "./mc146818.ts";
import { port61 } from "./port61.ts";
import { port92 } from "./port92.ts";
import { resetControl } from "./reset-control.ts";
import { powerOn, Socket } from "./socket.ts";

function place<State extends object>(chip: Chip<State>) {
  const cell = { value: powerOn(chip) };
  return { socket: new Socket(chip, cell), wires: cell.value.wires };
}

test("port 61h: gate, speaker, refresh and output of counter 2", () => {
  const { socket, wires } = place(port61);
  socket.write(0, 1, 0xff, 0);
  expect([socket.read(0, 1, 0), wires]).toEqual([0x0f, { gate2: true, speaker: false }]);
  socket.input("out2", 1, 0);
  expect([socket.read(0, 1, 15_084), socket.read(0, 1, 15_085)]).toEqual([0x2f, 0x3f]);
  expect(wires["speaker"]).toBe(true);
});

test("port 92h: A20 and a fast reset", () => {
  const { socket, wires } = place(port92);
  socket.write(0, 1, 0xfe, 0);
  expect([socket.read(0, 1, 0), wires]).toEqual([2, { a20: true, init: false }]);
  socket.write(0, 1, 1, 0);
  expect(wires).toEqual({ a20: false, init: true });
});

test("CF9h resets on the rising edge of bit 2, of the kind that bit 1 says", () => {
  const { socket, wires } = place(resetControl);
  socket.write(0, 1, 2, 0);
  expect([socket.read(0, 1, 0), wires["reset"]]).toEqual([2, false]);
  socket.write(0, 1, 6, 0);
  expect(wires).toEqual({ reset: true, hard: true });
  const other = place(resetControl);
  other.socket.write(0, 1, 4, 0);
  expect(other.wires).toEqual({ reset: true, hard: false });
});

test("the debug console says that it is there, and hands out what is written", () => {
  const { socket, wires } = place(debugConsole);
  expect(socket.read(0, 1, 0)).toBe(0xe9);
  socket.write(0, 1, 0x41, 0);
  socket.write(0, 1, 0x42, 0);
  expect(wires["out"]).toBe(true);
  expect([1, 2, 3].map(() => socket.input("take", 0, 0))).toEqual([0x41, 0x42, -1]);
  expect(wires["out"]).toBe(false);
});

test.each([1, 2, 4] as const)("the debug exit gives 2n + 1, of a write of %i bytes", (size) => {
  const { socket, wires } = place(debugExit);
  expect(socket.input("status", 0, 0)).toBe(-1);
  socket.write(0, size, 0x10, 0);
  socket.write(0, size, 0x11, 0);
  expect([wires["exit"], socket.input("status", 0, 0)]).toEqual([true, 0x21]);
});

describe("PM1", () => {
  test("S5 turns the machine off, other sleep states do nothing", () => {
    const { socket, wires } = place(acpiPm1);
    socket.write(4, 2, 0x2000 | (3 << 10), 0);
    expect([socket.read(4, 2, 0), wires["off"]]).toEqual([0x0c01, false]);
    socket.write(4, 2, S5_TYPE << 10, 0);
    expect(wires["off"]).toBe(false);
    socket.write(5, 1, 0x20 | (S5_TYPE << 2), 0);
    expect(wires["off"]).toBe(true);
  });

  test("status bits go by writing ones, also of one byte alone; enabled, they are SCI", () => {
    const { socket, wires } = place(acpiPm1);
    socket.input("power", 1, 0);
    socket.input("sleep", 1, 0);
    socket.write(2, 1, 0xff, 0);
    expect([socket.read(0, 2, 0), wires["sci"]]).toEqual([0x300, false]);
    socket.write(3, 1, 1, 0);
    expect([socket.read(2, 2, 0), wires["sci"]]).toEqual([0x121, true]);
    socket.write(3, 1, 4, 0);
    expect([socket.read(2, 2, 0), wires["sci"]]).toEqual([0x421, false]);
    socket.write(0, 1, 0xff, 0);
    expect(socket.read(0, 2, 0)).toBe(0x300);
    socket.write(1, 1, 1, 0);
    expect([socket.read(0, 2, 0), wires["sci"]]).toEqual([0x200, false]);
  });

  test("the timer's bit 23 changes every 2.34 seconds, which is an event", () => {
    const { socket, wires } = place(acpiPm1);
    socket.write(2, 2, 1, 0);
    const carry = Math.ceil((2 ** 23 * 200_000_000) / 715_909);
    expect(socket.deadline).toBe(carry);
    socket.settle(carry - 1);
    expect(wires["sci"]).toBe(false);
    socket.settle(carry);
    expect([wires["sci"], socket.read(0, 2, carry)]).toEqual([true, 1]);
  });
});

test("CMOS keeps bytes, the index port holds NMI back, and D says that the battery is well", () => {
  const { socket, wires } = place(mc146818);
  socket.input("cmos", 0x15_7f, 0);
  socket.write(0, 1, 0x95, 0);
  expect([socket.read(1, 1, 0), wires["nmiDisable"]]).toEqual([0x7f, true]);
  socket.write(1, 1, 0x33, 0);
  expect(socket.read(1, 1, 0)).toBe(0x33);
  socket.write(0, 1, 0x0d, 0);
  socket.write(1, 1, 0, 0);
  expect([socket.read(1, 1, 0), wires["nmiDisable"]]).toEqual([0x80, false]);
});
