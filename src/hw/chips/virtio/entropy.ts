/**
 * The entropy device. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Entropy Device". Where its bytes come from is
 * the board's choice.
 */

import type { VirtioDevice } from "./device.ts";
import { totalBytes } from "./virtqueue.ts";

/** Of one buffer: "the device MUST place one or more random bytes", and more than this nobody waits for. */
const BYTES_MAX = 0x1000;

/** `random` gives so many bytes. */
export const virtioEntropy = (random: (size: number) => Uint8Array): VirtioDevice<object> => ({
  name: "virtio-rng",
  cites: "VIRTIO 1.2, Entropy Device",
  id: 4,
  classCode: 0x00_ff_00,
  features: [],
  queueSizes: [8],
  powerOn: () => ({}),
  reset: () => {},
  configuration: () => [],
  notify: (port) => {
    for (;;) {
      const chain = port.take(0);
      if (chain === null) return;
      const size = Math.min(totalBytes(chain.writable), BYTES_MAX);
      if (!port.write(chain, 0, random(size))) return;
      port.give(0, chain, size);
    }
  },
});
