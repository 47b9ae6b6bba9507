/** Registers of the chips in KVM, for what firmware leaves behind in them: written by getting and setting their whole state. */

import { i8254 } from "../hw/chips/i8254.ts";
import { type I8259, i8259 } from "../hw/chips/i8259.ts";
import { port61 } from "../hw/chips/port61.ts";
import type { Chip } from "../hw/chips/chip.ts";
import type { PlacedChip } from "../hw/boards/placed-chip.ts";
import { powerOn, Socket } from "../hw/chips/socket.ts";
import { picState, pitState } from "../kvm/ioctls/chip-state.ts";
import { IRQCHIP } from "../kvm/ioctls/structures.ts";
import type { KvmCalls } from "./kvm-calls.ts";

type Registers = Pick<PlacedChip, "write">;

export interface KernelDescriptors {
  readonly vm: number;
  /** By number of the vCPU. */
  readonly vcpus: readonly number[];
}

/** Undefined for a name that is none of theirs. */
export function kernelChip(
  name: string,
  calls: KvmCalls,
  { vm, vcpus }: KernelDescriptors,
): Registers | undefined {
  const [, apic] = /^lapic(\d+)$/u.exec(name) ?? [];
  const vcpu = vcpus[Number(apic)];
  if (vcpu !== undefined) return lapicRegisters(calls, vcpu);
  switch (name) {
    case "pic1":
    case "pic2":
      return picRegisters(calls, vm, name);
    case "pit":
      return pitRegisters(calls, vm);
    default:
      return undefined;
  }
}

const lapicRegisters = (calls: KvmCalls, vcpu: number): Registers => ({
  write: (offset, _size, value) => {
    const regs = Uint8Array.from(calls.call(vcpu, "KVM_GET_LAPIC", null).regs);
    new DataView(regs.buffer).setUint32(offset, value, true);
    calls.call(vcpu, "KVM_SET_LAPIC", { regs: [...regs] });
  },
});

/** A chip of the VMM's own takes the writes one after the other. */
function copyOf<State extends object>(chip: Chip<State>, settings: Partial<State>): Socket<State> {
  const cell = { value: powerOn(chip) };
  Object.assign(cell.value.chip, settings);
  return new Socket(chip, cell);
}

function picRegisters(calls: KvmCalls, vm: number, name: "pic1" | "pic2"): Registers {
  const copy = copyOf<I8259>(i8259, { sp: name === "pic1" ? 1 : 0 });
  return {
    write: (offset, size, value) => {
      copy.write(offset, size, value, 0);
      const chip = picState(copy.state);
      calls.call(vm, "KVM_SET_IRQCHIP", { chip_id: IRQCHIP[name], chip });
    },
  };
}

function pitRegisters(calls: KvmCalls, vm: number): Registers {
  const copy = copyOf(i8254, {});
  const speaker = port61.powerOn();
  copy.input("gate2", 0, 0);
  return {
    write: (offset, size, value) => {
      copy.write(offset, size, value, 0);
      calls.call(vm, "KVM_SET_PIT2", pitState(copy.state, speaker));
    },
  };
}
