import { describe, expect, test } from "vitest";
import { i8259, SLAVE } from "./i8259.ts";
import { powerOn, Socket } from "./socket.ts";

/** A master as a PC's firmware leaves it: vectors from 08h, slave on IR2, 8086 mode; all without time. */
class Controller {
  readonly cell = { value: powerOn(i8259) };
  readonly socket = new Socket(i8259, this.cell);
  readonly #cas: number;

  constructor({ sp = 1, icw1 = 0x11, icws = [0x08, 0x04, 0x01] } = {}) {
    this.#cas = sp === 1 ? 8 : (icws[1] ?? 0);
    this.socket.input("sp", sp, 0);
    this.command(icw1);
    for (const icw of icws) this.data(icw);
  }

  command(value: number): this {
    this.socket.write(0, 1, value, 0);
    return this;
  }

  data(value: number): this {
    this.socket.write(1, 1, value, 0);
    return this;
  }

  raise(...lines: number[]): this {
    for (const line of lines) this.socket.input(`ir${line}`, 1, 0);
    return this;
  }

  lower(...lines: number[]): this {
    for (const line of lines) this.socket.input(`ir${line}`, 0, 0);
    return this;
  }

  get int(): boolean {
    return this.cell.value.wires["int"] ?? false;
  }

  inta(): number | undefined {
    return this.socket.input("inta", this.#cas, 0);
  }

  irr(): number {
    return this.command(0x0a).socket.read(0, 1, 0);
  }

  isr(): number {
    return this.command(0x0b).socket.read(0, 1, 0);
  }
}

const EOI = 0x20;

test("a request sets IRR and INT; the acknowledge moves it to ISR and gives the vector", () => {
  const pic = new Controller().raise(3);
  expect([pic.int, pic.irr(), pic.isr()]).toEqual([true, 8, 0]);
  expect(pic.inta()).toBe(0x0b);
  expect([pic.int, pic.irr(), pic.isr()]).toEqual([false, 0, 8]);
  expect(pic.command(EOI).isr()).toBe(0);
});

test("no INT while initialization words are missing; ICW1 clears the mask and forgets edges", () => {
  const pic = new Controller().data(0xff).raise(4).command(0x11);
  expect([pic.socket.read(1, 1, 0), pic.irr()]).toEqual([0, 0]);
  pic.data(0x70).data(4).raise(5);
  expect(pic.int).toBe(false);
  expect(pic.data(1).int).toBe(true);
  expect(pic.inta()).toBe(0x75);
});

describe("priorities", () => {
  test("lower levels wait for the EOI, higher ones interrupt", () => {
    const pic = new Controller().raise(3, 5);
    expect(pic.inta()).toBe(0x0b);
    expect(pic.int).toBe(false);
    expect(pic.raise(1).inta()).toBe(0x09);
    expect(pic.isr()).toBe(0x0a);
    // A non-specific EOI ends the highest in service.
    expect(pic.command(EOI).isr()).toBe(0x08);
    expect(pic.command(EOI).inta()).toBe(0x0d);
  });

  test("a specific EOI ends the level that it names", () => {
    const pic = new Controller().raise(3);
    pic.inta();
    pic.raise(1).inta();
    expect(pic.command(0x63).isr()).toBe(0x02);
  });

  test("rotation on EOI makes the level the lowest", () => {
    const pic = new Controller().raise(4, 6);
    expect(pic.inta()).toBe(0x0c);
    pic.command(0xa0).lower(4).raise(4);
    expect(pic.inta()).toBe(0x0e);
  });

  test("set priority: level 5 lowest makes 6 the highest", () => {
    const pic = new Controller().command(0xc5).raise(0, 6);
    expect(pic.inta()).toBe(0x0e);
  });

  test("the mask keeps IRR but not INT", () => {
    const pic = new Controller().data(0x08).raise(3);
    expect([pic.int, pic.irr()]).toEqual([false, 8]);
    expect(pic.data(0).int).toBe(true);
  });

  test("special mask mode: a masked level in service lets lower ones through", () => {
    const pic = new Controller().raise(2 + 1);
    pic.inta();
    pic.raise(6);
    expect(pic.data(0x08).int).toBe(false);
    expect(pic.command(0x68).inta()).toBe(0x0e);
    // Its EOI leaves the masked level in service.
    expect(pic.command(EOI).isr()).toBe(0x08);
  });
});

test("a request that is gone at the acknowledge is IR7, and not in service", () => {
  const pic = new Controller().raise(3);
  expect(pic.lower(3).inta()).toBe(0x0f);
  expect(pic.isr()).toBe(0);
});

test("auto EOI leaves nothing in service, and may rotate", () => {
  const pic = new Controller({ icws: [0x08, 0x04, 0x03] }).command(0x80).raise(4, 6);
  expect([pic.inta(), pic.isr()]).toEqual([0x0c, 0]);
  pic.lower(4).raise(4);
  expect(pic.inta()).toBe(0x0e);
});

test("a poll is an acknowledge: the request and its level, then nothing", () => {
  const pic = new Controller().raise(5).command(0x0c);
  expect(pic.socket.read(0, 1, 0)).toBe(0x85);
  expect(pic.isr()).toBe(0x20);
  expect(pic.command(0x0c).socket.read(0, 1, 0)).toBe(0);
});

test("edges are used up, levels are not", () => {
  const pic = new Controller();
  pic.socket.write(2, 1, 0xff, 0);
  // IRQ 0 to 2 cannot be levels.
  expect(pic.socket.read(2, 1, 0)).toBe(0xf8);
  pic.raise(1).inta();
  expect([pic.irr(), pic.command(EOI).int]).toEqual([0, false]);
  expect(pic.raise(5).inta()).toBe(0x0d);
  expect([pic.irr(), pic.command(EOI).int]).toEqual([0x20, true]);
  expect(pic.lower(5).int).toBe(false);
});

describe("two cascaded", () => {
  const slave = (): Controller => new Controller({ sp: 0, icws: [0x70, 2, 1] });

  test("the master names the slave, the slave gives the vector", () => {
    const second = slave().raise(4);
    const master = new Controller().raise(2);
    expect(master.inta()).toBe(SLAVE + 2);
    expect(second.inta()).toBe(0x74);
    expect([master.isr(), second.isr()]).toEqual([4, 0x10]);
  });

  test("a slave that is not named stays silent", () => {
    const second = slave().raise(4);
    expect(second.socket.input("inta", 3, 0)).toBe(0xff);
    expect([second.isr(), second.int]).toEqual([0, true]);
  });

  test("special fully nested mode: the slave's next request passes its own service", () => {
    const nested = new Controller({ icws: [0x08, 0x04, 0x11] }).raise(2);
    nested.inta();
    nested.lower(2).raise(2);
    expect(nested.int).toBe(true);
    const plain = new Controller().raise(2);
    plain.inta();
    plain.lower(2).raise(2);
    expect(plain.int).toBe(false);
  });
});
