/** The labels of a host's domains, from before they start until they are gone. libvirt, src/security/security_manager.c; src/qemu/qemu_security.c. */

import { InputError } from "../../sim/assert.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import { type ReadHeader, wholeChain } from "./backing-chain.ts";
import type { CategoryLeases, CategoryRange } from "./category-leases.ts";
import { type Categories, categoriesOfContext } from "./contexts.ts";
import type { DomainDefinition } from "./domain-definition.ts";
import {
  type DomainLabels,
  dynamicLabels,
  type FileLabel,
  filesOf,
  staticLabels,
  type VirtualContexts,
} from "./domain-labels.ts";
import type { FileUser, LabelledFiles } from "./file-labels.ts";
import { restoreLabels, setLabels } from "./label-transaction.ts";

export interface SecurityParameters {
  readonly host: string;
  /** When it was switched on, in seconds since 1970. */
  readonly boot: number;
  readonly leases: CategoryLeases;
  readonly files: LabelledFiles;
  readonly readHeader: ReadHeader;
  readonly contexts: VirtualContexts;
  /** The manager's own context: pairs are drawn from the categories of its range. */
  readonly own: string;
}

/** What is kept of a domain while it has labels, as libvirt keeps it in /run. */
interface Labelled {
  readonly name: string;
  readonly uuid: string;
  /** Null without labels. */
  readonly labels: DomainLabels | null;
  readonly files: readonly string[];
}

export class SecurityManager {
  readonly #parameters: SecurityParameters;
  readonly #range: CategoryRange;
  readonly #cell: Cell<{ domains: readonly Labelled[] }>;

  /** To be made while the world is built. */
  constructor(world: World, name: string, parameters: SecurityParameters) {
    this.#parameters = parameters;
    this.#range = rangeOf(parameters.own);
    this.#cell = world.registry.plain<{ domains: readonly Labelled[] }>(name, { domains: [] });
  }

  /** Labels of a domain that has them here; null for one without labels. Throws InputError for one that is not there. */
  labelsOf(name: string): DomainLabels | null {
    return this.#domain(name).labels;
  }

  /** Before the start of its VMM: categories are reserved, files labelled. Throws InputError; then nothing is left of it. */
  prepare(definition: DomainDefinition): DomainLabels | null {
    return this.#prepare(definition, () => this.#categories(definition));
  }

  /** Of a domain that comes from another host: it keeps its categories, since both ends use its disks for a time. */
  prepareIncoming(definition: DomainDefinition, process: string): DomainLabels | null {
    const { leases, host } = this.#parameters;
    return this.#prepare(definition, () => {
      const categories = categoriesOfContext(process, `domain ${definition.name}: label`);
      leases.reserve(definition.uuid, host, categories);
      return categories;
    });
  }

  /** Its VMM is gone, or never came. */
  release(name: string): void {
    const { uuid, files } = this.#domain(name);
    restoreLabels(this.#parameters.files, this.#user(uuid), files);
    this.#parameters.leases.release(uuid, this.#parameters.host);
    this.#keep(this.#cell.value.domains.filter((one) => one.name !== name));
  }

  /** The manager has started anew: of domains that no longer run everything is released. */
  reconnect(running: readonly string[]): void {
    for (const { name } of this.#cell.value.domains)
      if (!running.includes(name)) this.release(name);
  }

  /** A disk that a running domain gets, or one that it loses. Throws InputError, and changes nothing. */
  attach(name: string, definition: DomainDefinition): void {
    const { uuid, labels, files } = this.#domain(name);
    if (labels === null) return;
    const wanted = filesToLabel(this.#withChains(definition), labels);
    const more = wanted.filter(({ path }) => !files.includes(path));
    setLabels(this.#parameters.files, this.#user(uuid), more);
    this.#replace({ name, uuid, labels, files: [...files, ...more.map(pathOf)] });
  }

  detach(name: string, paths: readonly string[]): void {
    const { uuid, labels, files } = this.#domain(name);
    const gone = files.filter((path) => paths.includes(path));
    restoreLabels(this.#parameters.files, this.#user(uuid), gone);
    this.#replace({ name, uuid, labels, files: files.filter((path) => !gone.includes(path)) });
  }

  #prepare(given: DomainDefinition, reserve: () => Categories): DomainLabels | null {
    const { name, uuid, seclabel } = given;
    if (this.#cell.value.domains.some((one) => one.name === name))
      throw new InputError(`domain ${name}: it is running`);
    const definition = this.#withChains(given);
    const { contexts, files, leases, host } = this.#parameters;
    if (seclabel.type === "none") {
      this.#keep([...this.#cell.value.domains, { name, uuid, labels: null, files: [] }]);
      return null;
    }
    try {
      const categories = reserve();
      const labels =
        seclabel.type === "static"
          ? staticLabels(name, seclabel.label, contexts)
          : dynamicLabels(definition, contexts, categories);
      const wanted = filesToLabel(definition, labels);
      setLabels(files, this.#user(uuid), wanted);
      this.#keep([...this.#cell.value.domains, { name, uuid, labels, files: wanted.map(pathOf) }]);
      return labels;
    } catch (error) {
      leases.release(uuid, host);
      throw error;
    }
  }

  /** Drawn, or those of its own label. */
  #categories({ name, uuid, seclabel }: DomainDefinition): Categories {
    const { leases, host } = this.#parameters;
    if (seclabel.type !== "static") return leases.draw(uuid, host, this.#range);
    const categories = categoriesOfContext(seclabel.label, `domain ${name}: label`);
    leases.reserve(uuid, host, categories);
    return categories;
  }

  #withChains(definition: DomainDefinition): DomainDefinition {
    const disks = definition.disks.map((disk) => ({
      ...disk,
      source: wholeChain(disk.source, this.#parameters.readHeader),
    }));
    return { ...definition, disks };
  }

  #user(domain: string): FileUser {
    const { host, boot } = this.#parameters;
    return { host, boot, domain };
  }

  #domain(name: string): Labelled {
    const found = this.#cell.value.domains.find((one) => one.name === name);
    if (found === undefined) throw new InputError(`domain ${name}: it is not running`);
    return found;
  }

  #replace(domain: Labelled): void {
    this.#keep(this.#cell.value.domains.map((one) => (one.name === domain.name ? domain : one)));
  }

  #keep(domains: readonly Labelled[]): void {
    this.#cell.value = { domains };
  }
}

const pathOf = ({ path }: FileLabel): string => path;

/** None of a domain whose own label says so. */
const filesToLabel = (definition: DomainDefinition, labels: DomainLabels): readonly FileLabel[] =>
  definition.seclabel.type === "static" && !definition.seclabel.relabel
    ? []
    : filesOf(definition, labels);

/** All categories where the manager has none of its own. */
const WHOLE_RANGE: CategoryRange = { first: 0, last: 1023 };

function rangeOf(own: string): CategoryRange {
  const place = "the manager's context";
  const categories = categoriesOfContext(own, place);
  const [first] = categories;
  const last = categories[categories.length - 1];
  if (first === undefined || last === undefined) return WHOLE_RANGE;
  if (last - first + 1 !== categories.length)
    throw new InputError(`${place}: its categories have gaps: ${own}`);
  return { first, last };
}
