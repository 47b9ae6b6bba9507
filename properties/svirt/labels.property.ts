/** Laws of the labels that keep domains apart, whatever starts, stops, fails, crashes or moves. */

import fc from "fast-check";
import type { Disk, DomainDefinition } from "../../src/libvirt/security/domain-definition.ts";
import { law } from "../support/law.ts";
import {
  anyDomains,
  anySteps,
  CONTEXTS,
  IMAGE_TYPE,
  PAIRS,
  pathsOf,
  plainDomain,
  refusable,
  type Running,
  SECRET,
  type Step,
  SvirtStory,
} from "../support/svirt-stories.ts";

const story = { domains: anyDomains(), steps: anySteps(), seed: fc.nat() };

law("running-domains-cannot-reach-each-other", {
  says: "Under any order of starts, stops, failures, crashes, restarts of managers and migrations, of two domains that run, on whichever hosts that share storage, neither has all categories of the other, static labels included.",
  cites: "libvirt, docs/drvqemu.rst, SELinux dynamic labelling; CVE-2021-3631",
  forAll: story,
  runs: 300,
  holds: (given) =>
    always(given, (world) => {
      const labelled = labelledIn(world);
      return labelled.every((one) =>
        labelled.every(
          (other) => one === other || !holdsAll(categoriesIn(one), categoriesIn(other)),
        ),
      );
    }),
});

law("categories-come-back", {
  says: "When all domains have stopped, however it went before, every pair of the manager's range can be had again, and one more is refused with an error.",
  cites: "libvirt, src/security/security_selinux.c, virSecuritySELinuxMCSFind",
  forAll: story,
  holds: ({ domains, steps, seed }) => {
    const world = new SvirtStory(domains, seed);
    for (const step of steps) world.take(step);
    world.end();
    const { alpha, beta } = world.managers;
    const labels = Array.from({ length: PAIRS }, (_, i) => alpha.prepare(plainDomain(i))?.process);
    const refused = refusable(() => beta.prepare(plainDomain(PAIRS)));
    return new Set(labels).size === PAIRS && refused === undefined;
  },
});

law("a-refused-start-changes-nothing", {
  says: "A start that is refused, or whose files cannot all be labelled, or whose VMM does not come, leaves every label and every note of it as it was.",
  cites:
    "libvirt, src/security/security_selinux.c, virSecuritySELinuxTransactionCommit; qemu_process.c, qemuProcessStop after a failed start",
  forAll: story,
  runs: 300,
  holds: ({ domains, steps, seed }) => {
    const world = new SvirtStory(domains, seed);
    return steps.every((step) => {
      const before = JSON.stringify(sorted(world.files.seen()));
      const isDone = world.take(step);
      return isDone || JSON.stringify(sorted(world.files.seen())) === before;
    });
  },
});

law("a-disk-is-one-domains", {
  says: "No disk that is neither shareable nor read only is within reach of two domains that run, but of the two ends of one migration.",
  cites: "libvirt, docs/formatdomain.rst, Hard drives: shareable; The SELinux Notebook, MCS",
  forAll: story,
  runs: 300,
  holds: (given) =>
    always(given, (world) => {
      const seen = world.files.seen();
      const labelled = labelledIn(world);
      return labelled.filter(hasLabels).every((one) =>
        one.definition.disks.filter(isOwn).every(({ source }) => {
          const [label = ""] = seen[source.path] ?? [];
          const reach = labelled.filter((other) => reaches(other, label));
          return reach.length === 1 && reach[0] === one;
        }),
      );
    }),
});

law("files-have-the-labels-of-their-users", {
  says: "While a domain runs each of its files has the label that it needs, whoever else stops; when nobody uses a file any more it has the label from before.",
  cites:
    "libvirt, docs/formatdomain.rst, Security label; src/security/security_util.c, virSecurityGetRememberedLabel",
  forAll: story,
  runs: 1500,
  holds: ({ domains, steps, seed }) => {
    const world = new SvirtStory(domains, seed);
    const original = world.files.seen();
    for (const step of steps) {
      world.take(step);
      const needed = new Map([...world.running.values()].flatMap(neededLabels));
      for (const [path, [label]] of Object.entries(world.files.seen())) {
        const wanted = needed.get(path) ?? (world.isKnown ? original[path]?.[0] : label);
        if (label !== wanted) throw new Error(`${path} has ${label}, not ${wanted}`);
      }
    }
    world.end();
    return JSON.stringify(sorted(world.files.seen())) === JSON.stringify(sorted(original));
  },
});

law("guests-choose-no-files", {
  says: "Whatever a guest writes to its disk, no file is labelled that its domain does not name, or that lies below one that it names as qcow2.",
  cites: "CVE-2010-2237; CVE-2010-2238; libvirt, docs/kbase/backing_chains.rst",
  forAll: story,
  holds: (given) => {
    const [before] = new SvirtStory(given.domains, given.seed).files.seen()[SECRET] ?? [];
    return always(given, (world) => world.files.seen()[SECRET]?.[0] === before);
  },
});

interface Given {
  readonly domains: readonly DomainDefinition[];
  readonly steps: readonly Step[];
  readonly seed: number;
}

/** Behind each step. */
function always({ domains, steps, seed }: Given, holds: (world: SvirtStory) => boolean): boolean {
  const world = new SvirtStory(domains, seed);
  return steps.every((step) => {
    world.take(step);
    return holds(world);
  });
}

const labelledIn = ({ running }: SvirtStory): readonly Running[] =>
  [...running.values()].filter(({ process }) => process !== null);

/** Its files, too: not where its own label says `relabel="no"`. */
const hasLabels = ({ definition: { seclabel } }: Pick<Running, "definition">): boolean =>
  seclabel.type !== "static" || seclabel.relabel;

const isOwn = ({ readonly, shareable }: Disk): boolean => !readonly && !shareable;

const sorted = <T>(all: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));

/** Of the highest level. Labels in stories have lists of single categories. */
const categories = (label: string): readonly string[] =>
  (label.split(":")[4] ?? "").split(",").filter((one) => one !== "");

const categoriesIn = ({ process }: Running): readonly string[] => categories(process ?? "");

const holdsAll = (a: readonly string[], b: readonly string[]): boolean =>
  b.every((one) => a.includes(one));

/** As MCS lets a domain open an image. */
const reaches = (one: Running, label: string): boolean =>
  label.includes(`:${IMAGE_TYPE}:`) && holdsAll(categoriesIn(one), categories(label));

/** By the manual. */
function neededLabels({ definition, process }: Running): readonly (readonly [string, string])[] {
  if (process === null || !hasLabels({ definition })) return [];
  const own = `${CONTEXTS.image}:${categories(process).join()}`;
  const disks = definition.disks.flatMap((disk) => {
    const [top = "", ...below] = pathsOf(disk);
    const written = disk.shareable ? CONTEXTS.image : own;
    const label = disk.readonly ? CONTEXTS.content : written;
    return [[top, label] as const, ...below.map((path) => [path, CONTEXTS.content] as const)];
  });
  return [...disks, ...definition.bootFiles.map((path) => [path, CONTEXTS.content] as const)];
}
