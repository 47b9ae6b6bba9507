import { describe, expect, test } from "vitest";
import { EXTINT, LAPIC_EVENT, lapic, type Lapic } from "./lapic.ts";
import { targetsOf } from "./lapic-bus.ts";
import type { BusMessage, InterruptMessage } from "./interrupt-message.ts";
import { readLapicMsr, writeLapicMsr } from "./lapic-msr.ts";
import { powerOn, Socket } from "./socket.ts";

class Apic {
  readonly cell = { value: powerOn(lapic) };
  readonly messages: BusMessage[] = [];
  readonly socket = new Socket(lapic, this.cell, {
    message: (message) => this.messages.push(message),
  });

  constructor(id = 0) {
    this.socket.input("id", id, 0);
    this.write(0xf0, 0x1ff);
  }

  write(offset: number, value: number, now = 0): this {
    this.socket.write(offset, 4, value, now);
    return this;
  }

  read(offset: number, now = 0): number {
    return this.socket.read(offset, 4, now);
  }

  input(name: string, value: number, now = 0): number | undefined {
    return this.socket.input(name, value, now);
  }

  get intr(): boolean {
    return this.cell.value.wires["intr"] ?? false;
  }
}

const X2APIC = 0xfee0_0c00;

test("after reset everything is masked, and only messages without a vector come through", () => {
  const apic = new Socket(lapic, { value: powerOn(lapic) });
  expect(apic.read(0xf0, 4, 0)).toBe(0xff);
  expect(apic.read(0xe0, 4, 0)).toBe(0xffff_ffff);
  for (const at of [0x320, 0x330, 0x340, 0x350, 0x360, 0x370])
    expect(apic.read(at, 4, 0)).toBe(0x1_0000);
  // Software-disabled, an entry cannot be unmasked.
  apic.write(0x350, 4, 0x700, 0);
  expect(apic.read(0x350, 4, 0)).toBe(0x1_0700);
  apic.input("fixed", 0x40, 0);
  expect(apic.read(0x220, 4, 0)).toBe(0);
  apic.input("nmi", 0, 0);
  expect(apic.input("take", 0, 0)).toBe(LAPIC_EVENT.nmi);
  expect(apic.input("take", 0, 0)).toBe(0);
});

describe("pins", () => {
  test("virtual wire: LINT0 as ExtINT asks for the external controller's vector, LINT1 as NMI", () => {
    const apic = new Apic().write(0x350, 0x700).write(0x360, 0x400);
    apic.input("lint0", 1);
    expect([apic.intr, apic.input("inta", 0)]).toEqual([true, EXTINT]);
    expect(apic.read(0x100)).toBe(0);
    apic.input("lint0", 0);
    expect(apic.intr).toBe(false);
    apic.input("lint1", 1);
    expect(apic.input("take", 0)).toBe(LAPIC_EVENT.nmi);
    // The edge is used up.
    apic.input("lint1", 1);
    expect(apic.input("take", 0)).toBe(0);
  });

  test("a disabled APIC leaves the pins to INTR and NMI", () => {
    const apic = new Apic();
    apic.input("base", 0xfee0_0000);
    apic.input("lint0", 1);
    apic.input("lint1", 1);
    expect([apic.intr, apic.input("inta", 0)]).toEqual([true, EXTINT]);
    expect(apic.input("take", 0)).toBe(LAPIC_EVENT.nmi);
    expect(apic.read(0x30)).toBe(0xffff_ffff);
  });

  test("a level on LINT0 is requested again after its EOI while it stays, active low too", () => {
    const apic = new Apic();
    apic.input("lint0", 1);
    apic.write(0x350, 0xa041);
    expect(apic.intr).toBe(false);
    apic.input("lint0", 0);
    expect(apic.input("inta", 0)).toBe(0x41);
    expect(apic.read(0x350)).toBe(0xe041);
    apic.write(0xb0, 0);
    expect(apic.input("inta", 0)).toBe(0x41);
    apic.input("lint0", 1);
    apic.write(0xb0, 0);
    expect([apic.intr, apic.read(0x350)]).toEqual([false, 0xa041]);
  });
});

describe("priorities", () => {
  test("CR8 is the task priority's class", () => {
    const apic = new Apic().write(0x80, 0x35);
    apic.input("cr8", 3);
    expect(apic.read(0x80)).toBe(0x35);
    apic.input("fixed", 0x41);
    apic.input("cr8", 4);
    expect([apic.read(0x80), apic.intr]).toEqual([0x40, false]);
    apic.input("cr8", 3);
    expect([apic.read(0x80), apic.read(0xa0), apic.intr]).toEqual([0x30, 0x30, true]);
  });

  test("an interrupt held back before its acknowledge is spurious", () => {
    const apic = new Apic().write(0xf0, 0x1ef);
    apic.input("fixed", 0x41);
    apic.write(0x80, 0x40);
    expect(apic.input("inta", 0)).toBe(0xef);
    expect([apic.read(0x120), apic.read(0x220)]).toEqual([0, 2]);
  });
});

test("the ID can be written in xAPIC mode; x2APIC mode and a disabled APIC know only the first", () => {
  const apic = new Apic(5).write(0x20, 0xab00_0000);
  const physical = {
    destinationMode: "physical",
    shorthand: "none",
    deliveryMode: "fixed",
  } as const;
  const message = { ...physical, vector: 0x50, triggerMode: "edge", assert: true } as const;
  const reaches = (destination: number): boolean =>
    targetsOf({ ...message, destination }, [apic.socket.state], null).length === 1;
  expect([apic.read(0x20), reaches(0xab), reaches(5)]).toEqual([0xab00_0000, true, false]);
  apic.input("base", X2APIC);
  expect([apic.read(0x20), reaches(0xab), reaches(5)]).toEqual([5, false, true]);
  apic.input("base", 0xfee0_0000);
  apic.input("base", 0xfee0_0800);
  expect(apic.read(0x20)).toBe(0x0500_0000);
});

test("illegal vectors are errors, which have an interrupt of their own", () => {
  const apic = new Apic().write(0x370, 0xfe).write(0x300, 0x0f);
  expect(apic.input("inta", 0)).toBe(0xfe);
  apic.input("fixed", 5);
  expect(apic.read(0x280)).toBe(0);
  expect(apic.write(0x280, 0).read(0x280)).toBe(0x60);
  expect(apic.write(0x280, 0).read(0x280)).toBe(0);
  expect(apic.messages).toEqual([]);
  // An error entry that is wrong itself ends there.
  apic.write(0x370, 5).write(0x300, 0x0f).write(0x280, 0);
  expect([apic.read(0x280), apic.intr]).toEqual([0x20, false]);
});

test("turning the APIC off in SVR masks all entries, any other write of SVR leaves them", () => {
  const apic = new Apic().write(0x350, 0x700).write(0x320, 0x41).write(0xf0, 0x1fe);
  expect([apic.read(0x350), apic.read(0x320)]).toEqual([0x700, 0x41]);
  apic.write(0xf0, 0xfe).write(0xf0, 0x1fe);
  expect([apic.read(0x350), apic.read(0x320)]).toEqual([0x1_0700, 0x1_0041]);
});

test("IPIs leave when ICR's low half is written", () => {
  const apic = new Apic();
  apic.write(0x310, 0x0300_0000).write(0x300, 0x4500);
  apic.write(0x300, 0xc_0000 | 0x4608);
  apic.write(0x300, 0x8500);
  apic.write(0x300, 0x4300);
  expect(apic.messages).toMatchObject([
    { destination: 3, destinationMode: "physical", deliveryMode: "INIT", assert: true },
    { shorthand: "all excluding self", deliveryMode: "startup", vector: 8, triggerMode: "edge" },
    { destination: 3, deliveryMode: "INIT", assert: false, triggerMode: "level" },
  ]);
});

test("INIT resets all but the ID; a startup IPI before it is lost, one behind it is not", () => {
  const apic = new Apic(5).write(0x80, 0x20);
  apic.input("startup", 7);
  apic.input("init", 0);
  expect(apic.input("take", 0)).toBe(LAPIC_EVENT.init);
  apic.input("init", 0);
  expect([apic.read(0x20), apic.read(0x80), apic.read(0xf0)]).toEqual([0x0500_0000, 0, 0xff]);
  apic.input("startup", 6);
  apic.input("startup", 9);
  expect(apic.input("take", 0)).toBe(LAPIC_EVENT.init | LAPIC_EVENT.startup | 0x900);
});

describe("the timer", () => {
  test("a masked timer counts; unmasked after expiry it has nothing to tell", () => {
    const apic = new Apic().write(0x3e0, 0xb).write(0x380, 100, 50);
    expect(apic.read(0x390, 100)).toBe(50);
    expect(apic.read(0x390, 150)).toBe(0);
    apic.write(0x320, 0x40, 200);
    expect(apic.intr).toBe(false);
  });

  test("changing the divisor keeps the count", () => {
    const apic = new Apic().write(0x320, 0x40).write(0x3e0, 0xb).write(0x380, 100, 0);
    apic.write(0x3e0, 0, 60);
    expect(apic.read(0x390, 60)).toBe(40);
    apic.socket.settle(139);
    expect(apic.intr).toBe(false);
    apic.socket.settle(140);
    expect(apic.intr).toBe(true);
  });

  test("one-shot to periodic goes on; TSC-deadline mode stops it and ignores counts", () => {
    const apic = new Apic().write(0x320, 0x40).write(0x3e0, 0xb).write(0x380, 100, 0);
    apic.write(0x320, 0x2_0040, 30);
    expect([apic.read(0x390, 30), apic.read(0x390, 110)]).toEqual([70, 90]);
    apic.write(0x320, 0x4_0040, 130);
    apic.write(0x380, 100, 130);
    expect([apic.read(0x380, 130), apic.read(0x390, 130)]).toEqual([0, 0]);
    expect(writeLapicMsr(apic.socket, 0x6e0, 500n, 140)).toBe(true);
    expect(readLapicMsr(apic.socket, 0x6e0, 141)).toBe(500n);
    expect(apic.socket.deadline).toBe(null);
    apic.input("inta", 0, 142);
    expect(apic.socket.deadline).toBe(500);
  });

  test("outside TSC-deadline mode the deadline cannot be set", () => {
    const apic = new Apic();
    expect(writeLapicMsr(apic.socket, 0x6e0, 500n, 0)).toBe(true);
    expect(readLapicMsr(apic.socket, 0x6e0, 0)).toBe(0n);
  });
});

describe("x2APIC mode", () => {
  test("32-bit IDs, a logical ID made of them, a 64-bit ICR and SELF IPI", () => {
    const apic = new Apic(0x123);
    expect(apic.read(0x20)).toBe(0x2300_0000);
    expect(readLapicMsr(apic.socket, 0x802, 0)).toBe(null);
    apic.input("base", X2APIC);
    expect(readLapicMsr(apic.socket, 0x802, 0)).toBe(0x123n);
    expect(readLapicMsr(apic.socket, 0x80d, 0)).toBe(0x12_0008n);
    expect(writeLapicMsr(apic.socket, 0x830, 0x1234_5678_0000_00f0n, 0)).toBe(true);
    expect(writeLapicMsr(apic.socket, 0x83f, 0xf1n, 0)).toBe(true);
    expect(apic.messages).toMatchObject([
      { destination: 0x1234_5678, vector: 0xf0, shorthand: "none" },
      { vector: 0xf1, shorthand: "self" },
    ]);
  });

  test("what is not there or of the wrong kind is #GP", () => {
    const apic = new Apic();
    apic.input("base", X2APIC);
    for (const number of [0x80b, 0x83f, 0x809, 0x80c, 0x80e, 0x82f, 0x831, 0x800])
      expect(readLapicMsr(apic.socket, number, 0)).toBe(null);
    for (const [number, value] of [
      [0x802, 0n],
      [0x80b, 1n],
      [0x828, 1n],
      [0x808, 0x100n],
      [0x830, 0x1000n],
      [0x83e, 4n],
      [0x838, 1n << 32n],
      [0x831, 0n],
    ] as const)
      expect(writeLapicMsr(apic.socket, number, value, 0)).toBe(false);
  });
});

describe("destinations", () => {
  const message: InterruptMessage = {
    destination: 0,
    destinationMode: "logical",
    shorthand: "none",
    deliveryMode: "fixed",
    vector: 0x50,
    triggerMode: "edge",
    assert: true,
  };
  const apics = (set: (apic: Apic, i: number) => void): Readonly<Lapic>[] =>
    Array.from({ length: 4 }, (_, i) => {
      const apic = new Apic(i);
      set(apic, i);
      return apic.socket.state;
    });
  const targets = (states: Readonly<Lapic>[], destination: number, sender: number | null = null) =>
    targetsOf({ ...message, destination }, states, sender);

  test("flat model: any bit in common; FFh is everybody", () => {
    const flat = apics((apic, i) => apic.write(0xd0, 0x100_0000 * (1 << i)));
    expect(targets(flat, 0x0a)).toEqual([1, 3]);
    expect(targets(flat, 0xff)).toEqual([0, 1, 2, 3]);
  });

  test("cluster model: the cluster, and a bit within", () => {
    const clusters = apics((apic, i) => {
      apic.write(0xe0, 0x0fff_ffff);
      apic.write(0xd0, 0x100_0000 * (((i >> 1) << 4) | (1 << (i & 1))));
    });
    expect(targets(clusters, 0x12)).toEqual([3]);
    expect(targets(clusters, 0x03)).toEqual([0, 1]);
    expect(targets(clusters, 0xf1)).toEqual([0, 2]);
  });

  test("FFh from a device is everybody, from an x2APIC it is ID 255", () => {
    const wide = apics((apic) => apic.input("base", X2APIC));
    const physical = { ...message, destinationMode: "physical", destination: 0xff } as const;
    expect(targetsOf(physical, wide, null)).toEqual([0, 1, 2, 3]);
    expect(targetsOf(physical, wide, 1)).toEqual([]);
    expect(targets(wide, 0xffff_ffff, 1)).toEqual([0, 1, 2, 3]);
    expect(targets(wide, 0x0000_0005, 1)).toEqual([0, 2]);
    expect(targets(wide, 0x0001_0005, 1)).toEqual([]);
  });
});
