/** The thread of a vCPU: KVM_RUN, and what the guest then asks of devices. QEMU, accel/kvm/kvm-all.c, kvm_cpu_exec. */

import type { Backplane } from "../hw/boards/backplane.ts";
import type { AccessSize } from "../hw/chips/socket.ts";
import { ioctl } from "../kvm/ioctls/index.ts";
import { EXIT, IO_DIRECTION, type KvmRun, setValue, valueOf } from "../kvm/ioctls/kvm-run.ts";
import { isErrno } from "../linux/errno.ts";
import type { Scheduler, ThreadOutcome, Turn } from "../linux/scheduler.ts";

export interface VcpuThreadParts {
  readonly descriptor: number;
  readonly scheduler: Scheduler;
  readonly backplane: Backplane;
  /** The page that is shared with the module. */
  run(): KvmRun;
  /** The machine is on. */
  isRunning(): boolean;
  setInCall(isInCall: boolean): void;
  /** Memory of a guest that is RAM for writes only. */
  writeShadow(address: number, bytes: Uint8Array): boolean;
  /** The guest cannot go on. */
  fail(): void;
}

export function runVcpuThread(parts: VcpuThreadParts, turn: Turn): ThreadOutcome {
  // A call that has begun is ended by the signal that told of the stop.
  while (parts.isRunning() || turn.hasSignal) {
    parts.setInCall(true);
    if (turn.cpu.state.cycles >= turn.limit) return "runs";
    const result = ioctl(turn, parts.descriptor, "KVM_RUN", null);
    if (result === "limit") return "runs";
    if (result === "sleeps") return "waits";
    if (result === "EINTR") parts.scheduler.clearSignal(turn.thread);
    else if (isErrno(result)) parts.fail();
    else serve(parts, parts.run());
  }
  parts.setInCall(false);
  return "waits";
}

function serve(parts: VcpuThreadParts, run: KvmRun): void {
  switch (run.exit_reason) {
    case EXIT.IO:
      servePort(parts.backplane, run);
      break;
    case EXIT.MMIO:
      serveMemory(parts, run);
      break;
    default:
      // A triple fault, or what the module cannot carry out: a PC resets.
      parts.fail();
  }
}

function servePort(backplane: Backplane, { io }: KvmRun): void {
  const size = io.size as AccessSize;
  if (io.direction === IO_DIRECTION.in)
    setValue(io.data, size, BigInt(backplane.readPort(io.port, size) >>> 0));
  else backplane.writePort(io.port, size, Number(valueOf(io.data, size)));
}

function serveMemory(parts: VcpuThreadParts, { mmio }: KvmRun): void {
  const { backplane } = parts;
  const address = Number(mmio.phys_addr);
  const { len } = mmio;
  if (mmio.is_write === 0) setValue(mmio.data, len, accessParts(backplane, address, len));
  else if (backplane.shadowAt(address) !== undefined)
    parts.writeShadow(address, mmio.data.subarray(0, len));
  else writeParts(backplane, address, len, valueOf(mmio.data, len));
}

const isBusSize = (size: number): boolean => (size & (size - 1)) === 0;

/** What is left of an access at the end of a page comes byte by byte. */
function accessParts(backplane: Backplane, address: number, size: number): bigint {
  if (isBusSize(size)) return backplane.readMemory(address, size);
  let value = 0n;
  for (let i = size - 1; i >= 0; i -= 1)
    value = (value << 8n) | backplane.readMemory(address + i, 1);
  return value;
}

function writeParts(backplane: Backplane, address: number, size: number, value: bigint): void {
  if (isBusSize(size)) return backplane.writeMemory(address, size, value);
  for (let i = 0; i < size; i += 1)
    backplane.writeMemory(address + i, 1, (value >> BigInt(8 * i)) & 0xffn);
}
