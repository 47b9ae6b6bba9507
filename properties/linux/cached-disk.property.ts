/** Laws of disks with a volatile cache, and of power cuts. */

import fc from "fast-check";
import { DiskImage } from "../../src/hw/chips/disk-image.ts";
import { CachedDisk } from "../../src/linux/block/cached-disk.ts";
import { Hasher } from "../../src/sim/hash.ts";
import { RandomStreams } from "../../src/sim/random.ts";
import { law } from "../support/law.ts";

const SECTORS = 12;
const CACHE_SECTORS = 16;

const anySteps = () =>
  fc.array(
    fc.record({
      what: fc.constantFrom("write", "write", "write", "zero", "flush", "cut", "save", "load"),
      sector: fc.nat(SECTORS - 1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 2, maxLength: 40, size: "max" },
  );

law("what-was-flushed-survives-a-power-cut", {
  says: "A read gives what was written last. After a power cut each sector is what it was at the last flush or what a write since has made of it, whole; a sector not written since a flush is unchanged; and what left a full cache is safe.",
  cites: "Linux, Documentation/block/writeback_cache_control.rst",
  forAll: { steps: anySteps(), seed: fc.nat(1000) },
  runs: 400,
  holds: ({ steps, seed }) => {
    const disk = newDisk();
    const stream = new RandomStreams(String(seed)).stream("power");
    let model = newModel();
    let saved = { disk: disk.save(), model: structuredClone(model), digest: digestOf(disk) };
    steps.forEach(({ what, sector, count }, i) => {
      const size = Math.min(count, SECTORS - sector);
      if (what === "write") disk.write(sector, new Uint8Array(512 * size).fill(i + 1));
      else if (what === "zero") disk.zero(sector, size);
      else if (what === "flush") disk.flush();
      else if (what === "cut") disk.powerCut(stream);
      else if (what === "save")
        saved = { disk: disk.save(), model: structuredClone(model), digest: digestOf(disk) };
      else {
        disk.load(saved.disk);
        if (digestOf(disk) !== saved.digest) throw new Error("not what was saved");
        model = structuredClone(saved.model);
      }
      if (what === "write" || what === "zero")
        for (let at = sector; at < sector + size; at += 1)
          model.push({ at, value: what === "zero" ? 0 : i + 1, of: i });
      if (what === "flush") model = settled(model);
      const values = Array.from({ length: SECTORS }, (_, at) => valueOf(disk.read(at, 1)));
      if (what === "cut") {
        values.forEach((value, at) => {
          if (!possible(model, at).includes(value)) throw new Error(`sector ${at} is ${value}`);
        });
        model = values.map((value, at) => ({ at, value, of: -1 }));
      }
      const wanted = values.map((_, at) => possible(model, at).at(-1));
      if (wanted.join() !== values.join())
        throw new Error(`${values.join()}, not ${wanted.join()}`);
    });
  },
});

law("every-unflushed-sector-may-go-or-stay", {
  says: "Over many power cuts a write of two sectors that was not flushed is seen to vanish, to stay, and to tear both ways.",
  cites: "Linux, Documentation/block/writeback_cache_control.rst; DESIGN, Faults",
  forAll: { seed: fc.nat(1_000_000) },
  runs: 20,
  holds: ({ seed }) => {
    const stream = new RandomStreams(String(seed)).stream("power");
    const seen = new Set<string>();
    for (let i = 0; i < 100; i += 1) {
      const disk = newDisk();
      disk.write(3, new Uint8Array(1024).fill(7));
      disk.powerCut(stream);
      seen.add([3, 4].map((at) => valueOf(disk.read(at, 1))).join());
    }
    return [...seen].toSorted((a, b) => (a < b ? -1 : 1)).join(" ") === "0,0 0,7 7,0 7,7";
  },
});

law("a-cache-is-part-of-the-state", {
  says: "Disks that read the same are told apart by their digests exactly when a power cut could leave something else of them.",
  cites: "DESIGN, State is data",
  forAll: {
    values: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    sectors: fc.tuple(fc.nat(2), fc.nat(2)),
    flushes: fc.tuple(fc.boolean(), fc.boolean()),
  },
  holds: ({ values, sectors, flushes }) => {
    const [first, second] = [0, 1].map((i) => {
      const disk = newDisk();
      for (const sector of [0, 1, 2]) disk.write(sector, new Uint8Array(512).fill(9));
      disk.write(sectors[i] ?? 0, new Uint8Array(512).fill(values[i] ?? 0));
      disk.flush();
      disk.write(sectors[i] ?? 0, new Uint8Array(512).fill(9));
      if (flushes[i] === true) disk.flush();
      return digestOf(disk);
    });
    const isSame = values[0] === values[1] && sectors[0] === sectors[1];
    const areSafe = flushes[0] && flushes[1];
    return (first === second) === (areSafe || (flushes[0] === flushes[1] && isSame));
  },
});

// Helpers

const newDisk = (): CachedDisk =>
  new CachedDisk(new DiskImage(new Uint8Array(512 * SECTORS)), 512 * CACHE_SECTORS);

/** What was written to each sector in its order; the first entry of a sector is what it was at the last flush. */
type Model = readonly Version[];

interface Version {
  readonly at: number;
  readonly value: number;
  /** Which write, so that whole writes leave the cache. */
  readonly of: number;
}

const newModel = (): Version[] =>
  Array.from({ length: SECTORS }, (_, at) => ({ at, value: 0, of: -1 }));

const valuesAt = (model: Model, at: number): readonly Version[] =>
  model.filter((version) => version.at === at);

const settled = (model: Model): Version[] =>
  Array.from({ length: SECTORS }, (_, at) => ({
    at,
    value: valuesAt(model, at).at(-1)?.value ?? 0,
    of: -1,
  }));

/** The writes that still fit into the cache, counted from the last, may be undone; those before may not. */
function possible(model: Model, at: number): readonly number[] {
  const writes = [...new Set(model.filter(({ of }) => of >= 0).map(({ of }) => of))];
  const inCache = new Set<number>();
  let sectors = 0;
  for (const write of writes.toReversed()) {
    sectors += model.filter(({ of }) => of === write).length;
    if (sectors > CACHE_SECTORS) break;
    inCache.add(write);
  }
  const versions = valuesAt(model, at);
  const safe = versions.findLastIndex(({ of }) => !inCache.has(of));
  return versions.slice(safe).map(({ value }) => value);
}

/** A sector is whole. */
function valueOf(bytes: Uint8Array): number {
  const [value = 0] = bytes;
  if (bytes.some((byte) => byte !== value)) throw new Error("a sector is torn");
  return value;
}

function digestOf(disk: CachedDisk): string {
  const hasher = new Hasher();
  disk.digest(hasher);
  return hasher.hex();
}
