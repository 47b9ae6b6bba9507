/** Which RAM and ROM of a board a guest finds where, as shadow RAM is open or closed. Intel 440FX PCIset data sheet, "PAM—Programmable Attribute Map Registers". */

import type { Backplane } from "../hw/boards/backplane.ts";
import type { Rom } from "../hw/boards/board.ts";
import type { ShadowArea } from "../hw/chips/pci/i440fx.ts";
import type { MemoryRange } from "./guest-memory.ts";

export interface RomPlace extends Rom {
  /** Its copy in the task. */
  readonly from: number;
}

/** `ram` is the task's address of RAM. */
export function arrangement(
  backplane: Backplane,
  ram: number,
  sizeBytes: number,
  roms: readonly RomPlace[],
): readonly MemoryRange[] {
  const areas = backplane.board.shadow?.areas ?? [];
  const closed = areas.flatMap((area) => closedRange(backplane, area, ram, roms));
  const gaps = areas.filter((area) => !isOpen(backplane, area));
  const ranges: MemoryRange[] = [...closed];
  let at = 0;
  for (const gap of [...gaps, { at: sizeBytes, sizeBytes: 0 }]) {
    if (gap.at > at) ranges.push({ at, bytes: gap.at - at, from: ram + at, readOnly: false });
    at = gap.at + gap.sizeBytes;
  }
  const high = roms.filter((rom) => rom.at >= sizeBytes);
  return [
    ...ranges,
    ...high.map(({ at: place, bytes, from }) => ({
      at: place,
      bytes: bytes.length,
      from,
      readOnly: true,
    })),
  ];
}

function isOpen(backplane: Backplane, area: ShadowArea): boolean {
  const { reads, writes } = backplane.shadowState(area);
  return reads && writes;
}

/** RAM that can only be read, or the ROM behind it; of what has neither, nothing. */
function closedRange(
  backplane: Backplane,
  area: ShadowArea,
  ram: number,
  roms: readonly RomPlace[],
): readonly MemoryRange[] {
  if (isOpen(backplane, area)) return [];
  const { at, sizeBytes: bytes } = area;
  if (backplane.shadowState(area).reads) return [{ at, bytes, from: ram + at, readOnly: true }];
  const rom = roms.find((one) => at >= one.at && at + bytes <= one.at + one.bytes.length);
  return rom === undefined ? [] : [{ at, bytes, from: rom.from + (at - rom.at), readOnly: true }];
}
