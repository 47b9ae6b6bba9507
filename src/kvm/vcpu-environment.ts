/** What a vCPU has around it while the module carries an instruction out in its stead: its local APIC, if the module has it. */

import { BareEnvironment } from "../hw/cpu/environment.ts";
import { PV_MSRS, readPvMsr, writePvMsr } from "./pv/msrs.ts";
import type { Vcpu } from "./vcpu.ts";

export class VcpuEnvironment extends BareEnvironment {
  override readonly bootstrap: boolean;
  readonly #vcpu: Vcpu;

  constructor(vcpu: Vcpu) {
    super(vcpu.vm.kvm.profile);
    this.#vcpu = vcpu;
    this.bootstrap = vcpu.id === 0;
  }

  override readMsr(number: number): bigint | null {
    const value = readPvMsr(this.#vcpu, number);
    return value ?? this.#vcpu.vm.irqchip?.bus.readMsr(this.#vcpu.index, number) ?? null;
  }

  override writeMsr(number: number, value: bigint): boolean {
    if (PV_MSRS.includes(number)) return writePvMsr(this.#vcpu, number, value);
    return this.#vcpu.vm.irqchip?.bus.writeMsr(this.#vcpu.index, number, value) === true;
  }

  override apicBaseChanged(value: bigint): void {
    this.#vcpu.vm.irqchip?.bus.baseChanged(this.#vcpu.index, value);
  }

  override taskPriorityChanged(value: number): void {
    this.#vcpu.vm.irqchip?.bus.taskPriorityChanged(this.#vcpu.index, value);
  }

  override timeStampCounterMoved(): void {
    this.#vcpu.vm.irqchip?.bus.timeStampCounterMoved(this.#vcpu.index);
    this.#vcpu.vm.clock.changed();
  }
}
