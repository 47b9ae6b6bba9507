import { describe, expect, test } from "vitest";
import { ns16550a } from "./ns16550a.ts";
import { powerOn, Socket } from "./socket.ts";

const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

class Port {
  readonly cell = { value: powerOn(ns16550a) };
  readonly sent: number[] = [];
  readonly socket: Socket<ReturnType<typeof ns16550a.powerOn>>;
  now = 0;

  constructor() {
    this.socket = new Socket(ns16550a, this.cell, {
      wire: (name, isAsserted, at) => {
        if (name === "tx" && isAsserted) this.sent.push(this.socket.input("take", 0, at) ?? -1);
      },
    });
  }

  read(at: number): number {
    return this.socket.read(at, 1, this.now);
  }

  write(at: number, value: number): this {
    this.socket.write(at, 1, value, this.now);
    return this;
  }

  receive(...bytes: number[]): this {
    for (const byte of bytes) this.socket.input("rx", byte, this.now);
    return this;
  }

  get intr(): boolean {
    this.socket.settle(this.now);
    return this.cell.value.wires["intr"] ?? false;
  }
}

test("after reset: IIR 01, LSR 60, the rest 0", () => {
  const port = new Port();
  expect([IER, IIR, LCR, MCR, LSR, MSR].map((at) => port.read(at))).toEqual([0, 1, 0, 0, 0x60, 0]);
});

test("DLAB puts the divisor in place of RBR, THR and IER", () => {
  const port = new Port().write(IER, 0x0f).write(LCR, 0x80).write(0, 0x0c).write(1, 0x01);
  expect([port.read(0), port.read(1), port.sent]).toEqual([0x0c, 0x01, []]);
  expect(port.write(LCR, 3).read(IER)).toBe(0x0f);
  expect(port.write(SCR, 0xa5).read(SCR)).toBe(0xa5);
});

test("what is written to THR is sent, with as many bits as LCR says", () => {
  expect(new Port().write(LCR, 3).write(RBR, 0xc1).write(LCR, 0).write(RBR, 0xff).sent).toEqual([
    0xc1, 0x1f,
  ]);
});

test("THRE interrupts when enabled and after each byte, until IIR is read", () => {
  const port = new Port().write(LCR, 3).write(IER, 2);
  expect([port.intr, port.read(IIR), port.intr, port.read(IIR)]).toEqual([true, 2, false, 1]);
  expect([port.write(RBR, 0x41).intr, port.read(IIR), port.intr]).toEqual([true, 2, false]);
});

describe("receiving", () => {
  test("one byte without FIFOs; the next overruns and replaces it", () => {
    const port = new Port().write(IER, 5).receive(1);
    expect([port.read(IIR), port.read(LSR)]).toEqual([4, 0x61]);
    port.receive(2);
    expect([port.read(IIR), port.read(LSR), port.read(LSR)]).toEqual([6, 0x63, 0x61]);
    expect([port.read(RBR), port.read(IIR), port.read(LSR)]).toEqual([2, 1, 0x60]);
  });

  test("FIFOs of 16: the trigger level, then the overrun keeps what was there", () => {
    const port = new Port().write(IIR, 0x81).write(IER, 1).receive(1, 2, 3, 4, 5, 6, 7);
    expect(port.intr).toBe(false);
    expect(port.receive(8).read(IIR)).toBe(0xc4);
    expect(port.read(RBR)).toBe(1);
    expect(port.intr).toBe(false);
    port.receive(9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
    expect(port.read(LSR)).toBe(0x63);
    expect(Array.from({ length: 16 }, () => port.read(RBR))).toEqual([
      2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
    ]);
    expect(port.read(LSR)).toBe(0x60);
  });

  test("the timeout comes four characters after the last byte: 8N1 at 9600 baud", () => {
    const port = new Port().write(LCR, 0x83).write(0, 12).write(LCR, 3);
    port.write(IIR, 0xc1).write(IER, 1).receive(7);
    port.now = 4_166_666;
    expect([port.intr, port.read(IIR)]).toEqual([false, 0xc1]);
    port.now = 4_166_667;
    expect([port.intr, port.read(IIR)]).toEqual([true, 0xcc]);
    expect([port.read(RBR), port.read(IIR)]).toEqual([7, 0xc1]);
  });

  test("the timeout is announced: its deadline is when the wire changes", () => {
    const port = new Port().write(LCR, 0x83).write(0, 12).write(LCR, 3);
    port.write(IIR, 0xc1).write(IER, 1).receive(7);
    expect(port.socket.deadline).toBe(4_166_667);
    port.socket.settle(4_166_666);
    expect(port.cell.value.wires["intr"]).toBe(false);
    port.socket.settle(4_166_667);
    expect(port.cell.value.wires["intr"]).toBe(true);
    expect(port.socket.deadline).toBe(null);
  });

  test("FCR clears the receiver's FIFO", () => {
    expect(new Port().write(IIR, 1).receive(1, 2).write(IIR, 3).read(LSR)).toBe(0x60);
  });
});

describe("the modem", () => {
  test("changes of its lines are noted once; RI only at its end", () => {
    const port = new Port().write(IER, 8);
    port.socket.input("cts", 1, 0);
    port.socket.input("ri", 1, 0);
    expect([port.intr, port.read(IIR), port.read(MSR), port.read(MSR)]).toEqual([
      true,
      0,
      0x51,
      0x50,
    ]);
    port.socket.input("ri", 0, 0);
    expect([port.read(MSR), port.intr]).toEqual([0x14, false]);
  });

  test("loopback: what is sent is received, outputs lead to inputs, and the line is cut", () => {
    const port = new Port().write(LCR, 3).write(MCR, 0x1f);
    expect(port.write(RBR, 0x5a).receive(1).read(RBR)).toBe(0x5a);
    expect([port.sent, port.read(LSR)]).toEqual([[], 0x60]);
    expect(port.read(MSR) & 0xf0).toBe(0xf0);
    // The Linux driver's test of a port: RTS and OUT2 give CTS and DCD.
    expect(port.write(MCR, 0x1a).read(MSR) & 0xf0).toBe(0x90);
    expect(port.cell.value.wires).toMatchObject({ rts: false, out2: false });
    port.write(MCR, 0x0b);
    expect(port.cell.value.wires).toMatchObject({ dtr: true, rts: true, out1: false, out2: true });
  });
});
