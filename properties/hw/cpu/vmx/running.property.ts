/** Laws of guests that run for a while: engines agree to the cycle, a snapshot in the middle goes on, what nothing intercepts is as without a hypervisor. */

import fc from "fast-check";
import { law } from "../../../support/law.ts";
import { AT, VmxMachine } from "../../../support/vmx-machines.ts";
import { anyStory, begun, PLAIN, setRegisters, take } from "../../../support/vmx-stories.ts";

law("engines-agree-on-guests", {
  says: "A host and its guest do the same in every engine, to the cycle: whatever the controls ask for, and whatever arrives from outside.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: { story: anyStory() },
  runs: 150,
  holds: ({ story }) => {
    const machines = (["reference", "interpreter"] as const).map((engine) => begun(story, engine));
    const [left, right] = machines as [VmxMachine, VmxMachine];
    for (const [i, turn] of story.turns.entries()) {
      for (const machine of machines) take(machine, turn);
      if (left.state.cycles !== right.state.cycles)
        throw new Error(`turn ${i}: ${left.state.cycles} cycles, but ${right.state.cycles}`);
      if (left.look() !== right.look())
        throw new Error(
          `turn ${i}: they differ at ${left.state.rip.toString(16)} and ${right.state.rip.toString(16)}`,
        );
    }
    return true;
  },
});

law("a-snapshot-of-a-guest-goes-on", {
  says: "A machine that is given the state of another one, in the middle of a guest or of the host, goes on as that one does.",
  cites: "DESIGN, State is data",
  forAll: { story: anyStory(), at: fc.nat(6) },
  runs: 80,
  holds: ({ story, at }) => {
    const machine = begun(story, "interpreter");
    const copy = new VmxMachine({ mode: story.mode, code: [0xf4] }, "interpreter");
    // What it has found out about a guest of its own must not count.
    copy.launch();
    copy.step();
    for (const [i, turn] of story.turns.entries()) {
      take(machine, turn);
      if (i < at) continue;
      if (i === at) {
        copy.restore(machine.parts().map((bytes) => bytes.slice()));
        copy.environment.interrupt = machine.environment.interrupt;
        copy.environment.log.push(...machine.environment.log);
      } else take(copy, turn);
      if (machine.look() !== copy.look()) throw new Error(`turn ${i}`);
    }
    return true;
  },
});

law("a-guest-computes-as-the-bare-machine-does", {
  says: "A guest that nothing intercepts leaves the registers and the data that the same code leaves without a hypervisor.",
  cites: 'SDM Vol. 3, "VMX Non-Root Operation"',
  forAll: { code: fc.array(fc.constantFrom(...PLAIN), { minLength: 4, maxLength: 40 }) },
  runs: 100,
  holds: ({ code }) => {
    const text = [...code.flat(), 0x0f, 0x01, 0xc1];
    const guest = new VmxMachine({ mode: "64-bit", code: text }, "interpreter");
    guest.launch();
    setRegisters(guest);
    guest.untilExit();
    const bare = new VmxMachine({ mode: "64-bit", code: text }, "interpreter");
    setRegisters(bare);
    bare.state.rip = BigInt(AT.guestCode);
    bare.state.setGpr(4, BigInt(AT.guestStack));
    const end = BigInt(AT.guestCode + text.length - 3);
    for (let i = 0; i < 200 && bare.state.rip !== end; i += 1) bare.step();
    const left = [result(guest), guest.read("Guest RSP"), guest.read("Guest RFLAGS")].join();
    const right = [result(bare), bare.state.gpr(4), bare.state.rflags].join();
    if (left !== right) throw new Error(`${left}, but ${right}`);
    return true;
  },
});

// Helpers

function result({ state, memory }: VmxMachine): string {
  const registers = Array.from({ length: 16 }, (_, i) => (i === 4 ? 0n : state.gpr(i)));
  const data = Buffer.from(memory.read(AT.guestData, 0x40)).toString("hex");
  return [...registers, data].join();
}
