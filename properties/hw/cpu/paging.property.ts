/** Laws of translation: the walk is the manual's, and the TLB is stale until it is told. */

import fc from "fast-check";
import { RIGHT, walk } from "../../../src/hw/cpu/paging.ts";
import { Tlb, tagOf } from "../../../src/hw/cpu/tlb.ts";
import { law } from "../../support/law.ts";
import {
  anyPagingCase,
  layTables,
  type PagingCase,
  type Tables,
  translateByTheBook,
} from "../../support/page-tables.ts";

law("the-walk-is-the-manuals", {
  says: "A page walk gives the frame, or the error code, that the manual's sentences give, in each paging mode.",
  cites: "SDM Vol. 3, Paging; Page-Fault Exceptions; Determination of Access Rights",
  forAll: { drawn: anyPagingCase() },
  runs: 4000,
  holds: ({ drawn }) => {
    const tables = layTables(drawn);
    const expected = translateByTheBook(drawn, tables);
    const found = describe(drawn, tables);
    if (found !== expected) throw new Error(`${found}, but the manual says ${expected}`);
  },
});

law("a-walk-sets-accessed-and-dirty", {
  says: "A walk changes nothing but accessed bits on its way and, for a write that is allowed, the dirty bit of the leaf.",
  cites: "SDM Vol. 3, Accessed and Dirty Flags",
  forAll: { drawn: anyPagingCase() },
  runs: 2000,
  holds: ({ drawn }) => {
    const tables = layTables(drawn);
    const before = tables.words.slice();
    const path: number[] = [];
    const { low, high } = halves(drawn.linear);
    const result = walk(drawn.context, drawn.access, tables, low, high, ({ address }) =>
      path.push(address / 4),
    );
    // An entry that the walk meets twice has two roles at once.
    if (new Set(path).size < path.length) return true;
    const faulted = typeof result === "number";
    const leaf = path.at(-1);
    return tables.words.every((word, at) => {
      const added = word ^ (before[at] as number);
      if ((word & added) !== added) return false;
      if (!path.includes(at)) return added === 0;
      if (at !== leaf) return (added & ~0x20) === 0;
      if (faulted) return added === 0;
      const hasBits = (word & 0x20) !== 0 && (!drawn.access.write || (word & 0x40) !== 0);
      return hasBits && (added & ~(drawn.access.write ? 0x60 : 0x20)) === 0;
    });
  },
});

type TlbCommand =
  | {
      readonly do: "fill";
      readonly page: number;
      readonly pcid: number;
      readonly global: boolean;
      readonly frame: number;
    }
  | { readonly do: "page"; readonly page: number; readonly pcid: number }
  | { readonly do: "pcid"; readonly pcid: number }
  | { readonly do: "cr3" | "all" };

const anyTlbCommand = (): fc.Arbitrary<TlbCommand> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("fill" as const),
        page: fc.nat(11),
        pcid: fc.nat(2),
        global: fc.boolean(),
        frame: fc.nat(2 ** 28 - 1),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("page" as const), page: fc.nat(11), pcid: fc.nat(2) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("pcid" as const), pcid: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("cr3" as const, "all" as const) }) },
  );

law("the-tlb-is-stale-until-told", {
  says: "A cached translation is used until it is invalidated, its place is taken, or nothing else; never after.",
  cites: "SDM Vol. 3, Caching Translation Information; Operations that Invalidate TLBs",
  forAll: { commands: fc.array(anyTlbCommand(), { maxLength: 40, size: "max" }) },
  runs: 500,
  holds: ({ commands }) => {
    const tlb = new Tlb();
    // The model: what each page is cached as; pages here never share a place.
    const cached = new Map<number, { pcid: number; global: boolean; frame: number }>();
    for (const command of commands) {
      apply(tlb, command);
      applyToModel(cached, command);
      for (let page = 0; page < 12; page += 1) {
        for (let pcid = 0; pcid < 3; pcid += 1) {
          const entry = cached.get(page);
          const visible = entry !== undefined && (entry.global || entry.pcid === pcid);
          const { low, high } = halves(addressOf(page));
          const at = tlb.find(low, high, tagOf(0, pcid));
          if (at >= 0 !== visible) return false;
          if (visible && tlb.frame(at) !== entry.frame * 4096) return false;
        }
      }
    }
    return true;
  },
});

// Helpers

const halves = (linear: bigint): { low: number; high: number } => ({
  low: Number(linear & 0xffff_ffffn) | 0,
  high: Number((linear >> 32n) & 0xffff_ffffn),
});

function describe({ context, access, linear }: PagingCase, tables: Tables): string {
  const { low, high } = halves(linear);
  const result = walk(context, access, tables, low, high);
  return typeof result === "number"
    ? `fault ${result}`
    : `page ${(result.frame / 4096).toString(16)}`;
}

/** Twelve pages: neighbours, and far ones in the upper half. */
const addressOf = (page: number): bigint =>
  page < 8 ? BigInt(page) << 12n : BigInt.asUintN(64, -(BigInt(page) << 41n)) & ~0xfffn;

function apply(tlb: Tlb, command: TlbCommand): void {
  switch (command.do) {
    case "fill": {
      const { low, high } = halves(addressOf(command.page));
      const rights = RIGHT.write | (command.global ? RIGHT.global : 0);
      tlb.fill(low, high, tagOf(0, command.pcid), { frame: command.frame * 4096, rights });
      break;
    }
    case "page": {
      const { low, high } = halves(addressOf(command.page));
      tlb.invalidatePage(low, high, tagOf(0, command.pcid));
      break;
    }
    case "pcid":
      tlb.invalidateTag(tagOf(0, command.pcid));
      break;
    default:
      tlb.invalidateOwner(0, command.do === "cr3");
  }
}

function applyToModel(
  cached: Map<number, { pcid: number; global: boolean; frame: number }>,
  command: TlbCommand,
): void {
  const dropWhere = (
    drops: (page: number, entry: { pcid: number; global: boolean }) => boolean,
  ): void => {
    for (const [page, entry] of cached) if (drops(page, entry)) cached.delete(page);
  };
  switch (command.do) {
    case "fill": {
      // Pages that share a place with this one lose it.
      const { page, pcid, global, frame } = command;
      dropWhere((other) => placeOf(other) === placeOf(page));
      cached.set(page, { pcid, global, frame });
      break;
    }
    case "page":
      dropWhere(
        (page, entry) => page === command.page && (entry.global || entry.pcid === command.pcid),
      );
      break;
    case "pcid":
      dropWhere((_, entry) => entry.pcid === command.pcid && !entry.global);
      break;
    default:
      dropWhere((_, entry) => command.do === "all" || !entry.global);
  }
}

/** The place that a page has in the TLB, as tlb.ts states it: a hash of the page number over 2048 entries. */
function placeOf(page: number): number {
  const number = Number((addressOf(page) >> 12n) & 0xffff_ffffn);
  return (number ^ (number >>> 11)) & 2047;
}
