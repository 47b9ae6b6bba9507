/** Exits of a guest's first instruction, and that it has had no effect. */

import { CR4, OFFSET } from "../../src/hw/cpu/state.ts";
import type { EngineName } from "./privileged-machines.ts";
import { GUEST, HOST, SvmMachine } from "./svm-machines.ts";

/** What rBX, rSI, rDI and rAX of the guest point to. */
export const ADDRESS = BigInt(GUEST.data);
export const RBX = 3;
/** The exit code of a guest that goes on. */
export const NO_EXIT = 0xdeadn;

export interface Exit {
  readonly code: bigint;
  readonly before: string;
}

interface Expected {
  readonly code: bigint;
  readonly info1: bigint;
  readonly info2: bigint;
  readonly nextRip: bigint;
}

export function guestOf(code: readonly number[], cpl: 0 | 3, engine: EngineName): SvmMachine {
  const machine = new SvmMachine(engine, code, cpl);
  const { state } = machine;
  for (let register = 1; register < 16; register += 1)
    if (register !== 4) state.setGpr(register, 0x1111_1111n * BigInt(register));
  // rBX, rSI and rDI point to data, rCX is 0.
  state.setGpr(1, 0n);
  for (const register of [RBX, 6, 7]) state.setGpr(register, ADDRESS);
  machine.set("RAX", ADDRESS);
  machine.set("RFLAGS", 2);
  machine.set("CR4", machine.get("CR4") | CR4.OSXSAVE);
  machine.set("EXCEPTIONS", (1 << 6) | (1 << 13));
  machine.set("EXITCODE", NO_EXIT);
  return machine;
}

/** What the guest has: registers but those of the VMCB, its state area, and memory. */
function lookAtGuest(machine: SvmMachine): string {
  const { ram, state } = machine;
  const gprs = Array.from({ length: 16 }, (_, i) => (i === 0 || i === 4 ? 0n : state.gpr(i)));
  const bytes = [ram.read(HOST.vmcb + 0x400, 0x2a0), ram.read(GUEST.first, 0x1_0000)];
  // Vector and x87 registers, and those for debugging that are not in the VMCB.
  const hidden = state.bytes().slice(OFFSET.xmm, OFFSET.debug + 32);
  return [
    gprs.join(),
    ...[...bytes, hidden].map((part) => Buffer.from(part).toString("latin1")),
  ].join("|");
}

/** What the guest's first step comes to. */
export function exitOf(machine: SvmMachine): Exit {
  machine.enter();
  if (!machine.state.isGuest) throw new Error("the guest was refused");
  const before = lookAtGuest(machine);
  machine.step();
  const code = machine.state.isGuest ? NO_EXIT : machine.get("EXITCODE");
  return { code, before };
}

export function isExit(machine: SvmMachine, exit: Exit, expected: Expected): void {
  const seen: Expected = {
    code: exit.code,
    info1: machine.get("EXITINFO1"),
    info2: machine.get("EXITINFO2"),
    nextRip: machine.get("NRIP"),
  };
  for (const [name, value] of Object.entries(expected)) {
    const found = seen[name as keyof Expected];
    if (found !== value)
      throw new Error(`${name} is ${found.toString(16)}, not ${(value as bigint).toString(16)}`);
  }
  const [before, after] = [exit.before, lookAtGuest(machine)];
  if (before !== after) throw new Error("it has had an effect");
}
