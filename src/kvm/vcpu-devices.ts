/** Devices of the module as a vCPU reaches them: its local APIC, and what the VM has. */

import type { AccessSize } from "../hw/chips/socket.ts";
import type { InKernel } from "./emulate.ts";
import type { Vcpu } from "./vcpu.ts";

export class VcpuDevices implements InKernel {
  readonly #vcpu: Vcpu;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
  }

  readPort(port: number, size: AccessSize): number | null {
    return this.#vcpu.vm.irqchip?.readPort(port, size) ?? null;
  }

  writePort(port: number, size: AccessSize, value: number): boolean {
    return this.#vcpu.vm.irqchip?.writePort(port, size, value) === true;
  }

  readMemory(address: number, size: number): bigint | null {
    const { vm, index } = this.#vcpu;
    return vm.irqchip?.readMemory(index, address, size) ?? null;
  }

  writeMemory(address: number, size: number, value: bigint): boolean {
    const { vm, index } = this.#vcpu;
    return vm.irqchip?.writeMemory(index, address, size, value) === true;
  }
}
