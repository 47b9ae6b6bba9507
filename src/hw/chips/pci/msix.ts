/**
 * MSI-X: a table of messages and their pending bits behind a BAR, and the capability that says where. PCI Local Bus
 * Specification, Revision 3.0, "MSI-X Capability and Table Structures". A message leaves when its pending bit is set
 * and nothing masks it; so one that nothing masks is pending just until the access that made it has ended.
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

interface Msix {
  /** Message Control: enable and function mask. */
  control: number;
  /** Four words for each vector: address, upper address, data, vector control. */
  table: number[];
  /** The pending bit array, 32 to a word. */
  pending: number[];
}

export interface MsixState extends PciState {
  msix: Msix;
}

const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const MASKED = 1;

const TABLE_AT = 0;
const PENDING_AT = 0x800;
/** For the BAR that table and pending bits share. */
export const MSIX_BYTES = 0x1000;

/** "Vector Control": masked at reset. */
export const msixPowerOn = (vectors: number): Msix => ({
  control: 0,
  table: Array.from({ length: 4 * vectors }, (_, i) => (i % 4 === 3 ? MASKED : 0)),
  pending: Array.from({ length: Math.ceil(vectors / 32) }, () => 0),
});

export const isMsixEnabled = (state: MsixState): boolean => (state.msix.control & ENABLE) !== 0;

export function msixCapability<State extends MsixState>(
  vectors: number,
  bar: number,
): Capability<State> {
  return {
    id: 0x11,
    sizeBytes: 12,
    registers: (at) => ({
      ...writable<State>("Message Control", at + 2, 2, {
        read: (s) => s.msix.control | (vectors - 1),
        write: (s, value) => {
          s.msix.control = value & (ENABLE | FUNCTION_MASK);
        },
      }),
      Table: { at: at + 4, size: 4, read: () => TABLE_AT | bar },
      PBA: { at: at + 8, size: 4, read: () => PENDING_AT | bar },
    }),
  };
}

/** Table and pending bits, whose BAR lies at `place`. */
export function msixRows<State extends MsixState>(vectors: number, place: number): Rows<State> {
  const rows: Rows<State> = {};
  const names = ["Message Address", "Message Upper Address", "Message Data", "Vector Control"];
  const masks = [0xffff_fffc, 0xffff_ffff, 0xffff_ffff, MASKED];
  for (let i = 0; i < 4 * vectors; i += 1) {
    rows[`${names[i % 4]} ${i >> 2}`] = {
      at: place + TABLE_AT + 4 * i,
      size: 4,
      read: (s) => s.msix.table[i] ?? 0,
      write: (s, value) => {
        s.msix.table[i] = (value & (masks[i % 4] ?? 0)) >>> 0;
      },
    };
  }
  for (let i = 0; i < 2 * Math.ceil(vectors / 64); i += 1) {
    rows[`Pending Bits ${i}`] = {
      at: place + PENDING_AT + 4 * i,
      size: 4,
      read: (s) => (s.msix.pending[i] ?? 0) >>> 0,
    };
  }
  return rows;
}

/** Makes a vector's message pending. One that does not exist is none. */
export function sendVector(state: MsixState, vector: number): void {
  const { msix } = state;
  if (!isMsixEnabled(state) || 4 * vector >= msix.table.length) return;
  msix.pending[vector >> 5] = (msix.pending[vector >> 5] ?? 0) | (1 << (vector & 31));
}

/** Takes what is pending and not masked. A function that is no bus master sends nothing. */
export function takeMessages(state: MsixState): readonly InterruptMessage[] {
  const { control, table, pending } = state.msix;
  if ((control & (ENABLE | FUNCTION_MASK)) !== ENABLE || !isMaster(state)) return [];
  if (pending.every((word) => word === 0)) return [];
  const messages: InterruptMessage[] = [];
  for (let vector = 0; 4 * vector < table.length; vector += 1) {
    const word = pending[vector >> 5] ?? 0;
    const bit = 1 << (vector & 31);
    const [low = 0, high = 0, data = 0, vectorControl = 0] = table.slice(
      4 * vector,
      4 * vector + 4,
    );
    if ((word & bit) === 0 || (vectorControl & MASKED) !== 0) continue;
    pending[vector >> 5] = word & ~bit;
    const message = messageOf(low, high, data);
    if (message !== null) messages.push(message);
  }
  return messages;
}
