/**
 * What all virtio devices have in common, whatever transport hosts them. OASIS Virtual I/O Device (VIRTIO) Specification
 * 1.2, "Basic Facilities of a Virtio Device". Not modelled: packed virtqueues, notification data, reset of one queue,
 * shared memory, drivers of before version 1.
 */

import type { Cycles } from "../../../sim/time.ts";
import type { DmaMemory } from "../dma.ts";
import type { VirtioPort } from "./port.ts";
import type { Virtqueue } from "./virtqueue.ts";

/** What a device is called, offers and asks for. */
export interface VirtioIdentity {
  readonly name: string;
  /** The section of the specification. */
  readonly cites: string;
  /** "Device Types". */
  readonly id: number;
  /** Of the PCI function. */
  readonly classCode: number;
  /** Feature bits below 24 that are offered. */
  readonly features: readonly number[];
  /** How many descriptors each queue has at most. */
  readonly queueSizes: readonly number[];
}

/** A kind of device: what differs from the others. Its functions see the driver through a port. */
export interface VirtioDevice<Device extends object> extends VirtioIdentity {
  powerOn(): Device;
  /** The driver resets the device: what it asked for and has not got is forgotten. */
  reset(device: Device): void;
  /** The device configuration, in bytes; their number never changes. */
  configuration(device: Device): readonly number[];
  writeConfiguration?(port: VirtioPort<Device>, offset: number, byte: number): void;
  /** There may be something new in a queue. */
  notify(port: VirtioPort<Device>, queue: number, now: Cycles): void;
  readonly inputs?: Readonly<
    Record<string, (port: VirtioPort<Device>, value: number, now: Cycles) => number | void>
  >;
  wires?(device: Device): Readonly<Record<string, boolean>>;
  deadline?(device: Device, now: Cycles): Cycles | null;
  advance?(port: VirtioPort<Device>, now: Cycles): void;
}

/** What is the same behind every transport. */
export interface VirtioState<Device> {
  status: number;
  deviceFeaturesSelect: number;
  driverFeaturesSelect: number;
  driverFeatures: [number, number];
  queueSelect: number;
  queues: Virtqueue[];
  /** Queue interrupt and configuration interrupt. */
  isr: number;
  generation: number;
  device: Device;
}

/** A device with a driver behind a transport, while something happens to it. */
export interface Hosting<Device extends object> {
  readonly kind: VirtioDevice<Device>;
  readonly state: VirtioState<Device>;
  readonly memory: DmaMemory;
  /** False while the transport keeps the device from memory. */
  readonly isMaster: boolean;
  interrupt(source: number): void;
}

/** Source of an interrupt that no queue is. */
export const CONFIGURATION = -1;

export const STATUS_DRIVER_OK = 4;
export const STATUS_FEATURES_OK = 8;
export const STATUS_NEEDS_RESET = 64;

export const F_INDIRECT_DESC = 28;
export const F_EVENT_IDX = 29;
