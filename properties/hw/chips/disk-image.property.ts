/** Laws of disk images: what is written over a shared base. */

import fc from "fast-check";
import { DiskImage } from "../../../src/hw/chips/disk-image.ts";
import { Hasher } from "../../../src/sim/hash.ts";
import { law } from "../../support/law.ts";

/** A little more than one chunk of an overlay. */
const SECTORS = 4104;
const SECTORS_LAST = SECTORS - 1;

law("a-disk-is-its-image-and-what-was-written", {
  says: "After any writes, snapshots and returns, a disk reads as the plain array that went the same way, and its base is as it was.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: { steps: fc.array(anyStep(), { maxLength: 30, size: "max" }) },
  runs: 40,
  holds: ({ steps }) => {
    const base = baseImage();
    const disk = new DiskImage(base);
    let model = padded(base);
    const snapshots: { saved: ReturnType<DiskImage["save"]>; model: Uint8Array; digest: string }[] =
      [];
    for (const step of steps) {
      if (step.kind === "write") {
        const bytes = new Uint8Array(512 * step.count).fill(step.fill);
        disk.write(step.sector, bytes);
        model.set(bytes, 512 * step.sector);
      } else if (step.kind === "zero") {
        disk.zero(step.sector, step.count);
        model.fill(0, 512 * step.sector, 512 * (step.sector + step.count));
      } else if (step.kind === "save") {
        snapshots.push({ saved: disk.save(), model: model.slice(), digest: digestOf(disk) });
      } else if (snapshots.length > 0) {
        const back = snapshots[step.fill % snapshots.length];
        if (back === undefined) continue;
        disk.load(back.saved);
        model = back.model.slice();
        if (digestOf(disk) !== back.digest) throw new Error("the digest differs after a return");
      }
      same(
        disk.read(step.sector, step.count),
        model.subarray(512 * step.sector, 512 * (step.sector + step.count)),
      );
    }
    same(disk.read(0, SECTORS), model);
    same(base, baseImage());
    const copy = new DiskImage(baseImage());
    copy.load(disk.save());
    same(copy.read(0, SECTORS), model);
  },
});

law("a-digest-is-of-the-content", {
  says: "Two disks over one image have the same digest exactly when they read the same, whatever way they came.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: {
    left: fc.array(anyStep(), { maxLength: 12, size: "max" }),
    detour: fc.array(anyStep(), { maxLength: 6 }),
    change: fc.option(fc.record({ sector: fc.nat(SECTORS_LAST), fill: fc.nat(255) }), {
      nil: null,
    }),
  },
  runs: 40,
  holds: ({ left, detour, change }) => {
    const a = new DiskImage(baseImage());
    const b = new DiskImage(baseImage());
    for (const step of detour) write(b, step);
    digestOf(b);
    for (const step of left) write(a, step);
    for (const { sector, count } of [...detour, ...left]) b.write(sector, a.read(sector, count));
    if (change !== null) b.write(change.sector, new Uint8Array(512).fill(change.fill));
    const areEqual = areSame(a.read(0, a.sectors), b.read(0, b.sectors));
    return (digestOf(a) === digestOf(b)) === areEqual;
  },
});

// Helpers

function baseImage(): Uint8Array {
  const bytes = new Uint8Array(512 * SECTORS - 100);
  for (let sector = 0; sector < SECTORS; sector += 1)
    bytes.fill(sector & 0xff, 512 * sector, 512 * (sector + 1));
  return bytes;
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(512 * SECTORS);
  whole.set(bytes);
  return whole;
}

function write(disk: DiskImage, { kind, sector, count, fill }: ReturnType<typeof stepOf>): void {
  if (kind === "write") disk.write(sector, new Uint8Array(512 * count).fill(fill));
  else if (kind === "zero") disk.zero(sector, count);
}

const stepOf = (
  kind: "write" | "zero" | "save" | "load",
  sector: number,
  count: number,
  fill: number,
) => ({
  kind,
  sector,
  count: Math.min(count, SECTORS - sector),
  fill,
});

function anyStep() {
  return fc
    .tuple(
      fc.constantFrom(
        "write" as const,
        "write" as const,
        "zero" as const,
        "save" as const,
        "load" as const,
      ),
      fc.oneof(fc.nat(SECTORS_LAST), fc.constantFrom(0, 4090, 4095, 4096)),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(255),
    )
    .map((parts) => stepOf(...parts));
}

function digestOf(disk: DiskImage): string {
  const hasher = new Hasher();
  disk.digest(hasher);
  return hasher.finish().join();
}

function same(left: Uint8Array, right: Uint8Array): void {
  if (!areSame(left, right)) throw new Error("the bytes differ");
}

function areSame(left: Uint8Array, right: Uint8Array): boolean {
  for (let i = 0; i < left.length; i += 1) if (left[i] !== right[i]) return false;
  return left.length === right.length;
}
