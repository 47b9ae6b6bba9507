/**
 * Virtio over PCI: a function with its structures behind BAR 4 and MSI-X behind BAR 1. OASIS Virtual I/O Device (VIRTIO)
 * Specification 1.2, "Virtio Over PCI Bus". No legacy interface.
 */

import type { Register } from "../chip.ts";
import type { DmaMemory } from "../dma.ts";
import {
  allowsIntx,
  type Bar,
  barPlace,
  type Capability,
  configurationSpace,
  isMaster,
  pciPowerOn,
  writable,
} from "../pci/configuration-space.ts";
import type { PciFunction } from "../pci/function.ts";
import {
  isMsixEnabled,
  MSIX_BYTES,
  msixCapability,
  msixPowerOn,
  msixRows,
  type MsixState,
  sendVector,
  takeMessages,
} from "../pci/msix.ts";
import {
  CONFIGURATION,
  type Hosting,
  type VirtioDevice,
  type VirtioIdentity,
  type VirtioState,
} from "./device.ts";
import { configurationRows, type VirtioChip } from "./mmio.ts";
import {
  enableQueue,
  newVirtioState,
  notifyQueue,
  readDeviceFeatures,
  readDriverFeatures,
  selectedQueue,
  writeDriverFeatures,
  writeQueueAddress,
  writeQueueSize,
  writeStatus,
} from "./negotiation.ts";
import { drive } from "./port.ts";

interface VirtioPci<Device> extends MsixState {
  virtio: VirtioState<Device>;
  /** "MSI-X Vector Configuration". */
  configurationVector: number;
  queueVectors: number[];
  /** "PCI configuration access capability": what the driver wrote. */
  window: Window;
}

interface Window {
  bar: number;
  offset: number;
  length: number;
}

type Rows<Device extends object> = Record<string, Register<VirtioPci<Device>>>;

const NO_VECTOR = 0xffff;
const MSIX_BAR = 1;
const BAR = 4;
const BARS: readonly Bar[] = [
  { index: MSIX_BAR, kind: "memory", sizeBytes: MSIX_BYTES },
  { index: BAR, kind: "memory64", sizeBytes: 0x4000, isPrefetchable: true },
];

/** Where the structures lie in the BAR, a page each. */
const COMMON = 0;
const ISR = 0x1000;
const DEVICE = 0x2000;
const NOTIFY = 0x3000;
const NOTIFY_MULTIPLIER = 4;
const PLACE = barPlace(BAR);

/** Wire `intx` is INTA#. */
export function virtioPci<Device extends object>(
  kind: VirtioDevice<Device>,
  memory: DmaMemory,
): VirtioChip<VirtioPci<Device>, Device> & PciFunction<VirtioPci<Device>> {
  const host = (state: VirtioPci<Device>): Hosting<Device> => ({
    kind,
    state: state.virtio,
    memory,
    isMaster: isMaster(state),
    interrupt: (source) => interrupt(state, source),
  });
  const vectors = kind.queueSizes.length + 1;
  const reset = (s: VirtioPci<Device>): void => {
    s.configurationVector = NO_VECTOR;
    s.queueVectors = kind.queueSizes.map(() => NO_VECTOR);
  };
  const behindBar: Rows<Device> = {
    ...commonRows(kind, host, reset),
    ...queueRows(kind),
    ...notifyRows(kind, host),
    ISR: { at: PLACE + ISR, read: readIsr },
    ...configurationRows<VirtioPci<Device>, Device>(kind, PLACE + DEVICE, (s) => s.virtio, host),
  };
  return {
    name: `${kind.name} over PCI`,
    cites: kind.cites,
    powerOn: () => ({
      ...pciPowerOn(),
      msix: msixPowerOn(vectors),
      virtio: newVirtioState(kind),
      configurationVector: NO_VECTOR,
      queueVectors: kind.queueSizes.map(() => NO_VECTOR),
      window: { bar: 0, offset: 0, length: 0 },
    }),
    registers: {
      ...configurationSpace<VirtioPci<Device>>(
        headerOf(kind),
        BARS,
        capabilities(kind, vectors, behindBar),
        (s) => s.virtio.isr !== 0,
      ),
      ...msixRows<VirtioPci<Device>>(vectors, barPlace(MSIX_BAR)),
      ...behindBar,
    },
    bars: BARS,
    inputs: Object.fromEntries(
      Object.entries(kind.inputs ?? {}).map(([name, input]) => [
        name,
        (s: VirtioPci<Device>, value: number, now: number) =>
          drive(host(s), (port) => input(port, value, now)),
      ]),
    ),
    wires: (s) => ({
      intx: s.virtio.isr !== 0 && !isMsixEnabled(s) && allowsIntx(s),
      ...kind.wires?.(s.virtio.device),
    }),
    messages: takeMessages,
    deadline: (s, now) => kind.deadline?.(s.virtio.device, now) ?? null,
    advance: (s, now) => drive(host(s), (port) => kind.advance?.(port, now)),
    act: (state, act) => drive(host(state), act),
  };
}

/** "PCI Device Discovery": a device ID of 1040h plus the type, and a revision that says no legacy interface. */
const headerOf = ({ id, classCode }: VirtioIdentity) => ({
  vendor: 0x1af4,
  device: 0x1040 + id,
  revision: 1,
  classCode,
  subsystemVendor: 0x1af4,
  subsystem: 0x1100,
  interruptPin: 1,
});

// Interrupts

/** "Used Buffer Notifications", "Notification of Device Configuration Changes": the ISR status is for INTx only. */
function interrupt(state: VirtioPci<object>, source: number): void {
  if (isMsixEnabled(state)) {
    const vector =
      source === CONFIGURATION ? state.configurationVector : state.queueVectors[source];
    sendVector(state, vector ?? NO_VECTOR);
  } else {
    state.virtio.isr |= source === CONFIGURATION ? 2 : 1;
  }
}

/** Reading acknowledges. */
function readIsr({ virtio }: VirtioPci<object>): number {
  const { isr } = virtio;
  virtio.isr = 0;
  return isr;
}

// The common configuration structure

function commonRows<Device extends object>(
  kind: VirtioDevice<Device>,
  host: (state: VirtioPci<Device>) => Hosting<Device>,
  reset: (state: VirtioPci<Device>) => void,
): Rows<Device> {
  return at(COMMON, {
    device_feature_select: {
      at: 0,
      size: 4,
      read: ({ virtio }) => virtio.deviceFeaturesSelect,
      write: ({ virtio }, value) => {
        virtio.deviceFeaturesSelect = value;
      },
    },
    device_feature: { at: 4, size: 4, read: ({ virtio }) => readDeviceFeatures(kind, virtio) },
    driver_feature_select: {
      at: 8,
      size: 4,
      read: ({ virtio }) => virtio.driverFeaturesSelect,
      write: ({ virtio }, value) => {
        virtio.driverFeaturesSelect = value;
      },
    },
    driver_feature: {
      at: 12,
      size: 4,
      read: ({ virtio }) => readDriverFeatures(virtio),
      write: ({ virtio }, value) => writeDriverFeatures(virtio, value),
    },
    config_msix_vector: {
      at: 16,
      size: 2,
      read: (s) => s.configurationVector,
      write: (s, vector) => {
        s.configurationVector = existing(kind, vector);
      },
    },
    num_queues: { at: 18, size: 2, read: () => kind.queueSizes.length },
    device_status: {
      at: 20,
      read: ({ virtio }) => virtio.status,
      write: (s, value, now) => {
        if (value === 0) reset(s);
        writeStatus(host(s), value, now);
      },
    },
    config_generation: { at: 21, read: ({ virtio }) => virtio.generation },
  });
}

function queueRows<Device extends object>(kind: VirtioDevice<Device>): Rows<Device> {
  const isSelected = ({ virtio }: VirtioPci<Device>): boolean =>
    selectedQueue(virtio) !== undefined;
  const rows: Rows<Device> = {
    queue_select: {
      at: 22,
      size: 2,
      read: ({ virtio }) => virtio.queueSelect,
      write: ({ virtio }, value) => {
        virtio.queueSelect = value;
      },
    },
    queue_size: {
      at: 24,
      size: 2,
      read: ({ virtio }) => selectedQueue(virtio)?.size ?? 0,
      write: ({ virtio }, value) => writeQueueSize(kind, virtio, value),
    },
    queue_msix_vector: {
      at: 26,
      size: 2,
      read: (s) => s.queueVectors[s.virtio.queueSelect] ?? NO_VECTOR,
      write: (s, vector) => {
        if (isSelected(s)) s.queueVectors[s.virtio.queueSelect] = existing(kind, vector);
      },
    },
    queue_enable: {
      at: 28,
      size: 2,
      read: ({ virtio }) => (selectedQueue(virtio)?.isReady === true ? 1 : 0),
      write: ({ virtio }, value) => {
        if (value === 1) enableQueue(virtio);
      },
    },
    queue_notify_off: { at: 30, size: 2, read: ({ virtio }) => virtio.queueSelect },
  };
  const areas = [
    ["queue_desc", "descriptors", 32],
    ["queue_driver", "driver", 40],
    ["queue_device", "device", 48],
  ] as const;
  for (const [name, area, place] of areas) {
    for (const word of [0, 1] as const) {
      rows[`${name}[${word}]`] = {
        at: place + 4 * word,
        size: 4,
        read: ({ virtio }) => selectedQueue(virtio)?.[area][word] ?? 0,
        write: ({ virtio }, value) => writeQueueAddress(virtio, area, word, value),
      };
    }
  }
  return at(COMMON, rows);
}

/** "If there are not enough vectors": a vector that there is none of reads back as NO_VECTOR. */
const existing = ({ queueSizes }: VirtioIdentity, vector: number): number =>
  vector <= queueSizes.length ? vector : NO_VECTOR;

/** "Notification structure layout": each queue has an address of its own. */
function notifyRows<Device extends object>(
  kind: VirtioDevice<Device>,
  host: (state: VirtioPci<Device>) => Hosting<Device>,
): Rows<Device> {
  const rows: Rows<Device> = {};
  kind.queueSizes.forEach((_, queue) => {
    rows[`Notify[${queue}]`] = {
      at: NOTIFY_MULTIPLIER * queue,
      size: 2,
      write: (s, value, now) => notifyQueue(host(s), value, now),
    };
  });
  return at(NOTIFY, rows);
}

/** Rows of one of the structures behind the BAR. */
const at = <Device extends object>(structure: number, rows: Rows<Device>): Rows<Device> =>
  Object.fromEntries(
    Object.entries(rows).map(([name, row]) => [name, { ...row, at: PLACE + structure + row.at }]),
  );

// Capabilities

function capabilities<Device extends object>(
  kind: VirtioDevice<Device>,
  vectors: number,
  behindBar: Rows<Device>,
): readonly Capability<VirtioPci<Device>>[] {
  const { length } = kind.configuration(kind.powerOn());
  return [
    msixCapability(vectors, MSIX_BAR),
    structure(1, COMMON, 0x38),
    structure(2, NOTIFY, NOTIFY_MULTIPLIER * kind.queueSizes.length, NOTIFY_MULTIPLIER),
    structure(3, ISR, 1),
    ...(length > 0 ? [structure(4, DEVICE, length)] : []),
    windowCapability(behindBar),
  ];
}

/** "Virtio Structure PCI Capabilities". */
const structure = (
  type: number,
  offset: number,
  length: number,
  extra?: number,
): Capability<object> => ({
  id: 9,
  sizeBytes: extra === undefined ? 16 : 20,
  registers: (place) => ({
    cap_len: { at: place + 2, read: () => (extra === undefined ? 16 : 20) },
    cfg_type: { at: place + 3, read: () => type },
    bar: { at: place + 4, size: 4, read: () => BAR },
    offset: { at: place + 8, size: 4, read: () => offset },
    length: { at: place + 12, size: 4, read: () => length },
    ...(extra === undefined ? {} : { extra: { at: place + 16, size: 4, read: () => extra } }),
  }),
});

/** "PCI configuration access capability": one register behind the BAR at a time, seen through configuration space. */
function windowCapability<Device extends object>(
  behindBar: Rows<Device>,
): Capability<VirtioPci<Device>> {
  const field = (name: keyof Window, place: number, size: 1 | 4) =>
    writable<VirtioPci<Device>>(name, place, size, {
      read: (s) => s.window[name],
      write: (s, value) => {
        s.window[name] = value;
      },
    });
  const data = (place: number, size: 1 | 2 | 4): Register<VirtioPci<Device>> => ({
    at: place,
    size,
    when: ({ window }) => window.length === size,
    read: (s, now) => {
      let value = 0;
      for (const [row, i] of windowRows(s.window, size, behindBar))
        value |= (row.read?.(s, now) ?? 0) << (8 * i);
      return value >>> 0;
    },
    write: (s, value, now) => {
      for (const [row, i] of windowRows(s.window, size, behindBar))
        row.write?.(s, lowBytes(value >>> (8 * i), row.size ?? 1), now);
    },
  });
  return {
    id: 9,
    sizeBytes: 20,
    registers: (place) => ({
      cap_len: { at: place + 2, read: () => 20 },
      cfg_type: { at: place + 3, read: () => 5 },
      ...field("bar", place + 4, 1),
      id: { at: place + 5, read: () => 0 },
      padding: { at: place + 6, size: 2, read: () => 0 },
      ...field("offset", place + 8, 4),
      ...field("length", place + 12, 4),
      "pci_cfg_data by byte": data(place + 16, 1),
      "pci_cfg_data by word": data(place + 16, 2),
      "pci_cfg_data by double word": data(place + 16, 4),
    }),
  };
}

/** The registers that an access through the window reaches, each with its place in the value. */
function windowRows<Row extends { readonly at: number; readonly size?: number }>(
  { bar, offset }: Window,
  size: number,
  behindBar: Readonly<Record<string, Row>>,
): [row: Row, place: number][] {
  const found: [Row, number][] = [];
  if (bar !== BAR) return found;
  for (const row of Object.values(behindBar)) {
    const place = row.at - PLACE - offset;
    if (place >= 0 && place + (row.size ?? 1) <= size) found.push([row, place]);
  }
  return found;
}

const lowBytes = (value: number, count: number): number =>
  count === 4 ? value : value & ((1 << (8 * count)) - 1);
