/** How long a halted vCPU looks for events before it sleeps. Linux, Documentation/virt/kvm/halt-polling.rst. */

import { describe, expect, it } from "vitest";
import { nextPollNs } from "../../src/kvm/halt-polling.ts";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { Kvm } from "../../src/kvm/module.ts";
import { must, newHost, VENDORS, VmOfTask } from "../support/kvm-guest.ts";

const [CODE, STACK, HANDLER, VECTOR_NMI] = [0x1000, 0x800, 0x1800, 2];
const HALT = 50_000;
/** A message of this delivery mode. */
const NMI = 0x400;

describe.each([...VENDORS])("halts on %s", (vendor) => {
  /** Cycles from each NMI to the sleep after it. */
  function busy(haltPollNs: number): readonly number[] {
    const host = newHost(vendor);
    const vm = new VmOfTask(host, 0x2000, new Kvm(host, { haltPollNs }));
    must(ioctl(vm.caller(), vm.vm, "KVM_CREATE_IRQCHIP", null));
    const vcpu = must(ioctl(vm.caller(), vm.vm, "KVM_CREATE_VCPU", 0n));
    vm.slot(0, 0, 0x2000);
    // hlt; jmp to it
    vm.write(CODE, Uint8Array.of(0xf4, 0xeb, 0xfd));
    vm.write(HANDLER, Uint8Array.of(0xcf));
    vm.write(4 * VECTOR_NMI, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0));
    const sregs = must(ioctl(vm.caller(), vcpu, "KVM_GET_SREGS", null));
    const cs = { ...sregs.cs, base: 0n, selector: 0 };
    must(ioctl(vm.caller(), vcpu, "KVM_SET_SREGS", { ...sregs, cs }));
    const regs = must(ioctl(vm.caller(), vcpu, "KVM_GET_REGS", null));
    const start = { ...regs, rip: BigInt(CODE), rsp: BigInt(STACK) };
    must(ioctl(vm.caller(), vcpu, "KVM_SET_REGS", start));
    const { state } = vm.caller().cpu;
    return Array.from({ length: 5 }, () => {
      const from = state.cycles;
      expect(ioctl(vm.caller(), vcpu, "KVM_RUN", null)).toBe("sleeps");
      const spent = state.cycles - from;
      state.cycles = from + spent + HALT;
      const message = { address_lo: 0xfee0_0000, address_hi: 0, data: NMI, flags: 0 };
      must(ioctl(vm.caller(), vm.vm, "KVM_SIGNAL_MSI", message));
      return spent;
    });
  }

  it("are slept through at once where nothing else was asked for", () => {
    expect(busy(0).every((cycles) => cycles < 10_000)).toBe(true);
  });

  it("are polled for ever longer while events come soon enough", () => {
    const before = busy(0);
    const polled = busy(200_000).map((cycles, i) => cycles - (before[i] ?? 0));
    expect(polled).toEqual([0, 10_000, 20_000, 40_000, 80_000]);
  });
});

it("polling ends step by step where halts are longer than it may be", () => {
  expect(
    [80_000, 40_000, 20_000, 10_000].map((poll) => nextPollNs(poll, 300_000, 200_000)),
  ).toEqual([40_000, 20_000, 10_000, 0]);
  expect(nextPollNs(80_000, 70_000, 200_000)).toBe(80_000);
  expect(nextPollNs(150_000, 160_000, 200_000)).toBe(200_000);
});
