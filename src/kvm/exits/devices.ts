/** Devices that an instruction talks to, the module's or user space's: KVM_EXIT_IO and KVM_EXIT_MMIO. */

import { type DeviceData, type DeviceRead, writeInKernel } from "../emulate.ts";
import { EXIT, IO_DIRECTION, setValue } from "../ioctls/kvm-run.ts";
import type { Vcpu } from "../vcpu.ts";

/** What is to be written goes out, one after the other, until user space has to do one. */
export function nextWrite(vcpu: Vcpu): 0 | null {
  const { state } = vcpu;
  while (state.writes.length > 0) {
    const [write] = state.writes;
    state.writes = state.writes.slice(1);
    if (write === undefined) break;
    if (writeInKernel(vcpu.devices, write) || vcpu.vm.eventfds.take(write)) continue;
    return ask(vcpu, write);
  }
  return null;
}

export function ask({ run }: Vcpu, access: DeviceRead | DeviceData): 0 {
  const { space, address, size, write } = access;
  const value = "value" in access ? access.value : 0n;
  if (space === "port") {
    run.exit_reason = EXIT.IO;
    run.io.direction = write ? IO_DIRECTION.out : IO_DIRECTION.in;
    run.io.port = address;
    run.io.size = size;
    run.io.count = 1;
    setValue(run.io.data, size, value);
    return 0;
  }
  run.exit_reason = EXIT.MMIO;
  run.mmio.phys_addr = BigInt(address);
  run.mmio.len = size;
  run.mmio.is_write = write ? 1 : 0;
  setValue(run.mmio.data, size, value);
  return 0;
}
