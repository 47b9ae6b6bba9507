/** The interval timer in the module, with port 61h for its speaker. Linux, Documentation/virt/kvm/api.rst, "KVM_CREATE_PIT2". */

import { AddressMap, type Place } from "../../hw/boards/address-map.ts";
import { part } from "../../hw/boards/board.ts";
import { ISA_PORTS } from "../../hw/boards/isa.ts";
import { PlacedChip } from "../../hw/boards/placed-chip.ts";
import { type I8254, i8254 } from "../../hw/chips/i8254.ts";
import { type Port61, port61 } from "../../hw/chips/port61.ts";
import type { AccessSize } from "../../hw/chips/socket.ts";
import type { Vm } from "../vm.ts";

const PORTS = new AddressMap(
  ISA_PORTS.filter(({ part: name }) => name === "pit" || name === "port61"),
);

/** Of port 61h the module has the gate and the speaker, and nothing of memory's errors: Linux, arch/x86/kvm/i8254.c, speaker_ioport_write. */
const SPEAKER_BITS = 3;

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
    const place = PORTS.find(port);
    return place === null ? null : this.#chip(place).read(place.offset, size);
  }

  writePort(port: number, size: AccessSize, value: number): boolean {
    const place = PORTS.find(port);
    if (place === null) return false;
    const chip = this.#chip(place);
    chip.write(place.offset, size, chip === this.speaker ? value & SPEAKER_BITS : value);
    return true;
  }

  #chip({ part: name }: Place): PlacedChip {
    return name === "pit" ? this.timer : this.speaker;
  }
}
