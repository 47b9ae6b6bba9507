/**
 * Who has which categories: of all guests that run on hosts that share storage, no one's hold all of another's.
 * libvirt keeps them for each host, in memory, and forgets static labels: security_selinux.c, mcsAdd.
 */

import { InputError } from "../../sim/assert.ts";
import type { RandomStream } from "../../sim/random.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import { type Categories, isComparable } from "./contexts.ts";

/** The categories that pairs are drawn from. */
export interface CategoryRange {
  readonly first: number;
  readonly last: number;
}

/** Held by a domain, once for each host that it is on. */
interface Lease {
  readonly domain: string;
  readonly host: string;
  readonly categories: Categories;
}

/** Fewer leave too few pairs to be unlike. */
const FEWEST = 8;

export class CategoryLeases {
  readonly #cell: Cell<{ leases: readonly Lease[] }>;
  readonly #random: RandomStream;

  /** To be made while the world is built; one for all hosts that share storage. */
  constructor(world: World, name: string) {
    this.#cell = world.registry.plain<{ leases: readonly Lease[] }>(name, { leases: [] });
    this.#random = world.random(name);
  }

  /** Two of the range, drawn among the pairs that are free. Throws InputError when none is. */
  draw(domain: string, host: string, { first, last }: CategoryRange): Categories {
    const many = last - first + 1;
    if (many < FEWEST)
      throw new InputError(
        `domain ${domain}: the range of the manager has ${many} categories; pairs need ${FEWEST}`,
      );
    const pairs = (many * (many - 1)) / 2;
    const taken = this.#cell.value.leases.map(({ categories }) => categories);
    const start = this.#random.below(pairs);
    for (let i = 0; i < pairs; i += 1) {
      const pair = pairAt((start + i) % pairs, many).map((one) => one + first);
      if (taken.some((other) => isComparable(other, pair))) continue;
      this.#add({ domain, host, categories: pair });
      return pair;
    }
    throw new InputError(
      `domain ${domain}: all pairs of categories c${first} to c${last} are in use`,
    );
  }

  /** Those and no other. Throws InputError when they would reach another domain's, or its own would reach them. */
  reserve(domain: string, host: string, categories: Categories): void {
    if (categories.length === 0)
      throw new InputError(
        `domain ${domain}: a label without categories is within reach of every domain`,
      );
    for (const lease of this.#cell.value.leases)
      if (lease.domain !== domain && isComparable(lease.categories, categories))
        throw new InputError(
          `domain ${domain}: its categories ${namesOf(categories)} are within reach of those of domain ${lease.domain}, ${namesOf(lease.categories)}, or the other way round`,
        );
    this.#add({ domain, host, categories });
  }

  release(domain: string, host: string): void {
    const { leases } = this.#cell.value;
    this.#cell.value = {
      leases: leases.filter((lease) => lease.domain !== domain || lease.host !== host),
    };
  }

  #add(lease: Lease): void {
    this.release(lease.domain, lease.host);
    this.#cell.value = { leases: [...this.#cell.value.leases, lease] };
  }
}

const namesOf = (categories: Categories): string =>
  categories.length === 0 ? "(none)" : categories.map((one) => `c${one}`).join(",");

/** The pair of that number: (0, 1), (0, 2), ... (many - 2, many - 1). */
function pairAt(number: number, many: number): readonly [number, number] {
  let left = number;
  let low = 0;
  while (left >= many - 1 - low) {
    left -= many - 1 - low;
    low += 1;
  }
  return [low, low + 1 + left];
}
