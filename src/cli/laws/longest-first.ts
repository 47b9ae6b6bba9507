/** The order in which workers begin laws: what takes longest comes first, so that no core is idle at the end. */

import type { Law } from "../../../properties/support/law.ts";

/** Laws that take more than a hundredth of all, by `check --jobs 1 --json`; a mistake here costs seconds only. */
export const LONGEST: readonly string[] = [
  "guests-do-what-machines-do",
  "a-power-cut-takes-what-was-not-flushed",
  "a-host-goes-on-from-its-snapshot",
  "trees-agree",
  "a-control-block-enters-or-fails-as-the-manual-says",
  "a-disk-on-a-host-is-a-disk",
  "vector-lanes-agree",
  "ept-leads-where-the-tables-say",
  "blocks-change-nothing-that-a-guest-sees",
  "engines-agree-on-system-instructions",
  "engines-agree-on-guests",
  "devices-see-the-time-of-the-instruction",
  "what-is-due-first-comes-first",
  "the-module-writes-where-the-guest-has-memory",
  "controllers-are-what-was-set",
  "limits-hold-for-guests",
  "engines-agree-in-every-mode",
  "a-host-with-busy-disks-can-be-copied",
  "engines-agree",
  "pending-exceptions-come-at-the-next-waiting-instruction",
  "cpus-over-one-memory-agree",
  "a-breakpoint-is-not-noticed",
  "trees-agree-behind-paging",
  "processors-start-and-wake-as-on-a-machine",
  "each-guest-has-what-it-was-promised",
  "the-dirty-log-of-blocks",
  "a-guest-that-resets-leaves-nothing-behind",
  "the-host-takes-memory-from-guests-that-run",
];

export function longestFirst(laws: readonly Law[]): readonly Law[] {
  const rank = ({ name }: Law): number => {
    const at = LONGEST.indexOf(name);
    return at < 0 ? LONGEST.length : at;
  };
  return laws.toSorted((a, b) => rank(a) - rank(b));
}
