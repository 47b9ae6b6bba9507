import { expect, test } from "vitest";
import { type Chip, stored } from "./chip.ts";
import { powerOn, Socket } from "./socket.ts";

interface Sample {
  low: number;
  other: number;
  wide: number;
}

const sample: Chip<Sample, "a" | "b"> = {
  name: "sample",
  cites: "none: a chip of this test",
  powerOn: () => ({ low: 0, other: 0, wide: 0x1234_5678 }),
  registers: {
    LOW: { at: 0, when: (s) => s.wide !== 0, ...stored("low") },
    OTHER: { at: 0, when: (s) => s.wide === 0, ...stored("other", 0x0f) },
    NEXT: { at: 1, read: () => 0xab },
    WIDE: { at: 4, size: 4, ...stored("wide", 0xffff_ffff) },
  },
  inputs: { ask: (s, value) => s.low + value },
  wires: (s) => ({ a: (s.low & 1) !== 0, b: (s.low & 2) !== 0 }),
  deadline: (s, now) => (s.low === 0x80 && now < 50 ? 50 : null),
  advance: (s, now) => {
    if (s.low === 0x80 && now >= 50) s.low = 1;
  },
};

function placed(): { socket: Socket<Sample>; told: string[] } {
  const told: string[] = [];
  const socket = new Socket(
    sample,
    { value: powerOn(sample) },
    {
      wire: (name, isAsserted, at) => told.push(`${at} ${name} ${isAsserted}`),
      access: (register, kind, value, at) => told.push(`${at} ${kind} ${register} ${value}`),
    },
  );
  return { socket, told };
}

test("accesses are split into registers, and what is no register floats", () => {
  const { socket, told } = placed();
  socket.write(0, 1, 0x140, 3);
  expect(socket.read(0, 4, 3)).toBe(0xffff_ab40);
  expect(told).toEqual(["3 write LOW 64", "3 read LOW 64", "3 read NEXT 171"]);
  expect(socket.read(100, 4, 3)).toBe(0xffff_ffff);
  socket.write(1, 1, 7, 3);
  expect(socket.read(1, 1, 3)).toBe(0xab);
});

test("a wide register is read in parts and written whole", () => {
  const { socket } = placed();
  expect([socket.read(4, 4, 0), socket.read(5, 2, 0), socket.read(7, 1, 0)]).toEqual([
    0x1234_5678, 0x3456, 0x12,
  ]);
  socket.write(4, 1, 0, 0);
  expect(socket.read(4, 4, 0)).toBe(0x1234_5678);
  socket.write(4, 4, 0x8000_0001, 0);
  expect(socket.read(4, 4, 0)).toBe(0x8000_0001);
});

test("which register lies at an offset depends on the state", () => {
  const { socket } = placed();
  socket.write(0, 1, 0x55, 0);
  socket.write(4, 4, 0, 0);
  socket.write(0, 1, 0xff, 0);
  expect(socket.read(0, 1, 0)).toBe(0x0f);
  socket.write(4, 4, 1, 0);
  expect(socket.read(0, 1, 0)).toBe(0x55);
});

test("only changes of wires are told, each at its time", () => {
  const { socket, told } = placed();
  socket.write(0, 1, 3, 1);
  socket.write(0, 1, 2, 2);
  socket.write(0, 1, 2, 3);
  socket.write(0, 1, 0x80, 10);
  expect(socket.deadline).toBe(50);
  socket.settle(1000);
  expect(told.filter((line) => !line.includes("write"))).toEqual([
    "1 a true",
    "1 b true",
    "2 a false",
    "10 b false",
    "50 a true",
  ]);
});

test("an input may answer", () => {
  const { socket } = placed();
  expect(socket.input("ask", 5, 0)).toBe(5);
});

test("an act sees the chip at its time, and the wires that it changes are told", () => {
  const { socket, told } = placed();
  socket.write(0, 1, 0x80, 10);
  const seen = socket.act(60, (state) => {
    const { low } = state;
    state.low = 2;
    return low;
  });
  expect(seen).toBe(1);
  expect(told).toEqual(["10 write LOW 128", "50 a true", "60 a false", "60 b true"]);
});
