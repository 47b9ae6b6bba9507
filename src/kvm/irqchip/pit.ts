/** The interval timer in the module, with port 61h for its speaker. Linux, Documentation/virt/kvm/api.rst, "KVM_CREATE_PIT2". */

import { part } from "../../hw/boards/board.ts";
import { PlacedChip } from "../../hw/boards/placed-chip.ts";
import { type I8254, i8254 } from "../../hw/chips/i8254.ts";
import { type Port61, port61 } from "../../hw/chips/port61.ts";
import type { AccessSize } from "../../hw/chips/socket.ts";
import type { Vm } from "../vm.ts";

const [COUNTERS, COUNTERS_END, SPEAKER] = [0x40, 0x44, 0x61] as const;

export class Pit {
  readonly timer: PlacedChip<I8254>;
  readonly speaker: PlacedChip<Port61>;

  /** `out` takes the output of counter 0. */
  constructor({ world, name }: Vm, out: (level: number) => void) {
    this.timer = new PlacedChip<I8254>(world, `${name}.pit`, part(i8254), {
      wire: (pin, isAsserted) => {
        const level = isAsserted ? 1 : 0;
        if (pin === "out0") out(level);
        if (pin === "out2") this.speaker.input("out2", level);
      },
    });
    this.speaker = new PlacedChip<Port61>(world, `${name}.port61`, part(port61), {
      wire: (pin, isAsserted) => {
        if (pin === "gate2") this.timer.input("gate2", isAsserted ? 1 : 0);
      },
    });
    this.timer.settle();
    this.timer.input("gate2", 0);
  }

  readPort(port: number, size: AccessSize): number | null {
    if (port === SPEAKER) return this.speaker.read(0, size);
    return port >= COUNTERS && port < COUNTERS_END ? this.timer.read(port - COUNTERS, size) : null;
  }

  writePort(port: number, size: AccessSize, value: number): boolean {
    if (port === SPEAKER) this.speaker.write(0, size, value);
    else if (port >= COUNTERS && port < COUNTERS_END)
      this.timer.write(port - COUNTERS, size, value);
    else return false;
    return true;
  }
}
