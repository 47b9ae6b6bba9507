/** MSRs that no processor has: Linux, Documentation/virt/kvm/x86/msr.rst. */

import type { Vcpu } from "../vcpu.ts";
import { writeEoiMsr } from "./eoi.ts";
import { FEATURE, hasFeature } from "./features.ts";
import { writeStealTime } from "./steal-time.ts";

interface PvMsr {
  readonly number: number;
  readonly feature: number;
  read(vcpu: Vcpu): bigint;
  /** False is #GP(0). */
  write(vcpu: Vcpu, value: bigint): boolean;
}

const wallClock = (number: number, feature: number): PvMsr => ({
  number,
  feature,
  read: ({ vm }) => vm.clock.wallClock,
  write: ({ vm }, value) => {
    vm.clock.writeWallClock(value);
    return true;
  },
});

const systemTime = (number: number, feature: number): PvMsr => ({
  number,
  feature,
  read: ({ state }) => state.pv.systemTime,
  write: (vcpu, value) => {
    vcpu.vm.clock.writeSystemTime(vcpu, value, feature === FEATURE.CLOCKSOURCE);
    return true;
  },
});

const stealTime: PvMsr = {
  number: 0x4b56_4d03,
  feature: FEATURE.STEAL_TIME,
  read: ({ state }) => state.pv.stealTime,
  write: writeStealTime,
};

const endOfInterrupt: PvMsr = {
  number: 0x4b56_4d04,
  feature: FEATURE.PV_EOI,
  read: ({ state }) => state.pv.eoi,
  write: writeEoiMsr,
};

const pollControl: PvMsr = {
  number: 0x4b56_4d05,
  feature: FEATURE.POLL_CONTROL,
  read: ({ state }) => state.pv.pollControl,
  write: ({ state }, value) => {
    if (value > 1n) return false;
    state.pv.pollControl = value;
    return true;
  },
};

const ROWS: readonly PvMsr[] = [
  wallClock(0x11, FEATURE.CLOCKSOURCE),
  systemTime(0x12, FEATURE.CLOCKSOURCE),
  wallClock(0x4b56_4d00, FEATURE.CLOCKSOURCE2),
  systemTime(0x4b56_4d01, FEATURE.CLOCKSOURCE2),
  stealTime,
  endOfInterrupt,
  pollControl,
];

export const PV_MSRS: readonly number[] = ROWS.map(({ number }) => number);

function find(vcpu: Vcpu, number: number): PvMsr | undefined {
  const row = ROWS.find((one) => one.number === number);
  return row !== undefined && hasFeature(vcpu, row.feature) ? row : undefined;
}

/** Null for one that is not there. */
export const readPvMsr = (vcpu: Vcpu, number: number): bigint | null =>
  find(vcpu, number)?.read(vcpu) ?? null;

export const writePvMsr = (vcpu: Vcpu, number: number, value: bigint): boolean =>
  find(vcpu, number)?.write(vcpu, value) === true;
