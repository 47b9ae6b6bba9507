/** What mmap(2) has put at an address: Linux, include/uapi/asm-generic/mman-common.h, include/linux/mm_types.h, struct vm_area_struct. Heaps and stacks are not told from other anonymous memory. */

export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;

export interface Mapping {
  readonly start: number;
  readonly bytes: number;
  /** Number of the open file; null for anonymous memory. */
  readonly file: number | null;
  readonly offset: number;
  prot: number;
  readonly isShared: boolean;
  /** What a private mapping has after it was written: no page of the file any more. */
  copy: Uint8Array | null;
}
