/** What a vCPU shares with user space: Linux UAPI, include/uapi/linux/kvm.h, struct kvm_run, and numbers of its fields. */

export const EXIT = {
  UNKNOWN: 0,
  IO: 2,
  DEBUG: 4,
  HLT: 5,
  MMIO: 6,
  SHUTDOWN: 8,
  FAIL_ENTRY: 9,
  INTR: 10,
  INTERNAL_ERROR: 17,
} as const;

export const IO_DIRECTION = { in: 0, out: 1 } as const;

export const INTERNAL_ERROR = { EMULATION: 1, DELIVERY_EV: 3, UNEXPECTED_EXIT_REASON: 4 } as const;

const DATA_BYTES = 8;

/** The parts of the union lie beside each other; which of them counts is said by the reason. */
export interface KvmRun {
  immediate_exit: number;
  exit_reason: number;
  if_flag: number;
  cr8: bigint;
  apic_base: bigint;
  readonly hw: { hardware_exit_reason: bigint };
  readonly fail_entry: { hardware_entry_failure_reason: bigint; cpu: number };
  /** `data` lies in the page, at data_offset. */
  readonly io: { direction: number; size: number; port: number; count: number; data: Uint8Array };
  readonly debug: { readonly arch: { exception: number; pc: bigint; dr6: bigint; dr7: bigint } };
  readonly mmio: { phys_addr: bigint; data: Uint8Array; len: number; is_write: number };
  readonly internal: { suberror: number };
}

export const newRun = (): KvmRun => ({
  immediate_exit: 0,
  exit_reason: EXIT.UNKNOWN,
  if_flag: 0,
  cr8: 0n,
  apic_base: 0n,
  hw: { hardware_exit_reason: 0n },
  fail_entry: { hardware_entry_failure_reason: 0n, cpu: 0 },
  io: { direction: 0, size: 0, port: 0, count: 0, data: new Uint8Array(DATA_BYTES) },
  debug: { arch: { exception: 0, pc: 0n, dr6: 0n, dr7: 0n } },
  mmio: { phys_addr: 0n, data: new Uint8Array(DATA_BYTES), len: 0, is_write: 0 },
  internal: { suberror: 0 },
});

const LOW_32 = 0xffff_ffffn;

/** Little endian. */
export function valueOf(data: Uint8Array, size: number): bigint {
  let [low, high] = [0, 0];
  for (let i = size - 1; i >= 4; i -= 1) high = (high << 8) | (data[i] ?? 0);
  for (let i = Math.min(size, 4) - 1; i >= 0; i -= 1) low = (low << 8) | (data[i] ?? 0);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function setValue(data: Uint8Array, size: number, value: bigint): void {
  const halves = [Number(value & LOW_32), Number(value >> 32n)] as const;
  for (let i = 0; i < data.length; i += 1)
    data[i] = i < size ? (halves[i < 4 ? 0 : 1] >>> (8 * (i % 4))) & 0xff : 0;
}
