/** Laws of what a guest of a whole host sees: ARCH, what the manual says, whoever else there is and whatever is done to it. */

import { law } from "../support/law.ts";
import { difference, lastEvents, play, playBare } from "../support/scenario/play.ts";
import { anyScenario, scriptOf } from "../support/scenario/scenario.ts";

law("each-guest-is-on-a-machine-of-its-own", {
  says: "Whatever the other guests of a host do, and its administrator, each guest sees what its program sees on a machine of its own, action by action, and ends as there.",
  cites:
    "Popek and Goldberg, Formal Requirements for Virtualizable Third Generation Architectures: equivalence; DESIGN, Virtualisation hardware and KVM",
  forAll: anyScenario(),
  runs: 100,
  script: scriptOf,
  story: lastEvents,
  holds: (scenario) => {
    play(scenario).forEach((seen, i) => {
      const parted = difference(playBare(scenario, i), seen, ["machine", "guest"]);
      if (parted !== null) throw new Error(`guest ${i}: ${parted}`);
    });
  },
});
