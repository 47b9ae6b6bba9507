/**
 * What a memory write to FEExxxxxh says to local APICs. SDM Vol. 3, "Message Signalled Interrupts": "Message Address
 * Register Format" and "Message Data Register Format".
 */

import { deliveryBits, deliveryModeOf, type InterruptMessage } from "../interrupt-message.ts";

/** Null for an address of nothing that takes interrupts, and for a reserved delivery mode. */
export function messageOf(
  addressLow: number,
  addressHigh: number,
  data: number,
): InterruptMessage | null {
  if (addressHigh !== 0 || addressLow >>> 20 !== 0xfee) return null;
  const deliveryMode = deliveryModeOf(data);
  if (deliveryMode === null) return null;
  const isLevel = (data & 0x8000) !== 0;
  return {
    destination: (addressLow >>> 12) & 0xff,
    destinationMode: (addressLow & 4) === 0 ? "physical" : "logical",
    shorthand: "none",
    deliveryMode,
    vector: data & 0xff,
    triggerMode: isLevel ? "level" : "edge",
    assert: !isLevel || (data & 0x4000) !== 0,
  };
}

/** As a device writes it: the address, whose upper half is 0, and the data. */
export function writeOf(message: InterruptMessage): {
  readonly address: number;
  readonly data: number;
} {
  const { destination, destinationMode, deliveryMode, vector, triggerMode, assert } = message;
  const logical = destinationMode === "logical" ? 4 : 0;
  const level = triggerMode === "level" ? (assert ? 0xc000 : 0x8000) : 0;
  return {
    address: (0xfee0_0000 | ((destination & 0xff) << 12) | logical) >>> 0,
    data: vector | (deliveryBits(deliveryMode) << 8) | level,
  };
}
