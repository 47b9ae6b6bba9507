/** Law of the log that the VMM keeps of a guest's memory. */

import fc from "fast-check";
import { type Argument, ioctl, mapRun } from "../../src/kvm/ioctls/index.ts";
import { EXIT } from "../../src/kvm/ioctls/kvm-run.ts";
import { Kvm } from "../../src/kvm/module.ts";
import type { Host } from "../../src/linux/host.ts";
import { GuestMemory } from "../../src/qemu/guest-memory.ts";
import { KvmCalls } from "../../src/qemu/kvm-calls.ts";
import { slotsOf } from "../../src/qemu/slots.ts";
import { inWorld, must, newHostIn, startLongMode, VENDORS } from "../support/kvm-guest.ts";
import { law } from "../support/law.ts";

const PAGE = 4096;
const PAGES = 16;
const [CODE, TABLES, FIRST_DATA] = [0, PAGE, 3];
/** Pages that a board can close: between them and RAM lies another slot then. */
const AREA = { first: 6, pages: 3 } as const;
const CPUS = 2;
const LIMIT = 1_000_000;

type Step =
  | {
      readonly what: "run";
      readonly cpu: number;
      readonly pages: number[];
      readonly budget: number;
    }
  | { readonly what: "dma"; readonly at: number; readonly size: number }
  | { readonly what: "close" | "open" | "behind" | "take" };

const anyPage = fc.integer({ min: FIRST_DATA, max: PAGES - 1 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    what: fc.constant("run" as const),
    cpu: fc.nat(CPUS - 1),
    pages: fc.array(anyPage, { minLength: 1, maxLength: 4 }),
    budget: fc.oneof(fc.constant(LIMIT), fc.nat(3000)),
  }),
  fc.record({
    what: fc.constant("dma" as const),
    at: fc.integer({ min: FIRST_DATA * PAGE, max: PAGES * PAGE }),
    size: fc.oneof(fc.nat(16), fc.nat(3 * PAGE)),
  }),
  fc.record({ what: fc.constantFrom("close" as const, "open" as const, "behind" as const) }),
  fc.record({ what: fc.constant("take" as const) }),
);

law("what-devices-and-processors-write-is-dirty", {
  says: "While the VMM logs a guest's memory, a page of RAM that a processor or a device has written since the log was last taken is in it, wherever the page was then found and even if it is found nowhere any more; and when the log was just taken, nothing is.",
  cites:
    "QEMU, docs/devel/migration/main.rst; Linux, Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    steps: fc.array(anyStep, { minLength: 3, maxLength: 16 }),
  },
  runs: 80,
  holds: ({ vendor, steps }) => {
    const machine = inWorld((world) => new Logged(newHostIn(world, vendor, CPUS)));
    for (const step of steps) machine.take(step);
    machine.take({ what: "take" });
    // Nobody has written since.
    return machine.memory.takeDirty().length === 0;
  },
});

// Helpers

/** A guest's memory with a log, and a vCPU that adds one to bytes. */
class Logged {
  readonly memory: GuestMemory;
  readonly #host: Host;
  readonly #calls: KvmCalls;
  readonly #vcpu: number;
  #before: Uint8Array;
  #isInProgram = false;
  #cpu = 0;

  constructor(host: Host) {
    this.#host = new Kvm(host).host;
    const calls = new KvmCalls(host, host.newTask(), "test");
    this.#calls = calls;
    const vm = calls.call(calls.open(), "KVM_CREATE_VM", 0n);
    const { world } = host;
    this.memory = new GuestMemory(world, "ram", calls.task, PAGES * PAGE, slotsOf(calls, vm));
    this.#vcpu = calls.call(vm, "KVM_CREATE_VCPU", 0n);
    const write = (at: number, bytes: Uint8Array): void => {
      if (!this.memory.writeBehind(at, bytes)) throw new Error("no RAM");
    };
    const setSregs = (sregs: Partial<Argument<"KVM_SET_SREGS">>): void => {
      const all = calls.call(this.#vcpu, "KVM_GET_SREGS", null);
      calls.call(this.#vcpu, "KVM_SET_SREGS", { ...all, ...sregs });
    };
    startLongMode({ write, setSregs }, TABLES);
    this.#arrange(false);
    this.memory.logs = true;
    this.#before = this.#ram();
  }

  take(step: Step): void {
    switch (step.what) {
      case "run":
        this.#run(step.cpu, step.pages, step.budget);
        break;
      case "dma":
        this.#write(step.at, step.size, (at, bytes) => this.memory.write(at, bytes));
        break;
      case "behind":
        this.#write(AREA.first * PAGE, 1, (at, bytes) => this.memory.writeBehind(at, bytes));
        break;
      case "close":
      case "open":
        this.#arrange(step.what === "close");
        break;
      case "take":
        this.#check();
    }
  }

  #check(): void {
    const dirty = this.memory.takeDirty();
    const after = this.#ram();
    for (let page = 0; page < PAGES; page += 1) {
      const [from, to] = [page * PAGE, (page + 1) * PAGE];
      const differs = !this.#before.subarray(from, to).every((byte, i) => byte === after[from + i]);
      if (differs && !dirty.includes(page)) throw new Error(`page ${page} was written unseen`);
    }
    this.#before = after;
  }

  #ram(): Uint8Array {
    return must(this.#calls.task.memory.read(this.memory.ram, PAGES * PAGE));
  }

  /** Bytes that differ from what is there. */
  #write(at: number, size: number, put: (at: number, bytes: Uint8Array) => boolean): void {
    const now = this.#ram().subarray(at, at + size);
    put(
      at,
      now.map((byte) => byte ^ 0xff),
    );
  }

  #arrange(closed: boolean): void {
    const range = (first: number, pages: number, readOnly: boolean) => ({
      at: first * PAGE,
      bytes: pages * PAGE,
      from: this.memory.ram + first * PAGE,
      readOnly,
    });
    const behind = AREA.first + AREA.pages;
    this.memory.arrange(
      closed
        ? [
            range(0, AREA.first, false),
            range(AREA.first, AREA.pages, true),
            range(behind, PAGES - behind, false),
          ]
        : [range(0, PAGES, false)],
    );
  }

  /** A program goes on, or another begins: inc byte [page], for each; hlt. */
  #run(cpu: number, pages: readonly number[], budget: number): void {
    if (!this.#isInProgram) {
      this.#cpu = cpu;
      const code = pages.flatMap((page) => [0xfe, 0x04, 0x25, 0, page << 4, 0, 0]);
      this.memory.writeBehind(CODE, Uint8Array.of(...code, 0xf4));
      const regs = this.#calls.call(this.#vcpu, "KVM_GET_REGS", null);
      this.#calls.call(this.#vcpu, "KVM_SET_REGS", { ...regs, rip: BigInt(CODE) });
    }
    const of = this.#host.cpus[this.#cpu];
    if (of === undefined) throw new Error("no CPU");
    const { task } = this.#calls;
    const run = must(mapRun({ task }, this.#vcpu));
    const limit = of.state.cycles + budget;
    for (;;) {
      const result = ioctl({ task, cpu: of, limit }, this.#vcpu, "KVM_RUN", null);
      this.#isInProgram = result === "limit";
      if (this.#isInProgram || run.exit_reason === EXIT.HLT) return;
      // Writes to pages that are closed.
      if (run.exit_reason !== EXIT.MMIO) throw new Error(`exit ${run.exit_reason}`);
    }
  }
}
