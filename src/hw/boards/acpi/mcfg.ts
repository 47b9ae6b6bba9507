/** Memory-mapped configuration space: PCI Firmware Specification, "MCFG Table Description". */

import { table } from "./table.ts";

export const mcfg = (address: number, lastBus: number): Uint8Array =>
  table("MCFG", 1, (body) => {
    body.zeros(8).u64(address).u16(0).u8(0, lastBus).zeros(4);
  });
