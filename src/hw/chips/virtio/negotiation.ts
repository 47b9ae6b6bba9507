/**
 * What every transport does: feature negotiation, device status, set-up of queues. OASIS Virtual I/O Device (VIRTIO)
 * Specification 1.2, "Basic Facilities of a Virtio Device" and "General Initialization And Device Operation".
 */

import type { Cycles } from "../../../sim/time.ts";
import {
  F_EVENT_IDX,
  F_INDIRECT_DESC,
  type Hosting,
  STATUS_DRIVER_OK,
  STATUS_FEATURES_OK,
  type VirtioDevice,
  type VirtioIdentity,
  type VirtioState,
} from "./device.ts";
import { drive } from "./port.ts";
import { newVirtqueue, type Virtqueue } from "./virtqueue.ts";

/** ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK and FAILED. */
const STATUS_OF_DRIVER = 0x8f;
/** VIRTIO_F_VERSION_1, in the second word. */
const VERSION_1 = 1;

export const newVirtioState = <Device extends object>(
  kind: VirtioDevice<Device>,
): VirtioState<Device> => ({ ...resetState(kind), generation: 0, device: kind.powerOn() });

const resetState = <Device extends object>(kind: VirtioDevice<Device>) => ({
  status: 0,
  deviceFeaturesSelect: 0,
  driverFeaturesSelect: 0,
  driverFeatures: [0, 0] as [number, number],
  queueSelect: 0,
  queues: kind.queueSizes.map((size) => newVirtqueue(size)),
  isr: 0,
});

// Feature bits

export function offeredFeatures(kind: VirtioIdentity): [number, number] {
  const ring = (1 << F_INDIRECT_DESC) + (1 << F_EVENT_IDX);
  return [kind.features.reduce((bits, bit) => bits + (1 << bit), ring), VERSION_1];
}

export const readDeviceFeatures = (
  kind: VirtioIdentity,
  { deviceFeaturesSelect }: VirtioState<object>,
): number => offeredFeatures(kind)[deviceFeaturesSelect] ?? 0;

export const readDriverFeatures = (state: VirtioState<object>): number =>
  state.driverFeatures[state.driverFeaturesSelect] ?? 0;

/** What was agreed on stays. */
export function writeDriverFeatures(state: VirtioState<object>, value: number): void {
  const { driverFeaturesSelect: word } = state;
  if ((state.status & STATUS_FEATURES_OK) === 0 && word < 2) state.driverFeatures[word] = value;
}

// Device status

/** "Device Status Field": bits are set one after the other, and cleared only by a reset. */
export function writeStatus<Device extends object>(
  hosting: Hosting<Device>,
  value: number,
  now: Cycles,
): void {
  const { kind, state } = hosting;
  if (value === 0) {
    Object.assign(state, resetState(kind));
    kind.reset(state.device);
    return;
  }
  let added = value & STATUS_OF_DRIVER & ~state.status;
  if ((added & STATUS_FEATURES_OK) !== 0 && !areFeaturesGood(kind, state))
    added &= ~STATUS_FEATURES_OK;
  state.status |= added;
  if ((added & STATUS_DRIVER_OK) === 0) return;
  // Buffers that were made available before are served now.
  drive(hosting, (port) => kind.queueSizes.forEach((_, queue) => kind.notify(port, queue, now)));
}

/** Only what was offered, and version 1 with it. */
function areFeaturesGood(kind: VirtioIdentity, state: VirtioState<object>): boolean {
  const [low, high] = offeredFeatures(kind);
  const [driverLow, driverHigh] = state.driverFeatures;
  return (driverLow & ~low) === 0 && driverHigh === high;
}

// Queues

/** The queue that is selected; undefined when there is none of that number. */
export const selectedQueue = (state: VirtioState<object>): Virtqueue | undefined =>
  state.queues[state.queueSelect];

export const queueSizeMax = (kind: VirtioIdentity, state: VirtioState<object>): number =>
  kind.queueSizes[state.queueSelect] ?? 0;

/** Nothing of a queue changes while it is ready. */
export function writeQueueSize(
  kind: VirtioIdentity,
  state: VirtioState<object>,
  value: number,
): void {
  const queue = selectedQueue(state);
  const isPower = value > 0 && (value & (value - 1)) === 0;
  if (queue === undefined || queue.isReady || !isPower) return;
  if (value <= queueSizeMax(kind, state)) queue.size = value;
}

/** One word of one of a queue's three addresses. */
export function writeQueueAddress(
  state: VirtioState<object>,
  area: "descriptors" | "driver" | "device",
  word: 0 | 1,
  value: number,
): void {
  const queue = selectedQueue(state);
  if (queue !== undefined && !queue.isReady) queue[area][word] = value;
}

/** A queue that becomes ready begins at its start. */
export function enableQueue(state: VirtioState<object>): void {
  const queue = selectedQueue(state);
  if (queue === undefined || queue.isReady) return;
  queue.isReady = true;
  queue.taken = 0;
  queue.used = 0;
}

/** The driver says that there may be something new in a queue. */
export function notifyQueue<Device extends object>(
  hosting: Hosting<Device>,
  queue: number,
  now: Cycles,
): void {
  if (queue < hosting.kind.queueSizes.length)
    drive(hosting, (port) => hosting.kind.notify(port, queue, now));
}
