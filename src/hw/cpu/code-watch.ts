/** Which pages of memory carry decoded code, so that whoever writes one is noticed: by program, device or restore. */

import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";

/** The engine bit of a page that code was decoded from. */
export const HAS_CODE = 4;

export class CodeWatch {
  readonly #memory: PagedMemory;
  readonly #watchers = new Map<number, (() => void)[]>();

  constructor(memory: PagedMemory) {
    this.#memory = memory;
    memory.onPageChanged = (page) => this.#changed(page);
  }

  /** `changed` is called once, when the page of a physical address is written. True when the page is newly watched. */
  watch(physical: number, changed: () => void): boolean {
    const page = Math.floor(physical / PAGE_SIZE);
    if (page >= this.#memory.pageCount) return false;
    const watchers = this.#watchers.get(page);
    if (watchers !== undefined) {
      watchers.push(changed);
      return false;
    }
    this.#watchers.set(page, [changed]);
    this.#memory.flags[page] = (this.#memory.flags[page] as number) | HAS_CODE;
    return true;
  }

  #changed(page: number): void {
    const watchers = this.#watchers.get(page) ?? [];
    this.#watchers.delete(page);
    this.#memory.flags[page] = (this.#memory.flags[page] as number) & ~HAS_CODE;
    for (const changed of watchers) changed();
  }
}
