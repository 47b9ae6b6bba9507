/** What machines cost that have nothing to do: a thousand of them in one process. */

import { machine, multiboot, World } from "../../api/index.ts";
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

/** hlt, and again. The timer of the board ticks on. */
function idleMachine(): World {
  const kernel = multiboot([0xf4, 0xeb, 0xfd]);
  const config = machine.parse({ board: "microvm", boot: "multiboot", memoryBytes: 1 << 24 });
  return World.create(machine, { config, images: { kernel }, epochCycles: 0 });
}
