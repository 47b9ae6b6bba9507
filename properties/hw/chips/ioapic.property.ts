/** Laws of the I/O APIC. */

import fc from "fast-check";
import type { BusMessage, InterruptMessage } from "../../../src/hw/chips/interrupt-message.ts";
import { ioapic } from "../../../src/hw/chips/ioapic.ts";
import { lapic } from "../../../src/hw/chips/lapic.ts";
import { deliver, targetsOf } from "../../../src/hw/chips/lapic-bus.ts";
import { powerOn, Socket } from "../../../src/hw/chips/socket.ts";
import { law } from "../../support/law.ts";

law("an-edge-is-sent-once", {
  says: "Of an edge-triggered pin there are as many messages as times that it was asserted anew while it was not masked.",
  cites: "Intel 82093AA data sheet, I/O Redirection Table Registers",
  forAll: { pin: anyPin(), steps: fc.array(anyStep(), { maxLength: 40, size: "max" }) },
  holds: ({ pin, steps }) => {
    const { socket, messages } = controller();
    const write = (isMasked: boolean): void => writeEntry(socket, pin, 0x55 | mask(isMasked));
    let [isMasked, level, expected] = [true, 0, 0];
    for (const step of steps) {
      if (step === "EOI") socket.input("eoi", 0x55, 0);
      else if (step === "mask") write((isMasked = !isMasked));
      else {
        if (step === "pin") level = 1 - level;
        socket.input(`intin${pin}`, level, 0);
        if (step === "pin" && level === 1 && !isMasked) expected += 1;
      }
    }
    return messages.length === expected;
  },
});

law("a-level-is-served-until-it-goes-away", {
  says: "Of a level-triggered pin there is one message out at most; one goes out as soon as none is out while the pin is asserted and not masked.",
  cites: "Intel 82093AA data sheet, I/O Redirection Table Registers",
  forAll: { pin: anyPin(), steps: fc.array(anyStep(), { maxLength: 40, size: "max" }) },
  holds: ({ pin, steps }) => {
    const { socket, messages } = controller();
    const write = (isMasked: boolean): void => writeEntry(socket, pin, 0x8055 | mask(isMasked));
    let [isMasked, level, isOut] = [true, 0, false];
    write(isMasked);
    for (const step of steps) {
      messages.length = 0;
      if (step === "EOI") {
        socket.input("eoi", 0x55, 0);
        isOut = false;
      } else if (step === "mask") {
        write((isMasked = !isMasked));
      } else {
        if (step === "pin") level = 1 - level;
        socket.input(`intin${pin}`, level, 0);
      }
      const isDue = !isOut && level === 1 && !isMasked;
      if (messages.length !== (isDue ? 1 : 0))
        throw new Error(`${messages.length} messages after ${step}`);
      isOut ||= isDue;
    }
  },
});

law("a-message-is-what-its-entry-says", {
  says: "What a pin sends has the vector, delivery mode, destination and destination mode of its own redirection entry.",
  cites: "Intel 82093AA data sheet, I/O Redirection Table Registers",
  forAll: {
    pin: anyPin(),
    others: fc.nat(0xffff),
    vector: fc.nat(255),
    mode: fc.constantFrom(...modes()),
    isLogical: fc.boolean(),
    destination: fc.nat(255),
  },
  holds: ({ pin, others, vector, mode: [code, deliveryMode], isLogical, destination }) => {
    const { socket, messages } = controller();
    for (let other = 0; other < 24; other += 1) writeEntry(socket, other, others);
    writeEntry(socket, pin, vector | (code << 8) | (isLogical ? 0x800 : 0), destination);
    socket.input(`intin${pin}`, 1, 0);
    const [message] = messages as InterruptMessage[];
    return (
      messages.length === 1 &&
      message?.vector === vector &&
      message.deliveryMode === deliveryMode &&
      message.destination === destination &&
      message.destinationMode === (isLogical ? "logical" : "physical")
    );
  },
});

law("a-shared-level-reaches-the-cpu-until-each-device-is-content", {
  says: "Of devices on level-triggered pins, whose handler serves one at a time and then writes EOI, every one is served, and then INTR is silent.",
  cites: 'SDM Vol. 3, "Signaling Interrupt Servicing Completion"',
  forAll: {
    devices: fc.array(fc.record({ pin: anyPin(), needs: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
    shared: fc.boolean(),
  },
  holds: ({ devices, shared }) => {
    const apic = new Socket(lapic, { value: powerOn(lapic) }, { message: (m) => onBus(m) });
    const pins = new Socket(ioapic, { value: powerOn(ioapic) }, { message: (m) => onBus(m) });
    const onBus = (message: BusMessage): void => {
      if ("eoi" in message) pins.input("eoi", message.eoi, 0);
      else for (const _ of targetsOf(message, [apic.state], null)) deliver(message, apic, 0);
    };
    apic.write(0xf0, 4, 0x1ff, 0);
    const vectorOf = (pin: number): number => (shared ? 0x60 : 0x30 + 5 * pin);
    const left = new Map(devices.map(({ pin, needs }) => [pin, needs]));
    for (const pin of left.keys()) writeEntry(pins, pin, 0x8000 | vectorOf(pin));
    for (const pin of left.keys()) pins.input(`intin${pin}`, 1, 0);
    for (let count = 0; count < 100; count += 1) {
      const vector = apic.input("inta", 0, 0) ?? 0;
      if (vector === 0xff) break;
      const pin = [...left.keys()].find(
        (each) => vectorOf(each) === vector && left.get(each) !== 0,
      );
      if (pin !== undefined) left.set(pin, (left.get(pin) ?? 0) - 1);
      if (pin !== undefined && left.get(pin) === 0) pins.input(`intin${pin}`, 0, 0);
      apic.write(0xb0, 4, 0, 0);
    }
    return [...left.values()].every((needs) => needs === 0) && apic.input("inta", 0, 0) === 0xff;
  },
});

// Helpers

function anyPin(): fc.Arbitrary<number> {
  return fc.nat(23);
}

function anyStep(): fc.Arbitrary<"pin" | "pin again" | "mask" | "EOI"> {
  return fc.constantFrom("pin", "pin", "pin again", "mask", "EOI");
}

function modes() {
  return [
    [0, "fixed"],
    [1, "lowest priority"],
    [2, "SMI"],
    [4, "NMI"],
    [5, "INIT"],
    [7, "ExtINT"],
  ] as const;
}

const mask = (isMasked: boolean): number => (isMasked ? 0x1_0000 : 0);

function controller() {
  const messages: BusMessage[] = [];
  const cell = { value: powerOn(ioapic) };
  const socket = new Socket(ioapic, cell, { message: (message) => messages.push(message) });
  return { socket, messages };
}

function writeEntry(
  socket: ReturnType<typeof controller>["socket"],
  pin: number,
  low: number,
  destination = 0,
): void {
  socket.write(0, 4, 0x11 + 2 * pin, 0);
  socket.write(0x10, 4, destination * 0x100_0000, 0);
  socket.write(0, 4, 0x10 + 2 * pin, 0);
  socket.write(0x10, 4, low, 0);
}
