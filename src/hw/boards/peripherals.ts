/**
 * The virtio devices that a machine is asked to have, the same on every board: which transport hosts them is the board's.
 * VIRTIO 1.2, "Device Types".
 */

import { type BlockBackend, virtioBlock } from "../chips/virtio/block.ts";
import { virtioBalloon } from "../chips/virtio/balloon.ts";
import { virtioConsole } from "../chips/virtio/console.ts";
import type { VirtioDevice } from "../chips/virtio/device.ts";
import { virtioEntropy } from "../chips/virtio/entropy.ts";
import { virtioNetwork } from "../chips/virtio/network.ts";
import type { BoardHost } from "./board.ts";

export interface Peripherals {
  readonly disks: readonly BlockBackend[];
  /** The network interface's address, six bytes; null for none. */
  readonly mac: readonly number[] | null;
  readonly hasConsole: boolean;
  readonly hasEntropy: boolean;
  readonly hasBalloon: boolean;
}

/** What a disk takes for a request: about as a fast one over NVMe does. */
const DISK_LATENCY = 50_000;

type AnyDevice = VirtioDevice<object>;

const any = <Device extends object>(device: VirtioDevice<Device>): AnyDevice =>
  device as unknown as AnyDevice;

/** By the names of their parts, in the order of their places. */
export function virtioDevices(
  host: BoardHost,
  { disks, mac, hasConsole, hasEntropy, hasBalloon }: Peripherals,
): readonly (readonly [part: string, device: AnyDevice])[] {
  const devices: [string, AnyDevice][] = disks.map((backend, i) => {
    const name = `disk${i}`;
    const keeper = host.keeperOf?.(name) ?? null;
    return [name, any(virtioBlock({ backend, serial: name, latency: DISK_LATENCY, keeper }))];
  });
  if (mac !== null)
    devices.push([
      "net",
      any(virtioNetwork({ mac, transmit: (frame) => host.transmit("net", frame) })),
    ]);
  if (hasConsole)
    devices.push([
      "hvc",
      any(virtioConsole({ columns: 80, rows: 25, transmit: (bytes) => host.print("hvc", bytes) })),
    ]);
  if (hasEntropy) devices.push(["rng", any(virtioEntropy((size) => host.random("rng", size)))]);
  if (hasBalloon) devices.push(["balloon", any(virtioBalloon(host.balloon))]);
  return devices;
}
