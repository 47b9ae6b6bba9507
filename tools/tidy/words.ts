/** The project speaks of itself alone: not of the machine it was written on, nor of the talk around its making. */

import { type Finding, findingAt, type Rule } from "./source.ts";

const BANNED: readonly { readonly words: RegExp; readonly why: string }[] = [
  {
    words:
      /(?<![\w.$}*-])\/(?:work|workspace|root|tmp)\/[\w.]|(?<![\w.$}*-])\/(?:home|Users)\/[a-z]/g,
    why: "a path of one machine: make it relative, or ask the system for a temporary folder",
  },
  {
    words: /\b[A-Za-z]:\\Users\\/g,
    why: "a path of one machine",
  },
  {
    words: /\bhttps?:\/\/(?:[\w-]+\.)*(?:registry|mirror|proxy|artifactory|nexus)[\w-]*[.:/]/gi,
    why: "a package registry: the user's own configuration names it",
  },
  {
    words: /\bissue #\d|\b(?:this|previous|next|last|our|my|an earlier|another) session\b/gi,
    why: "talk about the work: say what holds and why",
  },
];

/** Places where such a path belongs to the simulated machine. */
const SIMULATED: readonly RegExp[] = [
  /^src\/(linux|selinux|qemu|libvirt|guests)\//,
  /^fixtures\/(policy|guests)\//,
];

export const words: Rule = {
  name: "words",
  looksAt: (path) => !SIMULATED.some((place) => place.test(path)),
  check: (source): readonly Finding[] =>
    BANNED.flatMap(({ words: banned, why }) =>
      [...source.text.matchAll(banned)].map((match) =>
        findingAt(source, match.index, `"${match[0]}" is ${why}`),
      ),
    ),
};
