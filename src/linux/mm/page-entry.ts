/**
 * What a task's tables hold of a page: nothing yet, a frame that is its own, a frame that it shares and may not write
 * until it has a copy, or a slot of the swap device. Linux, include/linux/pgtable.h; Documentation/mm/page_tables.rst.
 */

export const NONE = 0;
/** Write-protected: others may have the same frame. */
const SHARED = 0x4000_0000;

export const isResident = (entry: number): boolean => entry > 0;
export const isShared = (entry: number): boolean => entry > 0 && (entry & SHARED) !== 0;
export const isSwapped = (entry: number): boolean => entry < 0;

export const ownFrame = (frame: number): number => frame;
export const sharedFrame = (frame: number): number => frame | SHARED;
export const swapped = (slot: number): number => -1 - slot;

/** Of a resident page. */
export const frameOf = (entry: number): number => entry & ~SHARED;
/** Of a swapped page. */
export const slotOf = (entry: number): number => -1 - entry;
