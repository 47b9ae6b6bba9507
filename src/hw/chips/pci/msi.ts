/**
 * MSI: one message, in a capability with a 64-bit address and per-vector masking. PCI Local Bus Specification, Revision
 * 3.0, "MSI Capability Structure". As in msix.ts, a message leaves when it is pending and nothing holds it.
 */

import type { InterruptMessage } from "../interrupt-message.ts";
import {
  type Capability,
  isMaster,
  type PciState,
  type Rows,
  writable,
} from "./configuration-space.ts";
import { messageOf } from "./message.ts";

interface Msi {
  isEnabled: boolean;
  addressLow: number;
  addressHigh: number;
  data: number;
  mask: number;
  pending: number;
}

export interface MsiState extends PciState {
  msi: Msi;
}

const ENABLE = 1;
/** "64 bit address capable" and "Per-vector masking capable"; one vector. */
const CAPABLE = 0x180;

export const msiPowerOn = (): Msi => ({
  isEnabled: false,
  addressLow: 0,
  addressHigh: 0,
  data: 0,
  mask: 0,
  pending: 0,
});

export const msiCapability = <State extends MsiState>(): Capability<State> => ({
  id: 5,
  sizeBytes: 24,
  registers: (at) => ({
    ...writable<State>("Message Control", at + 2, 2, {
      read: ({ msi }) => CAPABLE | (msi.isEnabled ? ENABLE : 0),
      write: ({ msi }, value) => {
        msi.isEnabled = (value & ENABLE) !== 0;
      },
    }),
    ...word<State>("Message Address", at + 4, "addressLow", 0xffff_fffc),
    ...word<State>("Message Upper Address", at + 8, "addressHigh", 0xffff_ffff),
    ...word<State>("Message Data", at + 12, "data", 0xffff),
    ...word<State>("Mask Bits", at + 16, "mask", 1),
    "Pending Bits": { at: at + 20, size: 4, read: ({ msi }) => msi.pending },
  }),
});

const word = <State extends MsiState>(
  name: string,
  at: number,
  field: "addressLow" | "addressHigh" | "data" | "mask",
  mask: number,
): Rows<State> =>
  writable<State>(name, at, 4, {
    read: ({ msi }) => msi[field],
    write: ({ msi }, value) => {
      msi[field] = (value & mask) >>> 0;
    },
  });

/** Makes the message pending. */
export function sendMsi({ msi }: MsiState): void {
  if (msi.isEnabled) msi.pending = 1;
}

/** Takes the message, if it is pending and nothing holds it. */
export function takeMsi(state: MsiState): readonly InterruptMessage[] {
  const { msi } = state;
  if (msi.pending === 0 || !msi.isEnabled || msi.mask !== 0 || !isMaster(state)) return [];
  msi.pending = 0;
  const message = messageOf(msi.addressLow, msi.addressHigh, msi.data);
  return message === null ? [] : [message];
}
