/** Hosts that share storage, domains that come and go on them, and what their managers do to labels. */

import fc from "fast-check";
import { CategoryLeases } from "../../src/libvirt/security/category-leases.ts";
import type {
  Disk,
  DomainDefinition,
  DomainSeclabel,
} from "../../src/libvirt/security/domain-definition.ts";
import { SecurityManager } from "../../src/libvirt/security/security-manager.ts";
import { InputError } from "../../src/sim/assert.ts";
import { World } from "../../src/sim/world.ts";
import { FilesInMemory } from "./labelled-files.ts";

const HOSTS = ["alpha", "beta"] as const;
type HostName = (typeof HOSTS)[number];

/** What the managers may give away: 28 pairs. */
const OWN = "system_u:system_r:virtd_t:s0-s0:c0.c7";
export const PAIRS = 28;
export const CONTEXTS = {
  domain: "system_u:system_r:svirt_t:s0",
  emulatedDomain: "system_u:system_r:svirt_tcg_t:s0",
  image: "system_u:object_r:svirt_image_t:s0",
  content: "system_u:object_r:virt_content_t:s0",
};
export const IMAGE_TYPE = "svirt_image_t";

const RAW_DISKS = ["/images/raw0", "/images/raw1", "/images/raw2"];
/** With what they lie on. */
const OVERLAYS = new Map([
  ["/images/over0", "/images/base"],
  ["/images/over1", "/images/base"],
]);
const BOOT_FILE = "/images/vmlinuz";
/** No domain has it; guests would like to. */
export const SECRET = "/etc/shadow";
const BEFORE = "system_u:object_r:default_t:s0";

export type Step =
  | {
      readonly do: "start";
      readonly domain: number;
      readonly host: HostName;
      readonly launch: boolean;
      readonly failIn: number | null;
    }
  | { readonly do: "stop"; readonly domain: number }
  | { readonly do: "vanish"; readonly domain: number }
  | { readonly do: "restart"; readonly host: HostName }
  | { readonly do: "migrate"; readonly domain: number; readonly arrives: boolean }
  | { readonly do: "attach"; readonly domain: number; readonly disk: Disk }
  | { readonly do: "detach"; readonly domain: number; readonly path: string }
  | { readonly do: "forge"; readonly disk: number };

const anyDisk = (): fc.Arbitrary<Disk> =>
  fc
    .record({
      path: fc.constantFrom(...RAW_DISKS, ...OVERLAYS.keys()),
      mode: fc.constantFrom("own", "own", "own", "readonly", "shareable"),
    })
    .map(({ path, mode }) => ({
      source: { path, format: OVERLAYS.has(path) ? ("qcow2" as const) : ("raw" as const) },
      readonly: mode === "readonly",
      shareable: mode === "shareable",
      relabel: true,
    }));

const anySeclabel = (): fc.Arbitrary<DomainSeclabel> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<DomainSeclabel>({ type: "dynamic" }) },
    {
      weight: 2,
      arbitrary: fc
        .record({
          categories: fc.uniqueArray(fc.nat(9), { minLength: 0, maxLength: 3 }),
          relabel: fc.boolean(),
        })
        .map(({ categories, relabel }): DomainSeclabel => {
          const list = categories
            .toSorted((a, b) => a - b)
            .map((one) => `c${one}`)
            .join();
          const label = `${CONTEXTS.domain}${list === "" ? "" : `:${list}`}`;
          return { type: "static", label, relabel };
        }),
    },
    { weight: 1, arbitrary: fc.constant<DomainSeclabel>({ type: "none" }) },
  );

export const DOMAINS = 5;

export const anyDomains = (): fc.Arbitrary<readonly DomainDefinition[]> =>
  fc
    .array(
      fc.record({
        seclabel: anySeclabel(),
        disks: fc.uniqueArray(anyDisk(), { maxLength: 2, selector: ({ source }) => source.path }),
        boots: fc.boolean(),
      }),
      { minLength: DOMAINS, maxLength: DOMAINS },
    )
    .map((all) =>
      all.map(({ seclabel, disks, boots }, i) => ({
        ...plainDomain(i),
        seclabel,
        disks,
        bootFiles: boots ? [BOOT_FILE] : [],
      })),
    );

/** That has no files. */
export const plainDomain = (number: number): DomainDefinition => ({
  name: `vm${number}`,
  uuid: `uuid-of-vm${number}`,
  virtType: "kvm",
  seclabel: { type: "dynamic" },
  disks: [],
  bootFiles: [],
  nvram: null,
  devices: [],
  characterDevices: [],
  memory: [],
});

export const anySteps = (): fc.Arbitrary<readonly Step[]> => {
  const domain = fc.nat(DOMAINS - 1);
  const host = fc.constantFrom(...HOSTS);
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("start" as const),
        domain,
        host,
        launch: fc.boolean().map((fails) => !fails),
        failIn: fc.option(fc.nat(12), { freq: 3 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("stop" as const), domain }) },
    fc.record({ do: fc.constant("vanish" as const), domain }),
    fc.record({ do: fc.constant("restart" as const), host }),
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("migrate" as const), domain, arrives: fc.boolean() }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("attach" as const), domain, disk: anyDisk() }),
    },
    fc.record({ do: fc.constant("detach" as const), domain, path: fc.constantFrom(...RAW_DISKS) }),
    fc.record({ do: fc.constant("forge" as const), disk: fc.nat(RAW_DISKS.length - 1) }),
  );
  return fc.array(step, { maxLength: 25 });
};

/** A domain whose VMM runs. */
export interface Running {
  readonly definition: DomainDefinition;
  readonly host: HostName;
  /** Null without labels. */
  readonly process: string | null;
}

export class SvirtStory {
  readonly files = new FilesInMemory();
  readonly running = new Map<number, Running>();
  readonly managers: Readonly<Record<HostName, SecurityManager>>;
  readonly #domains: readonly DomainDefinition[];
  /** Processes are gone, and the manager does not know. */
  readonly #vanished = new Map<number, HostName>();

  constructor(domains: readonly DomainDefinition[], seed: number) {
    this.#domains = domains;
    this.#makeFiles();
    const made: Partial<Record<HostName, SecurityManager>> = {};
    World.create(
      {
        name: "svirt",
        version: 1,
        parse: (config) => config,
        images: () => [],
        start: () => {},
        build: (world) => {
          const leases = new CategoryLeases(world, "leases");
          for (const host of HOSTS)
            made[host] = new SecurityManager(world, `${host}.security`, {
              host,
              boot: 1,
              leases,
              files: this.files,
              readHeader: (path) => this.files.read(path),
              contexts: CONTEXTS,
              own: OWN,
            });
        },
      },
      { config: null, seed: String(seed) },
    );
    this.managers = made as Record<HostName, SecurityManager>;
  }

  /** No VMM is gone without its manager's knowledge. */
  get isKnown(): boolean {
    return this.#vanished.size === 0;
  }

  /** False when the manager refused. */
  take(step: Step): boolean {
    switch (step.do) {
      case "start":
        return this.#start(step);
      case "stop":
        return this.#stop(step.domain);
      case "vanish":
        return this.#vanish(step.domain);
      case "restart":
        return this.#restart(step.host);
      case "migrate":
        return this.#migrate(step.domain, step.arrives);
      case "attach":
        return this.#attach(step.domain, step.disk);
      case "detach":
        return this.#detach(step.domain, step.path);
      case "forge":
        this.files.write(RAW_DISKS[step.disk] as string, qcow2On(SECRET));
        return true;
    }
  }

  /** Nothing runs any more, and every manager knows. */
  end(): void {
    for (const host of new Set(this.#vanished.values())) this.#restart(host);
    for (const domain of this.running.keys()) this.#stop(domain);
  }

  #start({ domain, host, launch, failIn }: Step & { readonly do: "start" }): boolean {
    const definition = this.#domains[domain] as DomainDefinition;
    if (this.running.has(domain) || this.#vanished.has(domain)) return true;
    this.files.failIn = failIn;
    const labels = refusable(() => this.managers[host].prepare(definition));
    this.files.failIn = null;
    if (labels === undefined) return false;
    if (!launch) {
      this.managers[host].release(definition.name);
      return false;
    }
    this.running.set(domain, { definition, host, process: labels?.process ?? null });
    return true;
  }

  #stop(domain: number): boolean {
    const one = this.running.get(domain);
    if (one !== undefined) this.managers[one.host].release(one.definition.name);
    this.running.delete(domain);
    return true;
  }

  #vanish(domain: number): boolean {
    const one = this.running.get(domain);
    if (one !== undefined) this.#vanished.set(domain, one.host);
    this.running.delete(domain);
    return true;
  }

  #restart(host: HostName): boolean {
    const alive = [...this.running.values()].filter((one) => one.host === host);
    this.managers[host].reconnect(alive.map(({ definition }) => definition.name));
    for (const [domain, on] of this.#vanished) if (on === host) this.#vanished.delete(domain);
    return true;
  }

  /** Both ends have the labels until the one that is left lets go. */
  #migrate(domain: number, arrives: boolean): boolean {
    const one = this.running.get(domain);
    if (one === undefined || one.process === null) return true;
    const target = one.host === "alpha" ? "beta" : "alpha";
    const { definition, process } = one;
    const labels = refusable(() => this.managers[target].prepareIncoming(definition, process));
    if (labels === undefined || labels === null) return false;
    this.managers[arrives ? one.host : target].release(definition.name);
    if (arrives) this.running.set(domain, { definition, host: target, process: labels.process });
    return arrives;
  }

  #attach(domain: number, disk: Disk): boolean {
    const one = this.running.get(domain);
    if (one === undefined || one.process === null) return true;
    const { definition, host } = one;
    if (definition.disks.some(({ source }) => source.path === disk.source.path)) return true;
    const more = { ...definition, disks: [disk], bootFiles: [] };
    const done = refusable(() => {
      this.managers[host].attach(definition.name, more);
      return true;
    });
    if (done !== true) return false;
    this.running.set(domain, {
      ...one,
      definition: { ...definition, disks: [...definition.disks, disk] },
    });
    return true;
  }

  #detach(domain: number, path: string): boolean {
    const one = this.running.get(domain);
    if (one === undefined || one.process === null) return true;
    const { definition, host } = one;
    this.managers[host].detach(definition.name, [path]);
    const disks = definition.disks.filter(({ source }) => source.path !== path);
    this.running.set(domain, { ...one, definition: { ...definition, disks } });
    return true;
  }

  #makeFiles(): void {
    for (const path of [...RAW_DISKS, BOOT_FILE, SECRET, "/images/base"])
      this.files.create(path, `${BEFORE}:c${path.length}`);
    for (const [path, below] of OVERLAYS) this.files.create(path, BEFORE, qcow2On(below));
  }
}

/** Undefined when it was refused with one line. */
export function refusable<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch (error) {
    if (error instanceof InputError && !error.message.includes("\n")) return undefined;
    throw error;
  }
}

/** What files of a disk are to be labelled, by the manual: the top, and what lies below it. */
export const pathsOf = ({ source }: Disk): readonly string[] => {
  const below = OVERLAYS.get(source.path);
  return below === undefined ? [source.path] : [source.path, below];
};

/** The header of a qcow2 file that lies on a raw one: QEMU, docs/interop/qcow2.rst. */
function qcow2On(path: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x51_46_49_fb);
  view.setUint32(4, 2);
  view.setUint32(12, 256);
  view.setUint32(16, path.length);
  view.setUint32(72, 0xe2_79_2a_ca);
  view.setUint32(76, 3);
  const put = (text: string, at: number): void => {
    for (let i = 0; i < text.length; i += 1) bytes[at + i] = text.charCodeAt(i);
  };
  put("raw", 80);
  put(path, 256);
  return bytes;
}
