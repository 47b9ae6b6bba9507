/** The thread of a VMM that does what no vCPU waits for: deadlines of its devices, and frames that arrive. QEMU, docs/devel/multiple-iothreads.txt. */

import type { ThreadOutcome, Turn } from "../linux/scheduler.ts";
import type { Cell } from "../sim/snapshot.ts";

interface IoState {
  /** Parts whose deadline has come. */
  due: readonly string[];
  frames: readonly Uint8Array[];
}

/** What it works with. */
export interface IoWork {
  settle(part: string): void;
  receive(frame: Uint8Array): void;
}

export const newIoState = (): IoState => ({ due: [], frames: [] });

/** About as long as a turn of an event loop takes. */
const WORK_CYCLES = 2000;

export function runIoThread(
  { value: state }: Cell<IoState>,
  work: IoWork,
  turn: Turn,
): ThreadOutcome {
  const { cpu } = turn;
  for (;;) {
    const [part, ...others] = state.due;
    const [frame, ...frames] = state.frames;
    if (part === undefined && frame === undefined) return "waits";
    if (cpu.state.cycles >= turn.limit) return "runs";
    cpu.state.cycles += WORK_CYCLES;
    cpu.tick();
    if (part !== undefined) {
      state.due = others;
      work.settle(part);
    } else if (frame !== undefined) {
      state.frames = frames;
      work.receive(frame);
    }
  }
}
