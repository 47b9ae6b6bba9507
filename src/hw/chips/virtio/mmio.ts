/**
 * Virtio over MMIO: a device whose registers lie at an address, with one interrupt. OASIS Virtual I/O Device (VIRTIO)
 * Specification 1.2, "Virtio Over MMIO". Shared memory regions: none.
 */

import type { Chip, Register } from "../chip.ts";
import type { DmaMemory } from "../dma.ts";
import { CONFIGURATION, type Hosting, type VirtioDevice, type VirtioState } from "./device.ts";
import {
  enableQueue,
  newVirtioState,
  notifyQueue,
  queueSizeMax,
  readDeviceFeatures,
  readDriverFeatures,
  selectedQueue,
  writeDriverFeatures,
  writeQueueAddress,
  writeQueueSize,
  writeStatus,
} from "./negotiation.ts";
import { drive, type VirtioPort } from "./port.ts";

/** A device behind a transport. */
export interface VirtioChip<State extends object, Device extends object> extends Chip<State> {
  /** Lets the world outside do something to the device: see `Socket.act`. */
  act<Result>(state: State, act: (port: VirtioPort<Device>) => Result): Result;
}

/** "virt" in little endian, the version of the layout, and a vendor that means nothing. */
const MAGIC = 0x7472_6976;
const VERSION = 2;
const VENDOR = 0x1af4;
const CONFIGURATION_PLACE = 0x100;
const NO_REGION = 0xffff_ffff;

type Rows<Device extends object> = Record<string, Register<VirtioState<Device>>>;

/** Wire `irq` asks for an interrupt. */
export function virtioMmio<Device extends object>(
  kind: VirtioDevice<Device>,
  memory: DmaMemory,
): VirtioChip<VirtioState<Device>, Device> {
  const host = (state: VirtioState<Device>): Hosting<Device> => ({
    kind,
    state,
    memory,
    isMaster: true,
    interrupt: (source) => {
      state.isr |= source === CONFIGURATION ? 2 : 1;
    },
  });
  return {
    name: `${kind.name} over MMIO`,
    cites: kind.cites,
    powerOn: () => newVirtioState(kind),
    registers: {
      ...identityRows(kind),
      ...queueRows(kind),
      QueueNotify: {
        at: 0x50,
        size: 4,
        write: (s, queue, now) => notifyQueue(host(s), queue, now),
      },
      Status: {
        at: 0x70,
        size: 4,
        read: (s) => s.status,
        write: (s, value, now) => writeStatus(host(s), value & 0xff, now),
      },
      ...interruptRows(),
      ...configurationRows(kind, CONFIGURATION_PLACE, (s) => s, host),
    },
    inputs: Object.fromEntries(
      Object.entries(kind.inputs ?? {}).map(([name, input]) => [
        name,
        (s: VirtioState<Device>, value: number, now: number) =>
          drive(host(s), (port) => input(port, value, now)),
      ]),
    ),
    wires: (s) => ({ irq: s.isr !== 0, ...kind.wires?.(s.device) }),
    deadline: (s, now) => kind.deadline?.(s.device, now) ?? null,
    advance: (s, now) => drive(host(s), (port) => kind.advance?.(port, now)),
    act: (state, act) => drive(host(state), act),
  };
}

function identityRows<Device extends object>(kind: VirtioDevice<Device>): Rows<Device> {
  return {
    MagicValue: { at: 0, size: 4, read: () => MAGIC },
    Version: { at: 4, size: 4, read: () => VERSION },
    DeviceID: { at: 8, size: 4, read: () => kind.id },
    VendorID: { at: 0x0c, size: 4, read: () => VENDOR },
    DeviceFeatures: { at: 0x10, size: 4, read: (s) => readDeviceFeatures(kind, s) },
    DeviceFeaturesSel: {
      at: 0x14,
      size: 4,
      write: (s, value) => {
        s.deviceFeaturesSelect = value;
      },
    },
    DriverFeatures: {
      at: 0x20,
      size: 4,
      read: readDriverFeatures,
      write: (s, value) => writeDriverFeatures(s, value),
    },
    DriverFeaturesSel: {
      at: 0x24,
      size: 4,
      write: (s, value) => {
        s.driverFeaturesSelect = value;
      },
    },
    SHMLenLow: { at: 0xb0, size: 4, read: () => NO_REGION },
    SHMLenHigh: { at: 0xb4, size: 4, read: () => NO_REGION },
    SHMBaseLow: { at: 0xb8, size: 4, read: () => NO_REGION },
    SHMBaseHigh: { at: 0xbc, size: 4, read: () => NO_REGION },
    ConfigGeneration: { at: 0xfc, size: 4, read: (s) => s.generation },
  };
}

function queueRows<Device extends object>(kind: VirtioDevice<Device>): Rows<Device> {
  const rows: Rows<Device> = {
    QueueSel: {
      at: 0x30,
      size: 4,
      write: (s, value) => {
        s.queueSelect = value;
      },
    },
    QueueNumMax: { at: 0x34, size: 4, read: (s) => queueSizeMax(kind, s) },
    QueueNum: { at: 0x38, size: 4, write: (s, value) => writeQueueSize(kind, s, value) },
    QueueReady: {
      at: 0x44,
      size: 4,
      read: (s) => (selectedQueue(s)?.isReady === true ? 1 : 0),
      write: (s, value) => {
        const queue = selectedQueue(s);
        if (value === 1) enableQueue(s);
        else if (value === 0 && queue !== undefined) queue.isReady = false;
      },
    },
  };
  const areas = [
    ["QueueDesc", "descriptors", 0x80],
    ["QueueDriver", "driver", 0x90],
    ["QueueDevice", "device", 0xa0],
  ] as const;
  for (const [name, area, at] of areas) {
    const write = (word: 0 | 1) => (s: VirtioState<Device>, value: number) =>
      writeQueueAddress(s, area, word, value);
    rows[`${name}Low`] = { at, size: 4, write: write(0) };
    rows[`${name}High`] = { at: at + 4, size: 4, write: write(1) };
  }
  return rows;
}

const interruptRows = <Device extends object>(): Rows<Device> => ({
  InterruptStatus: { at: 0x60, size: 4, read: (s) => s.isr },
  InterruptACK: {
    at: 0x64,
    size: 4,
    write: (s, value) => {
      s.isr &= ~value;
    },
  },
});

/** The device configuration, byte by byte, at a place of a transport's. */
export function configurationRows<State extends object, Device extends object>(
  kind: VirtioDevice<Device>,
  place: number,
  virtio: (state: State) => VirtioState<Device>,
  host: (state: State) => Hosting<Device>,
): Record<string, Register<State>> {
  const rows: Record<string, Register<State>> = {};
  const { length } = kind.configuration(kind.powerOn());
  for (let i = 0; i < length; i += 1) {
    rows[`Config[${i}]`] = {
      at: place + i,
      read: (s) => kind.configuration(virtio(s).device)[i] ?? 0,
      write: (s, byte) => drive(host(s), (port) => kind.writeConfiguration?.(port, i, byte)),
    };
  }
  return rows;
}
