/** The thread of a vCPU: KVM_RUN, and what the guest then asks of devices. QEMU, accel/kvm/kvm-all.c, kvm_cpu_exec. */

import type { Backplane } from "../hw/boards/backplane.ts";
import type { AccessSize } from "../hw/chips/socket.ts";
import { type MemoryMappedIo, readInParts, writeInParts } from "../hw/cpu/physical-memory.ts";
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
  const io: MemoryMappedIo = {
    read: (at, size) => backplane.readMemory(at, size),
    write: (at, size, value) => backplane.writeMemory(at, size, value),
  };
  if (mmio.is_write === 0) setValue(mmio.data, len, readInParts(io, address, len));
  else if (backplane.shadowAt(address) !== undefined)
    parts.writeShadow(address, mmio.data.subarray(0, len));
  else writeInParts(io, address, len, valueOf(mmio.data, len));
}
