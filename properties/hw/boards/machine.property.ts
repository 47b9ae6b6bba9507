/** Laws of whole machines under guests that do anything to their devices. */

import fc from "fast-check";
import { law } from "../../support/law.ts";
import { anyMachineStory, machineOf } from "../../support/machine-stories.ts";

const END = 40_000;

law("a-machine-survives-its-guest", {
  says: "Whatever a guest does to ports and registers, its machine goes on or comes to an end, and the same happens each time.",
  cites: "docs/adr/0002-decisions-and-time.md",
  forAll: { story: anyMachineStory() },
  runs: 30,
  holds: ({ story }) => {
    const [first, second] = [machineOf(story), machineOf(story)];
    first.runUntil(END);
    second.runUntil(END);
    const same = first.digest() === second.digest();
    first.release();
    second.release();
    return same;
  },
});

law("a-forked-machine-goes-on-as-the-original", {
  says: "A machine that is forked in the middle of its guest's work, and one that went back there, end as the original does.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: { story: anyMachineStory(), middle: fc.nat(30_000) },
  runs: 20,
  holds: ({ story, middle }) => {
    const world = machineOf(story);
    world.runUntil(middle);
    const fork = world.fork();
    const snapshot = world.snapshot();
    world.runUntil(END);
    const digest = world.digest();
    fork.runUntil(END);
    const forked = fork.digest();
    world.restore(snapshot);
    world.runUntil(END);
    const again = world.digest();
    fork.release();
    world.release();
    return digest === forked && digest === again;
  },
});
