/**
 * What a workload is: 64-bit code with memory of its own and no devices, that never ends. It asks its VMM by ports: to be
 * left alone for some microseconds, and to send a frame.
 */

/** OUT of EAX: microseconds to sleep; bytes of the frame at FRAME to send. */
export const PORT = { sleep: 0x10, send: 0x20 } as const;
/** Addresses: page tables, code, the frame, and from there on data. */
export const PLACE = { tables: 0x1000, code: 0x4000, frame: 0x7000, data: 0x8000 } as const;

export interface Workload {
  readonly name: string;
  readonly about: string;
  /** Bytes of data that it uses, from `PLACE.data` on. */
  readonly dataBytes: number;
  readonly source: string;
}
