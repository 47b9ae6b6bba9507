/** What follows from the control fields of the current VMCS, made anew after one of them was written. */

import type { CpuProfile } from "../cpuid/profile.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import type { Controls } from "./check.ts";
import { PRIMARY, SECONDARY } from "./controls.ts";
import { Ept } from "./ept.ts";
import { wordOf } from "./fields.ts";
import type { Guest } from "./intercepts.ts";
import type { Vmcs } from "./vmcs.ts";

const PINS = wordOf("Pin-based VM-execution controls");
const PRIMARIES = wordOf("Primary processor-based VM-execution controls");
const SECONDARIES = wordOf("Secondary processor-based VM-execution controls");
const EXITS = wordOf("VM-exit controls");
const ENTRIES = wordOf("VM-entry controls");
const VPID = wordOf("Virtual-processor identifier (VPID)");
const EPTP = wordOf("EPT pointer (EPTP)");

export interface Derived extends Guest {
  readonly vpid: number;
  readonly ept: Ept | null;
}

export class CurrentControls {
  /** The control and host fields have passed their checks, while the CPU was in IA-32e mode or was not. */
  checkedIn: boolean | null = null;
  readonly #vmcs: Vmcs;
  readonly #memory: PhysicalMemory;
  readonly #profile: CpuProfile;
  #now: Derived | null = null;

  constructor(vmcs: Vmcs, memory: PhysicalMemory, profile: CpuProfile) {
    this.#vmcs = vmcs;
    this.#memory = memory;
    this.#profile = profile;
  }

  forget(): void {
    this.#now = null;
    this.checkedIn = null;
  }

  get now(): Derived {
    this.#now ??= this.#derive();
    return this.#now;
  }

  /** As they are at an entry: "IA-32e mode guest" is the one control that exits change. */
  atEntry(): Controls {
    const { controls } = this.now;
    const entry = this.#vmcs.words[ENTRIES] as number;
    return controls.entry === entry ? controls : { ...controls, entry };
  }

  #derive(): Derived {
    const vmcs = this.#vmcs;
    const memory = this.#memory;
    const { words } = vmcs;
    const primary = words[PRIMARIES] as number;
    const isExtended = (primary & PRIMARY.activateSecondaryControls) !== 0;
    const secondary = isExtended ? (words[SECONDARIES] as number) : 0;
    const controls: Controls = {
      pin: words[PINS] as number,
      primary,
      secondary,
      exit: words[EXITS] as number,
      entry: words[ENTRIES] as number,
    };
    const tables = {
      eptp: vmcs.address(EPTP),
      physicalBits: this.#profile.physicalBits,
      logs: (secondary & SECONDARY.enablePml) !== 0,
      modeBased: (secondary & SECONDARY.modeBasedExecuteControl) !== 0,
    };
    const ept = (secondary & SECONDARY.enableEpt) === 0 ? null : new Ept(vmcs, memory, tables);
    const vpid = (secondary & SECONDARY.enableVpid) === 0 ? 0 : (words[VPID] as number);
    return { vmcs, controls, memory, vpid, ept };
  }
}
