/**
 * What goes over the bus between interrupt controllers: from an I/O APIC, from a local APIC to others, and from a device
 * that writes a message to FEExxxxxh. SDM Vol. 3, "Advanced Programmable Interrupt Controller (APIC)", sections
 * "Issuing Interprocessor Interrupts", "Message Signalled Interrupts" and "Signaling Interrupt Servicing Completion".
 */

export type DeliveryMode =
  | "fixed"
  | "lowest priority"
  | "SMI"
  | "NMI"
  | "INIT"
  | "startup"
  | "ExtINT";

const DELIVERY_MODES: readonly (DeliveryMode | null)[] = [
  "fixed",
  "lowest priority",
  "SMI",
  null,
  "NMI",
  "INIT",
  null,
  "ExtINT",
];

/** As bits 10 to 8 of a redirection entry and of a message's data say it; null is reserved. */
export const deliveryModeOf = (word: number): DeliveryMode | null =>
  DELIVERY_MODES[(word >> 8) & 7] ?? null;

export const deliveryBits = (mode: DeliveryMode): number => DELIVERY_MODES.indexOf(mode);

export interface InterruptMessage {
  /** An APIC ID or a logical destination, as `destinationMode` says; 8 bits, or 32 between x2APICs. */
  readonly destination: number;
  readonly destinationMode: "physical" | "logical";
  readonly shorthand: "none" | "self" | "all including self" | "all excluding self";
  readonly deliveryMode: DeliveryMode;
  readonly vector: number;
  readonly triggerMode: "edge" | "level";
  /** False only in INIT level de-assert. */
  readonly assert: boolean;
}

/** From a local APIC to all I/O APICs: a level-triggered interrupt of this vector has been serviced. */
export interface EoiMessage {
  readonly eoi: number;
}

export type BusMessage = InterruptMessage | EoiMessage;
