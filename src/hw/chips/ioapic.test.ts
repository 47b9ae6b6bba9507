import { describe, expect, test } from "vitest";
import type { BusMessage } from "./interrupt-message.ts";
import { ioapic } from "./ioapic.ts";
import { powerOn, Socket } from "./socket.ts";

class Controller {
  readonly messages: BusMessage[] = [];
  readonly socket = new Socket(
    ioapic,
    { value: powerOn(ioapic) },
    { message: (message) => this.messages.push(message) },
  );

  write(index: number, value: number): this {
    this.socket.write(0, 4, index, 0);
    this.socket.write(0x10, 4, value, 0);
    return this;
  }

  read(index: number): number {
    this.socket.write(0, 4, index, 0);
    return this.socket.read(0x10, 4, 0);
  }

  pin(number: number, level: number): this {
    this.socket.input(`intin${number}`, level, 0);
    return this;
  }
}

test("ID, version with the number of entries, and a table that is masked at reset", () => {
  const controller = new Controller();
  expect(controller.read(1)).toBe(0x0017_0020);
  expect(controller.write(0, 0xffff_ffff).read(0)).toBe(0x0f00_0000);
  for (let pin = 0; pin < 24; pin += 1) {
    expect(controller.read(0x10 + 2 * pin)).toBe(0x1_0000);
    expect(controller.read(0x11 + 2 * pin)).toBe(0);
  }
  expect(controller.read(0x40)).toBe(0);
  expect(controller.write(0x3f, 0xffff_ffff).read(0x3f)).toBe(0xff00_0000);
  expect(controller.write(0x3e, 0xffff_ffff).read(0x3e)).toBe(0x1_afff);
});

test("an edge is a message as its entry says; behind a mask it is lost", () => {
  const controller = new Controller().write(0x14, 0x1_0931).write(0x15, 0x0300_0000);
  controller.pin(2, 1).write(0x14, 0x0931);
  expect(controller.messages).toEqual([]);
  controller.pin(2, 0).pin(2, 1).pin(2, 1);
  expect(controller.messages).toEqual([
    {
      destination: 3,
      destinationMode: "logical",
      shorthand: "none",
      deliveryMode: "lowest priority",
      vector: 0x31,
      triggerMode: "edge",
      assert: true,
    },
  ]);
});

describe("a level", () => {
  test("goes out again after its EOI, by message or register, while it stays", () => {
    const controller = new Controller().write(0x20, 0x8041).pin(8, 1);
    expect([controller.messages.length, controller.read(0x20)]).toEqual([1, 0xc041]);
    controller.socket.input("eoi", 0x40, 0);
    expect(controller.messages.length).toBe(1);
    controller.socket.input("eoi", 0x41, 0);
    expect(controller.messages.length).toBe(2);
    controller.pin(8, 0).socket.write(0x40, 4, 0x41, 0);
    expect([controller.messages.length, controller.read(0x20)]).toEqual([2, 0x8041]);
  });

  test("that waits behind a mask goes out when it is unmasked", () => {
    const controller = new Controller().write(0x20, 0x1_8041).pin(8, 1);
    expect(controller.messages.length).toBe(0);
    expect(controller.write(0x20, 0x8041).messages.length).toBe(1);
  });

  test("made an edge and a level again is served anew", () => {
    const controller = new Controller().write(0x20, 0x8041).pin(8, 1);
    controller.write(0x20, 0x1_0041).write(0x20, 0x1_8041);
    expect(controller.read(0x20)).toBe(0x1_8041);
    expect(controller.write(0x20, 0x8041).messages.length).toBe(2);
  });
});
