/** Threads of a VM that share CPUs, in a world of their own, and what each of them has done with its time. */

import type { Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { Host } from "../../src/linux/host.ts";
import type { ThreadOutcome, Turn } from "../../src/linux/scheduler.ts";
import { World } from "../../src/sim/world.ts";
import { HOST_BYTES, PvGuest, pvProfile } from "./pv-guest.ts";

export const STEAL_TIME = 0x4b56_4d03;
const STEAL_AT = 0x3_0000;
const stealAt = (vcpu: number): number => STEAL_AT + 64 * vcpu;
const PREEMPTED = 1;
const decoder = new Decoder(INSTRUCTIONS);

/** What a thread has been seen to do, in cycles. */
interface Account {
  begun: number | null;
  /** Its last turn was over, or, if it waits, it was woken: null while nobody has. */
  left: number;
  woken: number | null;
  ran: number;
  halted: number;
}

/** Threads of a VM on fewer CPUs; each spins, halts, and is woken by another that has halted. */
export class Threads {
  readonly world: World;
  readonly accounts: Account[] = [];
  checks = 0;
  readonly #guest: PvGuest;
  readonly #numbers: number[] = [];
  readonly #waiting = new Set<number>();

  constructor(vendor: Vendor, cpus: number, spins: readonly number[]) {
    const made: PvGuest[] = [];
    this.world = World.create(
      {
        name: "steal",
        version: 1,
        parse: () => null,
        images: () => [],
        build: (world) => {
          const profile = pvProfile(vendor);
          const host = new Host(world, { profile, decoder, memoryBytes: HOST_BYTES, cpus });
          const guest = new PvGuest({ vendor, vcpus: spins.length, host }).start();
          made.push(guest);
          for (const i of spins.keys())
            this.#numbers.push(
              host.scheduler.spawn(guest.task, `vcpu${i}`, (turn) => this.#turn(i, turn)),
            );
        },
        start: () => undefined,
      },
      { config: null, epochCycles: 0 },
    );
    const [guest] = made;
    if (guest === undefined) throw new Error("no guest");
    this.#guest = guest;
    for (const [i, count] of spins.entries()) {
      // mov ecx, count; dec ecx; jnz -4; hlt; jmp to the start
      const word = [0, 8, 16, 24].map((bit) => (count >>> bit) & 0xff);
      guest.prepare(i, [0xb9, ...word, 0xff, 0xc9, 0x75, 0xfc, 0xf4, 0xeb, 0xf4], {});
      if (!guest.setMsr(i, STEAL_TIME, BigInt(stealAt(i)) | 1n)) throw new Error("no steal time");
      this.accounts.push({ begun: null, left: 0, woken: 0, ran: 0, halted: 0 });
    }
    for (const thread of this.#numbers) guest.host.scheduler.wake(thread);
  }

  #turn(i: number, turn: Turn): ThreadOutcome {
    const account = this.accounts[i] as Account;
    const from = turn.cpu.state.cycles;
    if (account.woken !== null) {
      // Who goes to sleep on a CPU that is ahead in time can be woken no earlier.
      const woken = Math.max(account.woken, account.left);
      account.begun ??= woken;
      if (account.begun !== woken) account.halted += woken - account.left;
      account.woken = null;
    }
    const outcome = this.#go(i, turn);
    account.left = turn.cpu.state.cycles;
    account.ran += account.left - from;
    this.#check(i);
    return outcome;
  }

  #go(i: number, turn: Turn): ThreadOutcome {
    for (;;) {
      const result = ioctl(turn, this.#guest.vcpus[i] ?? -1, "KVM_RUN", null);
      if (result === "limit") return "runs";
      if (result !== 0) throw new Error(`KVM_RUN: ${result}`);
      const next = this.#next(i);
      if (next >= 0) this.#wake(next);
      // The first never waits.
      if (i !== 0) {
        this.#waiting.add(i);
        return "waits";
      }
      if (turn.cpu.state.cycles >= turn.limit) return "runs";
    }
  }

  /** The next one that waits, or -1. */
  #next(i: number): number {
    const { length } = this.accounts;
    const order = Array.from({ length: length - 1 }, (_, k) => (i + 1 + k) % length);
    return order.find((k) => this.#waiting.has(k)) ?? -1;
  }

  #wake(i: number): void {
    this.#waiting.delete(i);
    (this.accounts[i] as Account).woken = this.world.now;
    this.#guest.host.scheduler.wake(this.#numbers[i] ?? -1);
  }

  #check(i: number): void {
    const { begun, left, ran, halted } = this.accounts[i] as Account;
    for (const k of this.accounts.keys()) this.#checkFlag(k);
    if (begun === null || this.#guest.vcpu(i).state.pv.isStealDue) return;
    const steal = Number(this.#guest.read(stealAt(i), 16).getBigUint64(0, true));
    const all = left - begun;
    if (steal + ran + halted !== all)
      throw new Error(`vCPU ${i}: stolen ${steal}, ran ${ran}, halted ${halted} of ${all}`);
    this.checks += 1;
  }

  #checkFlag(i: number): void {
    const { state, cpu } = this.#guest.vcpu(i);
    if (!state.hasRun || (cpu !== null && state.pv.isStealDue)) return;
    const flag = this.#guest.read(stealAt(i) + 16, 1).getUint8(0);
    if (flag !== (cpu === null ? PREEMPTED : 0)) throw new Error(`vCPU ${i}: preempted ${flag}`);
  }
}
