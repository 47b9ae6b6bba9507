import { expect, test } from "vitest";
import { PagedMemory } from "../../../sim/paged-memory.ts";
import { AMD, INTEL } from "../cpuid/profile.ts";
import { BareEnvironment } from "../environment.ts";
import { FlatMemory } from "../flat-memory.ts";
import { startLongMode } from "../start.ts";
import { BLOCK_BYTES, CpuState } from "../state.ts";
import { hasMsr, MSRS, readMsr, resetMsrs, writeMsr } from "./access.ts";

test.each([INTEL, AMD])("what a register holds after reset may be written back", (profile) => {
  const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
  const environment = new BareEnvironment(profile);
  const access = { state, environment, memory: new FlatMemory(new PagedMemory(4096, 65536), 0n) };
  startLongMode(state, 0);
  resetMsrs(access);
  const rows = MSRS.filter((row) => hasMsr(profile, row));
  expect(rows.length).toBeGreaterThan(40);
  for (const { number, name, writable } of rows) {
    const value = readMsr(access, number);
    // Some registers are only written, to set something off.
    if (value === null) {
      expect({ name, writable }).not.toEqual({ name, writable: "nothing" });
      continue;
    }
    const taken = writeMsr(access, number, value);
    if (writable === "nothing") expect({ name, taken }).toEqual({ name, taken: false });
    else if (taken) expect({ name, value: readMsr(access, number) }).toEqual({ name, value });
  }
});
