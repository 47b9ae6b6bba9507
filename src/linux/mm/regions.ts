/** The regions of a task's memory: pages side by side at user addresses, and what is known of each. Linux, Documentation/mm/process_addrs.rst. */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import { BLOCK_FRAMES } from "./frames.ts";

export interface Region {
  readonly start: number;
  /** Entries of its pages. */
  readonly pages: Int32Array;
}

/** User addresses end here: the lower half of 48 bits, less a page. */
export const TASK_SIZE = 2 ** 47 - PAGE_SIZE;
export const BLOCK_BYTES = BLOCK_FRAMES * PAGE_SIZE;
const FIRST_ADDRESS = 2 ** 46;

export const newRegion = (start: number, bytes: number): Region => ({
  start,
  pages: new Int32Array(Math.ceil(bytes / PAGE_SIZE)),
});

export const endOf = ({ start, pages }: Region): number => start + pages.length * PAGE_SIZE;

export const pageOf = ({ start }: Region, address: number): number =>
  Math.floor((address - start) / PAGE_SIZE);

export const addressOf = ({ start }: Region, page: number): number => start + page * PAGE_SIZE;

export const copyOf = ({ start, pages }: Region): Region => ({ start, pages: pages.slice() });

/** Where a new region goes: behind the last, with a page between; aligned where blocks fit. */
export function placeBehind(last: Region | undefined, bytes: number): number {
  const next = last === undefined ? FIRST_ADDRESS : endOf(last) + PAGE_SIZE;
  return bytes < BLOCK_BYTES ? next : Math.ceil(next / BLOCK_BYTES) * BLOCK_BYTES;
}

/** The pages of a region that lie in a range: the first, and the one behind the last. */
export function pagesWithin(region: Region, start: number, end: number): [number, number] {
  const first = Math.max(0, pageOf(region, start));
  return [first, Math.min(region.pages.length, pageOf(region, end))];
}

/** The end of a range of whole pages, or null if it is none that a task can have. */
export function rangeEnd(start: number, bytes: number): number | null {
  const end = start + Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
  const isRange = start % PAGE_SIZE === 0 && start >= 0 && bytes >= 0 && end <= TASK_SIZE;
  return isRange ? end : null;
}

/** What is left of a region without a range. */
export function without(region: Region, start: number, end: number): readonly Region[] {
  const { pages } = region;
  if (end <= region.start || start >= endOf(region)) return [region];
  const before = Math.max(0, (start - region.start) / PAGE_SIZE);
  const behind = Math.min(pages.length, (end - region.start) / PAGE_SIZE);
  return [
    { start: region.start, pages: pages.slice(0, before) },
    { start: end, pages: pages.slice(behind) },
  ].filter((part) => part.pages.length > 0);
}

/** The first page of the aligned 2 MiB around a page, or null if they do not all lie in the region. */
export function firstOfBlock(region: Region, page: number): number | null {
  const first = page - (addressOf(region, page) % BLOCK_BYTES) / PAGE_SIZE;
  return first >= 0 && first + BLOCK_FRAMES <= region.pages.length ? first : null;
}
