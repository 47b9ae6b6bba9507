/**
 * What goes over the bus between interrupt controllers: from an I/O APIC, from a local APIC to others, and from a device
 * that writes a message to FEExxxxxh. SDM Vol. 3, "Advanced Programmable Interrupt Controller (APIC)", sections
 * "Issuing Interprocessor Interrupts" and "Message Signalled Interrupts".
 */

export type DeliveryMode =
  | "fixed"
  | "lowest priority"
  | "SMI"
  | "NMI"
  | "INIT"
  | "startup"
  | "ExtINT";

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
