/** Laws of the local APIC. */

import fc from "fast-check";
import type { InterruptMessage } from "../../../src/hw/chips/interrupt-message.ts";
import { lapic } from "../../../src/hw/chips/lapic.ts";
import { deliver, targetsOf } from "../../../src/hw/chips/lapic-bus.ts";
import { readLapicMsr, writeLapicMsr } from "../../../src/hw/chips/lapic-msr.ts";
import { powerOn, Socket } from "../../../src/hw/chips/socket.ts";
import { firstDifference } from "../../../src/sim/data.ts";
import { law } from "../../support/law.ts";

law("the-highest-vector-above-the-processor-priority-is-next", {
  says: "INTR is asserted exactly while a vector is requested whose class is above those in service and the task priority's; the acknowledge gives the highest such vector, an EOI ends the highest in service, and no vector gets lost.",
  cites: 'SDM Vol. 3, "Interrupt, Task, and Processor Priority"',
  forAll: { steps: fc.array(anyStep(), { maxLength: 60, size: "max" }) },
  runs: 200,
  holds: ({ steps }) => {
    const apic = enabled();
    const requested = new Set<number>();
    const served = new Set<number>();
    let task = 0;
    for (const { kind, value } of steps) {
      const classes = [task >> 4, ...[...served].map((vector) => vector >> 4)];
      const next = Math.max(...requested, -1);
      const isDue = next >> 4 > Math.max(...classes);
      if (apic.wires["intr"] !== isDue) throw new Error(`INTR is ${String(!isDue)}`);
      if (kind === "request") {
        apic.socket.input("fixed", value, 0);
        requested.add(value);
      } else if (kind === "task priority") {
        apic.socket.write(TPR, 4, value, 0);
        task = value;
      } else if (kind === "EOI") {
        apic.socket.write(EOI, 4, 0, 0);
        served.delete(Math.max(...served));
      } else {
        const vector = apic.socket.input("inta", 0, 0);
        const expected = isDue ? next : SPURIOUS;
        if (vector !== expected) throw new Error(`${vector} instead of ${expected}`);
        if (isDue) requested.delete(next);
        if (isDue) served.add(next);
      }
      same("IRR", membersOf(apic.socket, IRR), requested);
      same("ISR", membersOf(apic.socket, ISR), served);
    }
  },
});

law("a-level-triggered-vector-is-ended-on-the-bus", {
  says: "An EOI goes out to the I/O APICs exactly when the vector that it ends had come level-triggered, whatever it was before, unless SVR suppresses it.",
  cites: 'SDM Vol. 3, "Signaling Interrupt Servicing Completion"',
  forAll: {
    vector: anyVector(),
    levels: fc.array(fc.boolean(), { maxLength: 4 }),
    suppressed: fc.boolean(),
  },
  holds: ({ vector, levels, suppressed }) => {
    const apic = enabled();
    apic.socket.write(SVR, 4, suppressed ? 0x11ff : 0x1ff, 0);
    for (const isLevel of levels) {
      apic.socket.input("fixed", vector | (isLevel ? 0x100 : 0), 0);
      apic.socket.input("inta", 0, 0);
      apic.socket.write(EOI, 4, 0, 0);
    }
    const expected = suppressed
      ? []
      : levels.filter((isLevel) => isLevel).map(() => ({ eoi: vector }));
    return firstDifference(apic.messages, expected) === null;
  },
});

law("the-timer-expires-after-count-times-divisor", {
  says: "A timer started at some time requests its interrupt at that time plus count times divisor, a periodic one at each further multiple; until then the current count is what is left, rounded up.",
  cites: 'SDM Vol. 3, "APIC Timer"',
  forAll: {
    start: fc.nat(100_000),
    count: fc.integer({ min: 1, max: 10_000_000 }),
    divide: fc.nat(7),
    isPeriodic: fc.boolean(),
    look: fc.nat(1000),
    wait: fc.integer({ min: 1, max: 100 }),
  },
  runs: 200,
  holds: ({ start, count, divide, isPeriodic, look, wait }) => {
    const apic = enabled();
    const divisor = divide === 7 ? 1 : 2 ** (divide + 1);
    apic.socket.write(LVT_TIMER, 4, (isPeriodic ? 0x2_0000 : 0) | 0x40, 0);
    apic.socket.write(DIVIDE, 4, (divide & 3) | ((divide & 4) << 1), 0);
    apic.socket.write(INITIAL_COUNT, 4, count, start);
    const whole = count * divisor;
    const part = Math.floor((whole * look) / 1001);
    const current = apic.socket.read(CURRENT_COUNT, 4, start + part);
    const left = Math.ceil((whole - part) / divisor);
    if (current !== left) throw new Error(`the current count is ${current} instead of ${left}`);
    apic.socket.settle(start + wait * whole);
    apic.socket.input("inta", 0, start + wait * whole);
    apic.socket.write(EOI, 4, 0, start + wait * whole);
    apic.socket.settle(start + (wait + 1) * whole);
    const times = isPeriodic ? [start + whole, start + (wait + 1) * whole] : [start + whole];
    same("times of INTR", apic.raised, times);
  },
});

law("the-deadline-timer-expires-with-the-counter", {
  says: "In TSC-deadline mode the interrupt comes in the first cycle whose time-stamp counter has reached the deadline, once, and the register then reads 0.",
  cites: 'SDM Vol. 3, "TSC-Deadline Mode"',
  forAll: {
    now: fc.nat(1_000_000),
    offset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ahead: fc.integer({ min: -1000, max: 1_000_000 }),
  },
  holds: ({ now, offset, ahead }) => {
    const apic = enabled();
    const added = BigInt.asUintN(64, offset);
    apic.socket.input("tscHigh", Number(added >> 32n), 0);
    apic.socket.input("tscLow", Number(added & 0xffff_ffffn), 0);
    apic.socket.write(LVT_TIMER, 4, 0x4_0040, 0);
    const tsc = BigInt.asUintN(64, added + BigInt(now));
    const deadline = tsc + BigInt(ahead);
    if (deadline <= 0n || deadline >= 2n ** 64n) return;
    writeLapicMsr(apic.socket, 0x6e0, deadline, now);
    apic.socket.settle(now + 3_000_000);
    same("times of INTR", apic.raised, [now + Math.max(ahead, 0)]);
    return readLapicMsr(apic.socket, 0x6e0, now + 3_000_000) === 0n;
  },
});

law("what-msrs-refuse-changes-nothing", {
  says: "In x2APIC mode a WRMSR either is #GP and changes no register, or the register then reads as written, if it can be read.",
  cites: 'SDM Vol. 3, "x2APIC Register Address Space", "Reserved Bit Checking"',
  forAll: {
    number: fc.oneof(fc.integer({ min: 0x7ff, max: 0x840 }), fc.constantFrom(0x830, 0x80f, 0x832)),
    value: fc.oneof(
      fc.constant(0n),
      fc.bigInt({ min: 0n, max: 0xffn }),
      fc.nat(63).map((bit) => (1n << BigInt(bit)) | 0x40n),
    ),
  },
  runs: 600,
  holds: ({ number, value }) => {
    const apic = enabled();
    apic.socket.input("base", 0xfee0_0c00, 0);
    const before = readLapicMsr(apic.socket, number, 0);
    const wasTaken = writeLapicMsr(apic.socket, number, value, 0);
    const after = readLapicMsr(apic.socket, number, 0);
    if (!wasTaken) return before === after;
    // Delivery status and remote IRR are read-only; ESR shows what has happened since.
    const statuses = number >= 0x832 && number <= 0x837 ? 0x5000n : 0n;
    return after === null || number === 0x828 || after === (value & ~statuses);
  },
});

law("who-a-message-is-for", {
  says: "A physical message reaches exactly the APIC of its ID, a shorthand exactly whom it names, and lowest priority one software-enabled APIC of those that a fixed message would reach, if there is one, whose task priority nobody there undercuts.",
  cites: 'SDM Vol. 3, "Determining IPI Destination"',
  forAll: {
    apics: fc.array(
      fc.record({ mode: fc.constantFrom("xAPIC", "x2APIC"), tpr: fc.nat(255), on: fc.boolean() }),
      { minLength: 1, maxLength: 9 },
    ),
    destination: fc.nat(20),
    sender: fc.nat(8),
    logical: fc.boolean(),
    shorthand: fc.constantFrom("none", "self", "all including self", "all excluding self"),
  },
  runs: 300,
  holds: ({ apics, destination, sender: anySender, logical, shorthand }) => {
    const sockets = apics.map(({ mode, tpr, on }, i) => placed(i, mode === "x2APIC", tpr, on));
    const states = sockets.map(({ state }) => state);
    const sender = anySender % apics.length;
    const message: InterruptMessage = {
      destination,
      destinationMode: logical ? "logical" : "physical",
      shorthand,
      deliveryMode: "fixed",
      vector: 0x51,
      triggerMode: "edge",
      assert: true,
    };
    const targets = targetsOf(message, states, sender);
    const expected = [...apics.keys()].filter((i) => {
      if (shorthand === "none") return logical ? (destination & (1 << i)) !== 0 : i === destination;
      return shorthand === "all including self" || (i === sender) === (shorthand === "self");
    });
    same("targets", targets, expected);
    for (const i of targets) deliver(message, sockets[i] as (typeof sockets)[0], 0);
    const [one, ...more] = targetsOf(
      { ...message, deliveryMode: "lowest priority" },
      states,
      sender,
    );
    const takers = targets.filter((i) => apics[i]?.on === true);
    if (more.length > 0 || (one === undefined) !== (takers.length === 0)) return false;
    const priority = (i: number): number => (apics[i]?.tpr ?? 0) >> 4;
    return one === undefined || takers.every((i) => priority(one) <= priority(i));
  },
});

// Helpers

const TPR = 0x80;
const EOI = 0xb0;
const SVR = 0xf0;
const ISR = 0x100;
const IRR = 0x200;
const LVT_TIMER = 0x320;
const INITIAL_COUNT = 0x380;
const CURRENT_COUNT = 0x390;
const DIVIDE = 0x3e0;
const SPURIOUS = 0xff;

function anyVector(): fc.Arbitrary<number> {
  return fc.integer({ min: 16, max: 255 });
}

interface Step {
  readonly kind: "request" | "task priority" | "EOI" | "acknowledge";
  readonly value: number;
}

function anyStep(): fc.Arbitrary<Step> {
  return fc.oneof(
    fc.record({ kind: fc.constant("request" as const), value: anyVector() }),
    fc.record({ kind: fc.constant("task priority" as const), value: fc.nat(255) }),
    fc.record({
      kind: fc.constantFrom("EOI" as const, "acknowledge" as const, "acknowledge" as const),
      value: fc.constant(0),
    }),
  );
}

/** A software-enabled xAPIC, and what is seen of it. */
function enabled() {
  const cell = { value: powerOn(lapic) };
  const messages: unknown[] = [];
  const raised: number[] = [];
  const socket = new Socket(lapic, cell, {
    message: (message) => messages.push(message),
    wire: (name, isAsserted, at) => {
      if (name === "intr" && isAsserted) raised.push(at);
    },
  });
  socket.write(SVR, 4, 0x100 | SPURIOUS, 0);
  return { socket, messages, raised, wires: cell.value.wires };
}

/** The APIC of an ID below 16, with a logical ID of one bit in the flat model. */
function placed(id: number, isX2apic: boolean, tpr: number, on: boolean) {
  const { socket } = enabled();
  socket.input("id", id, 0);
  socket.write(0xd0, 4, ((1 << id) & 0xff) * 0x100_0000, 0);
  socket.write(TPR, 4, tpr, 0);
  if (!on) socket.write(SVR, 4, 0xff, 0);
  if (isX2apic) socket.input("base", 0xfee0_0c00, 0);
  return socket;
}

function membersOf(socket: Socket<never> | Socket, at: number): readonly number[] {
  const members: number[] = [];
  for (let vector = 0; vector < 256; vector += 1) {
    const word = socket.read(at + 16 * (vector >> 5), 4, 0);
    if (((word >>> (vector & 31)) & 1) === 1) members.push(vector);
  }
  return members;
}

function same(what: string, seen: Iterable<number>, expected: Iterable<number>): void {
  const [left, right] = [seen, expected].map((set) => [...set].toSorted((a, b) => a - b).join());
  if (left !== right) throw new Error(`${what}: ${left} instead of ${right}`);
}
