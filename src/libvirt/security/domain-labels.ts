/** The labels of a domain, and of each of its files. libvirt, src/security/security_selinux.c, virSecuritySELinuxGenLabel, virSecuritySELinuxSetAllLabel. */

import { InputError } from "../../sim/assert.ts";
import { type Categories, contextText, parseContextText } from "./contexts.ts";
import type { Disk, DiskSource, DomainDefinition } from "./domain-definition.ts";

/** From the policy's files virtual_domain_context and virtual_image_context. */
export interface VirtualContexts {
  /** Of domains under KVM, and of emulated ones. */
  readonly domain: string;
  readonly emulatedDomain: string;
  /** Of what a domain writes, and of what it only reads. */
  readonly image: string;
  readonly content: string;
}

export interface DomainLabels {
  /** Of the VMM's process. */
  readonly process: string;
  readonly image: string;
  readonly content: string;
  /** Of disks that several domains write. */
  readonly shared: string;
}

/** A file and the label that it is to have. */
export interface FileLabel {
  readonly path: string;
  readonly label: string;
}

const LOWEST = "s0";

/** With the categories of the domain. */
export function dynamicLabels(
  { name, virtType, seclabel }: DomainDefinition,
  contexts: VirtualContexts,
  categories: Categories,
): DomainLabels {
  const base = seclabel.type === "dynamic" ? seclabel.baselabel : undefined;
  const process = base ?? (virtType === "kvm" ? contexts.domain : contexts.emulatedDomain);
  const range = `${LOWEST}:${categories.map((one) => `c${one}`).join(",")}`;
  return labelsIn(contexts, withRange(process, range, `domain ${name}: label`), range);
}

export function staticLabels(name: string, label: string, contexts: VirtualContexts): DomainLabels {
  const { range } = parseContextText(label, `domain ${name}: label`);
  return labelsIn(contexts, label, range);
}

function labelsIn(contexts: VirtualContexts, process: string, range: string): DomainLabels {
  return {
    process,
    image: withRange(contexts.image, range, "image context"),
    content: withRange(contexts.content, LOWEST, "content context"),
    shared: withRange(contexts.image, LOWEST, "image context"),
  };
}

const withRange = (text: string, range: string, place: string): string =>
  contextText({ ...parseContextText(text, place), range });

/** Sorted by path, each once. Throws InputError for a file that is to have two labels. */
export function filesOf(definition: DomainDefinition, labels: DomainLabels): readonly FileLabel[] {
  const { nvram, bootFiles, devices, characterDevices, memory } = definition;
  const own = [...(nvram === null ? [] : [nvram]), ...devices, ...characterDevices, ...memory];
  const files = [
    ...definition.disks
      .filter(({ relabel }) => relabel)
      .flatMap((disk) => filesOfDisk(disk, labels)),
    ...bootFiles.map((path) => ({ path, label: labels.content })),
    ...own.map((path) => ({ path, label: labels.image })),
  ];
  const byPath = new Map<string, string>();
  for (const { path, label } of files) {
    const other = byPath.get(path) ?? label;
    if (other !== label)
      throw new InputError(
        `domain ${definition.name}: ${path} is to be labelled ${other} and ${label}`,
      );
    byPath.set(path, label);
  }
  return [...byPath]
    .map(([path, label]) => ({ path, label }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The top may be written; what lies below it is only read. */
function filesOfDisk(
  { source, readonly, shareable }: Disk,
  labels: DomainLabels,
): readonly FileLabel[] {
  const written = shareable ? labels.shared : labels.image;
  const top = { path: source.path, label: readonly ? labels.content : written };
  return [top, ...below(source).map(({ path }) => ({ path, label: labels.content }))];
}

function below({ backing }: DiskSource): readonly DiskSource[] {
  return backing === undefined || backing === null ? [] : [backing, ...below(backing)];
}
