/** The access vector cache: answers to (source, target, class), until the policy changes or others need the room. Linux, security/selinux/avc.c. Not modelled: the hash of slots; the oldest entries go, not those of a random slot. */

import type { ExtendedAccess } from "../decisions/extended.ts";
import type { Sid } from "../security-server.ts";

export interface AvcEntry {
  readonly source: Sid;
  readonly target: Sid;
  /** Place in the kernel's map of classes. */
  readonly tclass: number;
  /** Masks of the kernel's permissions. What a permissive domain was let do is added. */
  readonly allowed: number;
  readonly auditallow: number;
  /** Which denials are told. */
  readonly auditdeny: number;
  /** The source's domain is permissive. */
  readonly permissive: boolean;
  /** Drivers whose commands are told apart: 256 bits in eight words; null where none are. */
  readonly drivers: readonly number[] | null;
  /** Of the drivers that were asked for. */
  readonly extended: readonly ExtendedAccess[];
}

/** /sys/fs/selinux/avc/cache_threshold, as it is at first, and how many go when there are more. */
const CACHE_THRESHOLD = 512;
const RECLAIMED = 16;

const SID_LIMIT = 2 ** 21;
const CLASS_LIMIT = 2 ** 10;

const keyOf = (source: Sid, target: Sid, tclass: number): number =>
  (source * SID_LIMIT + target) * CLASS_LIMIT + tclass;

export class Avc {
  /** In the order in which they came. */
  readonly #entries = new Map<number, AvcEntry>();
  #threshold = CACHE_THRESHOLD;
  /** The one that was asked for last. */
  #last: AvcEntry | null = null;

  find(source: Sid, target: Sid, tclass: number): AvcEntry | null {
    const last = this.#last;
    if (last !== null && last.source === source && last.target === target && last.tclass === tclass)
      return last;
    const found = this.#entries.get(keyOf(source, target, tclass)) ?? null;
    if (found !== null) this.#last = found;
    return found;
  }

  /** In the place of what is there. */
  put(entry: AvcEntry): AvcEntry {
    const key = keyOf(entry.source, entry.target, entry.tclass);
    if (!this.#entries.has(key)) this.#makeRoom();
    this.#entries.set(key, entry);
    this.#last = entry;
    return entry;
  }

  /** The policy has changed. */
  flush(): void {
    this.#entries.clear();
    this.#last = null;
  }

  get threshold(): number {
    return this.#threshold;
  }

  set threshold(entries: number) {
    this.#threshold = entries;
  }

  save(): readonly AvcEntry[] {
    return [...this.#entries.values()];
  }

  load(saved: readonly AvcEntry[]): void {
    this.flush();
    for (const entry of saved)
      this.#entries.set(keyOf(entry.source, entry.target, entry.tclass), entry);
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#threshold) return;
    let left = RECLAIMED;
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      left -= 1;
      if (left === 0) break;
    }
    this.#last = null;
  }
}
