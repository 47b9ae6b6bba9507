/** Laws of guests that user space debugs. */

import fc from "fast-check";
import type { Argument } from "../../src/kvm/ioctls/index.ts";
import { type KvmGuest, must, VENDORS } from "../support/kvm-guest.ts";
import {
  callsHypervisor,
  type DebugExit,
  debugExits,
  guestOf,
  runGuest,
  stepBare,
} from "../support/kvm-programs.ts";
import { anyDebugregs, call, difference } from "../support/kvm-state.ts";
import { law } from "../support/law.ts";
import { anyProgram, type Program } from "../support/programs.ts";

const [ENABLE, SINGLESTEP, USE_HW_BP] = [1, 2, 0x2_0000];
const [DB, BS, TF] = [1, 0x4000n, 0x100n];
/** DR6 with none of its bits set. */
const NOTHING = 0xffff_0ff0n;
const MOST_STEPS = 200;

function debug(guest: KvmGuest, control: number, address = 0n): void {
  const debugreg = [address, 0n, 0n, 0n, 0n, 0n, 0n, 0x402n];
  must(call(guest, "KVM_SET_GUEST_DEBUG", { control, arch: { debugreg } }));
}

/** PUSHF shows the trap flag, POPF and IRET may set it, and INT1 is #DB without a trap. */
const OF_DEBUGGING = [0x9c, 0x9d, 0xcf, 0xf1];
const isSteppable = (program: Program): boolean =>
  !callsHypervisor(program) && !program.code.some((byte) => OF_DEBUGGING.includes(byte));

function guestWith(
  vendor: (typeof VENDORS)[number],
  program: Program,
  debugregs: Argument<"KVM_SET_DEBUGREGS">,
): KvmGuest {
  const guest = guestOf(vendor, program);
  must(call(guest, "KVM_SET_DEBUGREGS", debugregs));
  return guest;
}

/** A repeated instruction is stepped by its iterations. */
const withoutRepeats = (places: readonly bigint[]): readonly bigint[] =>
  places.filter((place, i) => place !== places[i - 1]);

law("single-steps-are-instructions", {
  says: "With KVM_GUESTDBG_SINGLESTEP, KVM_EXIT_DEBUG comes behind each instruction, where a CPU by itself is behind it, also for instructions that the module carries out and for devices; DR6 says that it was a step.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_SET_GUEST_DEBUG; SDM Vol. 3, Single-Step Exception Condition",
  forAll: { vendor: fc.constantFrom(...VENDORS), program: anyProgram(), debugregs: anyDebugregs() },
  runs: 80,
  given: ({ program }) => isSteppable(program),
  holds: ({ vendor, program, debugregs }) => {
    const guest = guestWith(vendor, program, debugregs);
    const bare = withoutRepeats(stepBare(guest, MOST_STEPS));
    debug(guest, ENABLE | SINGLESTEP);
    const exits = debugExits(guest, MOST_STEPS);
    const isStep = ({ exception, dr6 }: DebugExit): boolean =>
      exception === DB && dr6 === (NOTHING | BS);
    if (!exits.every(isStep)) throw new Error("an exit is no step");
    if ((guest.regs.rflags & TF) !== 0n) throw new Error("the trap flag is seen");
    const stepped = withoutRepeats(exits.map(({ pc }) => pc));
    const count = Math.min(bare.length, stepped.length);
    const isCut = exits.length === MOST_STEPS || bare.length >= MOST_STEPS;
    const differs = difference(bare.slice(0, count), stepped.slice(0, count));
    if (differs !== null) throw new Error(`bare, stepped${differs}`);
    if (!isCut && bare.length !== stepped.length)
      throw new Error(`bare: ${bare.length} instructions, stepped: ${stepped.length}`);
    return true;
  },
});

law("a-breakpoint-is-not-noticed", {
  says: "A hardware breakpoint of user space stops the guest in front of the instruction at its address, where DR6 and the exit say so; without it, the program goes on to the result that it has without a debugger, and the guest's own debug registers are as they were.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_SET_GUEST_DEBUG; SDM Vol. 3, Instruction-Breakpoint Exception Condition",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    program: anyProgram(),
    debugregs: anyDebugregs(),
    at: fc.nat(12),
  },
  runs: 80,
  given: ({ program }) => isSteppable(program),
  holds: ({ vendor, program, debugregs, at }) => {
    const guest = guestWith(vendor, program, debugregs);
    const bare = stepBare(guest, MOST_STEPS);
    const address = bare[at % Math.max(1, bare.length)];
    if (address === undefined) return true;
    const whole = runGuest(guestWith(vendor, program, debugregs));
    if (whole.end === "neither") return true;
    const before = must(call(guest, "KVM_GET_DEBUGREGS", null));
    debug(guest, ENABLE | USE_HW_BP, address);
    const [exit] = debugExits(guest, 1);
    if (exit === undefined) throw new Error("the breakpoint is not met");
    if (exit.exception !== DB || exit.pc !== address || guest.regs.rip !== address)
      throw new Error(`stopped at ${exit.pc}, not at ${address}`);
    if (exit.dr6 !== (NOTHING | 1n) || exit.dr7 !== 0x402n) throw new Error("DR6 or DR7");
    const changed = difference(before, must(call(guest, "KVM_GET_DEBUGREGS", null)));
    if (changed !== null) throw new Error(`changed${changed}`);
    debug(guest, 0);
    const { registers } = runGuest(guest);
    if (registers !== whole.registers) throw new Error(`${whole.registers}\n${registers}`);
    return true;
  },
});
