/** Laws of interrupts of guests: who gets them, and when. */

import fc from "fast-check";
import { must, VENDORS } from "../support/kvm-guest.ts";
import {
  IrqGuest,
  NMI,
  NMI_OVER,
  type Op,
  straight,
  type Straight,
  type Taken,
} from "../support/kvm-irqs.ts";
import { law } from "../support/law.ts";

const DB = 1;
/** Delivery mode of a message. */
const NMI_MESSAGE = 0x400;
const TF = 0x102n;
/** Enough for any of the programs. */
const ENOUGH = 60_000;
/** For a handler, and nothing else. */
const SOON = 8000;

const STEPS = ["nop", "mov ss", "in", "out", "cpuid", "touch"] as const;
const FLAG_STEPS = ["cli", "sti", "open by popf", "shut by popf"] as const;
const anyOf = (...kinds: readonly Exclude<Op["is"], "CR8">[]): fc.Arbitrary<Op> =>
  fc.constantFrom(...kinds).map((is) => ({ is }));
const anySlices = () => fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 });

law("each-instruction-is-traced-once", {
  says: "A guest with the trap flag set has a debug exception behind each instruction but a load of SS, whoever carries it out, however often the vCPU is stopped and on whichever CPU it goes on.",
  cites:
    "SDM Vol. 3, Single-Step Exception Condition; Masking Exceptions and Interrupts When Switching Stacks; Checks on Guest Non-Register State; APM Vol. 2, Single Stepping",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    ops: fc.array(anyOf(...STEPS, "cli", "sti"), { minLength: 1, maxLength: 20 }),
    slices: anySlices(),
    cpus: fc.array(fc.nat(1), { minLength: 1, maxLength: 10 }),
  },
  runs: 40,
  holds: ({ vendor, ops, slices, cpus }) => {
    const guest = new IrqGuest(vendor, 1);
    const program = straight(ops, 0);
    guest.prepare();
    guest.start(0, program, TF);
    for (let i = 0; i < 150; i += 1)
      guest.go(0, cpus[i % cpus.length] ?? 0, slices[i % slices.length] ?? 1);
    const expected = [...program.boundaries]
      .filter(([at, { isBehindMovSs }]) => !isBehindMovSs && at <= program.end)
      .map(([at]) => at)
      .slice(1);
    const steps = guest.taken(0);
    if (steps.some(({ vector }) => vector !== DB)) throw new Error("not a debug exception");
    const seen = steps.map(({ rip }) => rip).slice(0, expected.length);
    const count = Math.min(seen.length, expected.length);
    if (seen.slice(0, count).join() !== expected.slice(0, count).join())
      throw new Error(`${seen.join()}\n${expected.join()}`);
    guest.go(0, 0, ENOUGH);
    return guest.taken(0).length >= expected.length;
  },
});

/** It arrives in a shadow in which the guest is left for a page that is missing; nothing else takes it out. */
const HELD: Op[] = [{ is: "mov ss" }, { is: "touch" }];
const IN_A_SHADOW = VENDORS.flatMap((vendor) =>
  Array.from({ length: 24 }, (_none, before) => ({
    vendor,
    ops: HELD,
    slices: Array.from({ length: before + 1 }, (_, i): [number, boolean] => [1, i === before]),
    cpus: [0],
    nested: [false],
  })),
);

law("an-nmi-is-taken-once", {
  says: "A non-maskable interrupt is taken once, at the next boundary that is in no shadow, whether interrupts are let in or not, and not while another is being handled, but behind its IRET.",
  cites:
    "SDM Vol. 3, Handling Multiple NMIs; Linux, Documentation/virt/kvm/api.rst, KVM_NMI; APM Vol. 2, NMI Support",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    ops: fc.array(anyOf(...STEPS, ...FLAG_STEPS), { minLength: 1, maxLength: 20 }),
    slices: fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), {
      minLength: 1,
      maxLength: 40,
    }),
    cpus: fc.array(fc.nat(1), { minLength: 1, maxLength: 10 }),
    nested: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  },
  runs: 40,
  once: IN_A_SHADOW,
  holds: ({ vendor, ops, slices, cpus, nested }) => {
    const guest = new IrqGuest(vendor, 1);
    const program = straight(ops, 0);
    guest.prepare();
    guest.start(0, program);
    const count = (): number => guest.taken(0).filter(({ vector }) => vector === NMI).length;
    // What is sent while one waits is the same one.
    let [sent, isSame, atLast] = [0, false, -1];
    const send = (): void => {
      if (!isSame) sent += 1;
      isSame = true;
      atLast = count();
      // Of a vCPU that runs no ioctl is taken.
      if (guest.of(0, "KVM_NMI", null) !== 0) guest.message(0, NMI_MESSAGE);
    };
    const run = (cpu: number, cycles: number, mayNest: boolean): void => {
      let asked = 0;
      guest.go(0, cpu, cycles, () => {
        isSame = false;
        if (mayNest && nested[asked % nested.length] === true && asked < 4) send();
        asked += 1;
      });
      isSame = false;
    };
    for (const [i, [cycles, isSent]] of slices.entries()) {
      run(cpus[i % cpus.length] ?? 0, cycles, true);
      if (isSent) send();
    }
    run(0, ENOUGH, false);
    if (count() > sent || count() <= atLast) throw new Error(`${count()} taken of ${sent}`);
    for (const cpu of cpus) {
      const before = count();
      send();
      send();
      run(cpu, SOON, false);
      if (count() !== before + 1) throw new Error(`${count() - before} taken instead of one`);
    }
    const taken = guest.taken(0);
    for (const [i, { vector, rip }] of taken.entries()) {
      if (vector !== (i % 2 === 0 ? NMI : NMI_OVER)) throw new Error("one within another");
      const place = program.boundaries.get(rip);
      if (vector === NMI && place?.isShadowed === true) throw new Error("in a shadow");
    }
    return true;
  },
});

const ALL_STEPS = [...STEPS, ...FLAG_STEPS, "hlt"] as const;
const anyOp = (): fc.Arbitrary<Op> =>
  fc.oneof(
    { weight: 8, arbitrary: anyOf(...ALL_STEPS) },
    fc.nat(13).map((value): Op => ({ is: "CR8", value })),
  );

const anyRequest = () =>
  fc.record({
    how: fc.constantFrom("message", "logical message", "line", "eventfd"),
    to: fc.nat(1),
    cycles: fc.integer({ min: 1, max: 2000 }),
    runs: fc.nat(1),
    cpu: fc.nat(1),
  });

/** Above all task priorities that programs set: for who halts without anything to come. */
const WAKE = 0xf0;
const FIRST_PIN = 16;
const SAME_AS_PIN_OF_IOAPIC = 8;

law("an-interrupt-comes-once-where-it-is-to", {
  says: "An interrupt that a line, a message or an eventfd asserts is taken once by the vCPU that the controllers name, with its vector; only while interrupts are let in, in no shadow of STI or MOV SS, above the task priority, and of several that wait the highest first.",
  cites:
    "SDM Vol. 3, Interrupt, Task, and Processor Priority; Masking Maskable Hardware Interrupts; Linux, Documentation/virt/kvm/api.rst, KVM_IRQ_LINE, KVM_SIGNAL_MSI, KVM_IRQFD",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    programs: fc.tuple(fc.array(anyOp(), { maxLength: 25 }), fc.array(anyOp(), { maxLength: 25 })),
    requests: fc.array(anyRequest(), { minLength: 1, maxLength: SAME_AS_PIN_OF_IOAPIC }),
    vectors: fc.uniqueArray(fc.integer({ min: 0x30, max: 0xef }), { minLength: 8, maxLength: 8 }),
  },
  runs: 60,
  holds: ({ vendor, programs, requests, vectors }) => {
    const guest = new IrqGuest(vendor, 2);
    guest.prepare();
    guest.route(requests.map(({ to }, i) => ({ pin: FIRST_PIN + i, vector: vectors[i] ?? 0, to })));
    const running = programs.map((ops, vcpu) => straight(ops, vcpu));
    for (const [vcpu, program] of running.entries()) guest.start(vcpu, program);
    const go = (vcpu: number, cpu: number, cycles: number): void => {
      const before = guest.taken(vcpu).length;
      if (guest.go(vcpu, cpu, cycles) === "sleeps") guest.message(vcpu, WAKE);
      // The first may have been on its way already.
      const fresh = guest.taken(vcpu).slice(before + 1);
      if (fresh.some(({ vector }, i) => vector >= (fresh[i - 1]?.vector ?? 256)))
        throw new Error(`order: ${fresh.map(({ vector }) => vector).join()}`);
    };
    for (const [i, { how, to, cycles, runs, cpu }] of requests.entries()) {
      go(runs, cpu, cycles);
      assert(guest, how, { to, vector: vectors[i] ?? 0, pin: FIRST_PIN + i });
    }
    for (let i = 0; i < 40; i += 1) for (const vcpu of [0, 1]) go(vcpu, i % 2, 3000);
    for (const [vcpu, program] of running.entries()) {
      const taken = guest.taken(vcpu).filter(({ vector }) => vector !== WAKE);
      const expected = vectors.filter((_, i) => requests[i]?.to === vcpu);
      const seen = taken.map(({ vector }) => vector);
      if (ascending(seen) !== ascending(expected))
        throw new Error(`vCPU ${vcpu}: ${ascending(seen)}, not ${ascending(expected)}`);
      for (const one of guest.taken(vcpu)) check(one, program);
    }
    return true;
  },
});

const ascending = (vectors: readonly number[]): string => vectors.toSorted((a, b) => a - b).join();

function check({ vector, rip, cr8, isOpen }: Taken, { boundaries }: Straight): void {
  const place = boundaries.get(rip);
  if (!isOpen || place?.isOpen !== true) throw new Error(`${vector} with interrupts shut`);
  if (place.isShadowed) throw new Error(`${vector} in a shadow`);
  if (vector >> 4 <= cr8) throw new Error(`${vector} at priority ${cr8}`);
}

function assert(
  guest: IrqGuest,
  how: "message" | "logical message" | "line" | "eventfd",
  { to, vector, pin }: { readonly to: number; readonly vector: number; readonly pin: number },
): void {
  if (how === "message") guest.message(to, vector);
  else if (how === "logical message") guest.message(1 << to, vector, LOGICAL);
  else if (how === "line")
    for (const level of [1, 0]) must(guest.ofVm("KVM_IRQ_LINE", { irq: pin, level }));
  else {
    const { file, fd } = guest.newEventfd();
    must(guest.ofVm("KVM_IRQFD", { fd, gsi: pin, flags: 0, resamplefd: 0 }));
    file.signal();
    if (file.read() !== 0n) throw new Error("nobody has read the eventfd");
  }
}

/** Of the address of a message. */
const LOGICAL = 4;

/** Places that nothing answers at: in memory, and ports. */
const [HOLE, PORT] = [0x20_0000, 0x500] as const;
const [DATAMATCH, PIO, DEASSIGN] = [1, 2, 4] as const;

interface Write {
  readonly isPort: boolean;
  readonly offset: number;
  readonly size: number;
  readonly value: bigint;
}

interface Place extends Omit<Write, "value"> {
  readonly match: bigint | null;
  readonly fd: number;
}

const anyValue = () => fc.constantFrom(0n, 1n, 0x1_0000_0001n);
const anyPlace = (): fc.Arbitrary<Place> =>
  fc.record({
    isPort: fc.boolean(),
    offset: fc.constantFrom(0, 4),
    size: fc.constantFrom(0, 0, 1, 2, 4, 8),
    match: fc.option(anyValue(), { freq: 1 }),
    fd: fc.nat(2),
  });
const anyWrite = (): fc.Arbitrary<Write> =>
  fc.boolean().chain((isPort) =>
    fc.record({
      isPort: fc.constant(isPort),
      offset: fc.constantFrom(0, 4),
      size: isPort ? fc.constantFrom(1, 2, 4) : fc.constantFrom(1, 2, 4, 8),
      value: anyValue().map((value) => (isPort ? value & 1n : value)),
    }),
  );
const anyStep = () =>
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ is: fc.constant("attach" as const), place: anyPlace() }) },
    fc.record({ is: fc.constant("detach" as const), place: anyPlace() }),
    fc.record({ is: fc.constant("detach one" as const), which: fc.nat(5) }),
    fc.record({ is: fc.constant("write" as const), write: anyWrite() }),
  );

const isAt = (a: Place | Write, b: Place | Write): boolean =>
  a.isPort === b.isPort && a.offset === b.offset;
const isSame = (a: Place, b: Place): boolean =>
  isAt(a, b) && a.size === b.size && a.match === b.match && a.fd === b.fd;
/** Whether some write would be for both. */
const collides = (a: Place, b: Place): boolean =>
  isAt(a, b) &&
  (a.size === 0 ||
    b.size === 0 ||
    (a.size === b.size && (a.match === null || b.match === null || a.match === b.match)));
const isFor = (place: Place, write: Write): boolean =>
  isAt(place, write) &&
  (place.size === 0 ||
    (place.size === write.size &&
      (place.match ?? cut(write.value, write.size)) === cut(write.value, write.size)));
const cut = (value: bigint, size: number): bigint => BigInt.asUintN(8 * size, value);

function ioeventfd(guest: IrqGuest, fd: number, place: Place, isGone: boolean): unknown {
  const { isPort, offset, size, match } = place;
  const flags = (match === null ? 0 : DATAMATCH) | (isPort ? PIO : 0) | (isGone ? DEASSIGN : 0);
  const addr = BigInt((isPort ? PORT : HOLE) + offset);
  return guest.ofVm("KVM_IOEVENTFD", { datamatch: match ?? 0n, addr, len: size, fd, flags });
}

law("a-write-that-matches-signals-and-nothing-else", {
  says: "A write of the guest whose address, length and value are those of an ioeventfd signals that eventfd, once, and makes no exit; any other exits and signals none. Places that some write would be for both of are refused with EEXIST, and what is not there with ENOENT.",
  cites: "Linux, Documentation/virt/kvm/api.rst, KVM_IOEVENTFD; virt/kvm/eventfd.c",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    steps: fc.array(anyStep(), { minLength: 3, maxLength: 25 }),
  },
  runs: 60,
  holds: ({ vendor, steps }) => {
    const guest = new IrqGuest(vendor, 1);
    guest.prepare();
    guest.start(0, { code: Uint8Array.of(0xf4) });
    const files = [0, 1, 2].map(() => guest.newEventfd());
    let places: readonly Place[] = [];
    for (const step of steps) {
      if (step.is === "write") {
        const found = places.find((place) => isFor(place, step.write));
        const exits = guest.writes({
          ...step.write,
          at: (step.write.isPort ? PORT : HOLE) + step.write.offset,
        });
        if (exits !== (found === undefined ? 1 : 0)) throw new Error(`${exits} exits`);
        const counts = files.map(({ file }) => Number(file.read()));
        if (counts.some((count, i) => count !== (found?.fd === i ? 1 : 0)))
          throw new Error(`signalled: ${counts.join()}`);
        continue;
      }
      const place = step.is === "detach one" ? places[step.which] : step.place;
      if (place === undefined) continue;
      const isGone = step.is !== "attach";
      const result = ioeventfd(guest, files[place.fd]?.fd ?? -1, place, isGone);
      const expected = isGone
        ? places.some((one) => isSame(one, place))
          ? 0
          : "ENOENT"
        : place.size === 0 && place.match !== null
          ? "EINVAL"
          : places.some((one) => collides(one, place))
            ? "EEXIST"
            : 0;
      if (result !== expected) throw new Error(`${step.is}: ${String(result)}, not ${expected}`);
      if (result === 0)
        places = isGone ? places.filter((one) => !isSame(one, place)) : [...places, place];
    }
    return true;
  },
});

law("an-eventfd-is-one-interrupt", {
  says: "Each signal of an eventfd that KVM_IRQFD has assigned is an edge of its line, also one from before; a second line for the same eventfd is EBUSY, what is no eventfd EINVAL or EBADF, and behind the deassignment, which never fails, signals stay in the eventfd.",
  cites: "Linux, Documentation/virt/kvm/api.rst, KVM_IRQFD; virt/kvm/eventfd.c",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    vectors: fc.uniqueArray(fc.integer({ min: 0x30, max: 0xef }), { minLength: 2, maxLength: 8 }),
    early: fc.nat(1),
  },
  runs: 20,
  holds: ({ vendor, vectors, early }) => {
    const guest = new IrqGuest(vendor, 1);
    guest.prepare();
    guest.route(vectors.map((vector, i) => ({ pin: FIRST_PIN + i, vector, to: 0 })));
    const irqfd = (fd: number, gsi: number, flags = 0): unknown =>
      guest.ofVm("KVM_IRQFD", { fd, gsi, flags, resamplefd: 0 });
    const all = vectors.map((vector, i) => ({ ...guest.newEventfd(), vector, gsi: FIRST_PIN + i }));
    for (const { file, fd, vector, gsi } of all) {
      if (early === 1) file.signal();
      if (irqfd(fd, gsi) !== 0 || irqfd(fd, gsi + 1) !== "EBUSY") return false;
      if (guest.requested(0).includes(vector) !== (early === 1)) return false;
      file.signal();
      if (!guest.requested(0).includes(vector) || file.read() !== 0n) return false;
      if (irqfd(fd, gsi + 1, 1) !== 0) return false;
    }
    guest.clearApic(0);
    for (const { file, vector, fd, gsi } of all) {
      file.signal();
      if (guest.requested(0).join() !== String(vector)) return false;
      guest.clearApic(0);
      if (irqfd(fd, gsi, 1) !== 0 || irqfd(fd, gsi, 1) !== 0) return false;
      file.signal();
      if (guest.requested(0).length > 0 || file.read() !== 1n) return false;
    }
    return (
      irqfd(guest.vm, 1) === "EINVAL" && irqfd(900, 1) === "EBADF" && irqfd(0, 1, 4) === "EINVAL"
    );
  },
});
