import { describe, expect, test } from "vitest";
import { i8042 } from "./i8042.ts";
import { powerOn, Socket } from "./socket.ts";

class Controller {
  readonly cell = { value: powerOn(i8042) };
  readonly socket = new Socket(i8042, this.cell);
  now = 0;

  command(value: number, ...bytes: number[]): this {
    this.socket.write(4, 1, value, this.now);
    for (const byte of bytes) this.data(byte);
    return this;
  }

  data(value: number): this {
    this.socket.write(0, 1, value, this.now);
    return this;
  }

  get status(): number {
    return this.socket.read(4, 1, this.now);
  }

  read(): number {
    return this.socket.read(0, 1, this.now);
  }

  wire(name: string): boolean | undefined {
    return this.cell.value.wires[name];
  }

  /** Lets what the keyboard sends arrive: all that comes within 20 ms. */
  receive(): number[] {
    const bytes: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      this.now += 1_000_000;
      if ((this.status & 1) !== 0) bytes.push(this.read());
    }
    return bytes;
  }
}

test("self tests, command byte and RAM", () => {
  const controller = new Controller();
  expect(controller.status).toBe(0x10);
  expect(controller.command(0xaa).status).toBe(0x1d);
  expect([controller.read(), controller.status]).toEqual([0x55, 0x1c]);
  expect(controller.command(0xab).read()).toBe(0);
  controller.command(0x60, 0x65);
  expect(controller.status).toBe(0x14);
  expect(controller.command(0x20).read()).toBe(0x65);
  expect(controller.command(0x65, 0x99).command(0x25).read()).toBe(0x99);
});

describe("the keyboard", () => {
  test("answers commands a millisecond a byte", () => {
    const controller = new Controller().data(0xff);
    expect(controller.status & 1).toBe(0);
    expect(controller.receive()).toEqual([0xfa, 0xaa]);
    expect(controller.data(0xf2).receive()).toEqual([0xfa, 0xab, 0x83]);
    expect(controller.data(0xed).receive()).toEqual([0xfa]);
    expect(controller.data(2).receive()).toEqual([0xfa]);
    expect(controller.cell.value.chip.leds).toBe(2);
    expect(controller.data(0xee).receive()).toEqual([0xee]);
    expect(controller.data(0x99).receive()).toEqual([0xfe]);
  });

  test("sends keys with IRQ 1, translated to set 1; a disabled interface keeps them", () => {
    const controller = new Controller().command(0x60, 0x41);
    for (const code of [0x1c, 0xf0, 0x1c]) controller.socket.input("key", code, 0);
    controller.now = 1_000_000;
    expect(controller.status & 1).toBe(1);
    expect(controller.wire("irq1")).toBe(true);
    expect([controller.read(), controller.wire("irq1")]).toEqual([0x1e, false]);
    controller.command(0xad);
    expect(controller.receive()).toEqual([]);
    expect(controller.command(0xae).receive()).toEqual([0x9e]);
    controller.data(0xf5).receive();
    controller.socket.input("key", 0x1c, controller.now);
    expect(controller.receive()).toEqual([]);
  });
});

test("the auxiliary port loops back, and has nobody on it", () => {
  const controller = new Controller().command(0x60, 0x02).command(0xd3, 0x5a);
  expect([controller.status & 0x61, controller.wire("irq12"), controller.read()]).toEqual([
    0x21,
    true,
    0x5a,
  ]);
  controller.command(0xd4, 0xf2);
  expect([controller.status & 0x61, controller.read()]).toEqual([0x61, 0xfe]);
  expect(controller.command(0xa7).command(0x20).read() & 0x20).toBe(0x20);
});

test("A20 is bit 1 of the output port; FEh resets, as bit 0 does", () => {
  const controller = new Controller();
  controller.socket.settle(0);
  expect(controller.wire("a20")).toBe(true);
  controller.command(0xd1, 0xcd);
  expect([controller.wire("a20"), controller.wire("reset")]).toEqual([false, false]);
  expect(controller.command(0xd0).read()).toBe(0xcd);
  expect(controller.command(0xff).wire("reset")).toBe(false);
  expect(controller.command(0xfe).wire("reset")).toBe(true);
  expect(new Controller().command(0xd1, 0).wire("reset")).toBe(true);
});
