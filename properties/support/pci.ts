/** PCI functions in sockets, and a bus over them. */

import type { Chip } from "../../src/hw/chips/chip.ts";
import type { BusMessage } from "../../src/hw/chips/interrupt-message.ts";
import { PciBus, type PciSlot } from "../../src/hw/chips/pci/bus.ts";
import {
  type Bar,
  barPlace,
  configurationSpace,
  type Header,
  pciPowerOn,
} from "../../src/hw/chips/pci/configuration-space.ts";
import type { PciFunction } from "../../src/hw/chips/pci/function.ts";
import { i440fx } from "../../src/hw/chips/pci/i440fx.ts";
import {
  msiCapability,
  msiPowerOn,
  type MsiState,
  sendMsi,
  takeMsi,
} from "../../src/hw/chips/pci/msi.ts";
import {
  isMsixEnabled,
  MSIX_BYTES,
  msixCapability,
  msixPowerOn,
  msixRows,
  type MsixState,
  sendVector,
  takeMessages,
} from "../../src/hw/chips/pci/msix.ts";
import { powerOn, Socket, type SocketState } from "../../src/hw/chips/socket.ts";
import type { Cycles } from "../../src/sim/time.ts";

/** A chip in a socket of its own at a time that only the test moves. */
export class HostedChip {
  readonly socket: Socket;
  readonly cell: { value: SocketState<object> };
  readonly messages: BusMessage[] = [];
  now: Cycles = 0;

  constructor(chip: Chip) {
    this.cell = { value: powerOn(chip) };
    this.socket = new Socket(chip, this.cell, {
      message: (message) => {
        if (!("eoi" in message)) this.messages.push(message);
      },
    });
  }

  get state(): object {
    return this.cell.value.chip;
  }

  read(offset: number, size: 1 | 2 | 4): number {
    return this.socket.read(offset, size, this.now);
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    this.socket.write(offset, size, value, this.now);
  }

  pass(cycles: Cycles): void {
    this.now += cycles;
    this.socket.settle(this.now);
  }

  isAsserted(wire: string): boolean {
    return this.cell.value.wires[wire] === true;
  }
}

/** The host bridge and these, from device 1 on. */
export function busOf(chips: readonly Chip[], ecamBase: number | null = null) {
  const hosts = [i440fx, ...chips].map((chip) => new HostedChip(chip));
  const slots: PciSlot[] = hosts.map((hosted, device) => ({
    device,
    function: 0,
    chip: device === 0 ? i440fx : (chips[device - 1] as PciFunction),
    hosted,
  }));
  return { bus: new PciBus(slots, ecamBase), hosts };
}

const HEADER: Header = {
  vendor: 0x1234,
  device: 0x5678,
  revision: 9,
  classCode: 0x08_80_01,
  subsystemVendor: 0xabcd,
  subsystem: 0xef01,
  interruptPin: 1,
};

interface Sample extends MsixState {
  /** The last value written behind each BAR. */
  written: number[];
}

/** A function with these BARs, of which each answers with 100h times its index plus the offset, in four bytes. */
export function sampleFunction(bars: readonly Bar[]): Chip {
  const chip: PciFunction<Sample> = {
    name: "sample",
    cites: "none: a function of these laws",
    powerOn: () => ({ ...pciPowerOn(), msix: msixPowerOn(1), written: [] }),
    registers: {
      ...configurationSpace<Sample>(HEADER, bars),
      ...Object.fromEntries(
        bars.flatMap(({ index, sizeBytes }) =>
          Array.from({ length: Math.min(sizeBytes / 4, 8) }, (_, i) => [
            `${index} ${i}`,
            {
              at: barPlace(index) + 4 * i,
              size: 4 as const,
              read: () => 0x100 * index + 4 * i,
              write: (s: Sample, value: number) => {
                s.written[index] = value;
              },
            },
          ]),
        ),
      ),
    },
    bars,
    inputs: {},
    wires: () => ({}),
    deadline: () => null,
    advance: () => {},
  };
  return chip;
}

export const MSIX_VECTORS = 5;

/** A function that only sends messages: input `send` makes one pending. */
export const msixFunction: Chip = ((): PciFunction<MsixState> => {
  const bars: readonly Bar[] = [{ index: 1, kind: "memory", sizeBytes: MSIX_BYTES }];
  return {
    name: "msix-sample",
    cites: "none: a function of these laws",
    powerOn: () => ({ ...pciPowerOn(), msix: msixPowerOn(MSIX_VECTORS) }),
    registers: {
      ...configurationSpace<MsixState>(HEADER, bars, [msixCapability(MSIX_VECTORS, 1)]),
      ...msixRows<MsixState>(MSIX_VECTORS, barPlace(1)),
    },
    bars,
    inputs: { send: (s, vector) => sendVector(s, vector) },
    wires: (s) => ({ enabled: isMsixEnabled(s) }),
    messages: takeMessages,
    deadline: () => null,
    advance: () => {},
  };
})();

/** A function that only sends one message, by its input `send`. */
export const msiFunction: Chip = ((): PciFunction<MsiState> => ({
  name: "msi-sample",
  cites: "none: a function of these laws",
  powerOn: () => ({ ...pciPowerOn(), msi: msiPowerOn() }),
  registers: configurationSpace<MsiState>(HEADER, [], [msiCapability()]),
  bars: [],
  inputs: { send: (s) => sendMsi(s) },
  wires: () => ({}),
  messages: takeMsi,
  deadline: () => null,
  advance: () => {},
}))();
