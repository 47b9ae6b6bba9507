/** What machines cost that have nothing to do: a thousand of them in one process. */

import { machine, World } from "../../api/index.ts";
import { figure, type Measurement, millisecondsOf } from "./figures.ts";

const MACHINES = 1000;
const VIRTUAL_SECOND = 1_000_000_000;
const BAR = { relation: "below", value: 10_000 } as const;

export const idle: readonly Measurement[] = [
  {
    what: `${MACHINES} idle machines`,
    measure() {
      const worlds: World[] = [];
      const made = millisecondsOf(() => {
        for (let i = 0; i < MACHINES; i += 1) worlds.push(idleMachine());
      });
      const ran = millisecondsOf(() => {
        for (const world of worlds) world.runUntil(VIRTUAL_SECOND);
      });
      for (const world of worlds) world.release();
      return [
        figure("a machine of 16 MiB is made", "ms", [made / MACHINES]),
        figure(`${MACHINES} idle machines, one virtual second`, "ms", [ran], BAR),
      ];
    },
  },
];

/** Multiboot, loaded at 1 MiB: hlt, and again. The timer of the board ticks on. */
function idleMachine(): World {
  const at = 0x10_0000;
  const flags = 0x1_0000;
  const kernel = new Uint8Array(35);
  const view = new DataView(kernel.buffer);
  [0x1bad_b002, flags, -(0x1bad_b002 + flags), at, at, 0, 0, at + 32].forEach((word, i) => {
    view.setUint32(4 * i, word >>> 0, true);
  });
  kernel.set([0xf4, 0xeb, 0xfd], 32);
  const config = machine.parse({ board: "microvm", boot: "multiboot", memoryBytes: 1 << 24 });
  return World.create(machine, { config, images: { kernel }, epochCycles: 0 });
}
