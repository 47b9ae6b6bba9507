/** What holds interrupts back: SDM Vol. 3, "Task and Processor Priorities", "Arbitration Priority". */

import { highestBit } from "./bits256.ts";

export interface LapicPriority {
  tpr: number;
  isr: number[];
  irr: number[];
}

export function processorPriority(s: LapicPriority): number {
  const served = highestBit(s.isr);
  return s.tpr >> 4 >= served >> 4 ? s.tpr : served & 0xf0;
}

export function arbitrationPriority(s: LapicPriority): number {
  const [requested, served] = [highestBit(s.irr) >> 4, highestBit(s.isr) >> 4];
  const task = s.tpr >> 4;
  return task >= requested && task > served ? s.tpr : Math.max(task & served, requested, 0) << 4;
}
