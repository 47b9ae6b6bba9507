/**
 * Who an interrupt message is for, and how it gets there: SDM Vol. 3, "Determining IPI Destination", "Logical
 * Destination Mode in x2APIC Mode". Whoever has the local APICs of a machine asks.
 */

import type { Cycles } from "../../sim/time.ts";
import type { DeliveryMode, InterruptMessage } from "./interrupt-message.ts";
import { isSoftwareEnabled, isX2apic, isXapic, type Lapic, logicalId, xapicId } from "./lapic.ts";
import type { Socket } from "./socket.ts";

type Apics = readonly Readonly<Lapic>[];

/**
 * Indexes of those that take the message. `sender` is an index too, or null for an I/O APIC or a device. Of lowest
 * priority mode there is one at most: the software-enabled one whose task priority is lowest, and the vector decides
 * among equals.
 */
export function targetsOf(
  message: InterruptMessage,
  apics: Apics,
  sender: number | null,
): readonly number[] {
  const addressed = addressedBy(message, apics, sender);
  if (message.deliveryMode !== "lowest priority") return addressed;
  const takers = addressed.filter((i) => isSoftwareEnabled(apics[i] as Lapic));
  const priority = (i: number): number => (apics[i] as Lapic).tpr >> 4;
  const lowest = Math.min(...takers.map(priority));
  const equals = takers.filter((i) => priority(i) === lowest);
  const taker = equals[message.vector % equals.length];
  return taker === undefined ? [] : [taker];
}

function addressedBy(
  message: InterruptMessage,
  apics: Apics,
  sender: number | null,
): readonly number[] {
  const all = [...apics.keys()];
  switch (message.shorthand) {
    case "self":
      return all.filter((i) => i === sender);
    case "all including self":
      return all;
    case "all excluding self":
      return all.filter((i) => i !== sender);
    default: {
      const from = sender === null ? undefined : apics[sender];
      const isWide = from !== undefined && isX2apic(from);
      // A broadcast of a sender that has 8 bits reaches those of 32 bits too.
      if (message.destination === (isWide ? 0xffff_ffff : 0xff)) return all;
      return all.filter((i) => isAddressed(message, apics[i] as Lapic));
    }
  }
}

function isAddressed({ destination, destinationMode }: InterruptMessage, apic: Lapic): boolean {
  if (isX2apic(apic)) {
    if (destinationMode === "physical") return destination === apic.id;
    const id = logicalId(apic);
    return destination >>> 16 === id >>> 16 && (destination & id & 0xffff) !== 0;
  }
  if (!isXapic(apic) || destination > 0xff) return false;
  if (destinationMode === "physical") return destination === xapicId(apic);
  const id = apic.ldr >>> 24;
  const isFlat = apic.dfr >>> 28 === 0xf;
  if (isFlat) return (destination & id) !== 0;
  const isOfCluster = destination >> 4 === id >> 4 || destination >> 4 === 0xf;
  return isOfCluster && (destination & id & 0xf) !== 0;
}

const INPUTS: Readonly<Record<DeliveryMode, string>> = {
  fixed: "fixed",
  "lowest priority": "fixed",
  SMI: "smi",
  NMI: "nmi",
  INIT: "init",
  startup: "startup",
  ExtINT: "extint",
};

/** Hands a message to one of its targets. INIT level de-assert says nothing to APICs of today. */
export function deliver(
  { deliveryMode, vector, triggerMode, assert }: InterruptMessage,
  target: Pick<Socket<Lapic>, "input">,
  now: Cycles,
): void {
  if (!assert) return;
  target.input(INPUTS[deliveryMode], vector | (triggerMode === "level" ? 0x100 : 0), now);
}
