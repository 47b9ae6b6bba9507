/** SELinux on a host of guests: the policy that is loaded, labels of its files, and the daemon that starts VMMs. SELinux Project, "The SELinux Notebook"; libvirt, docs/drvqemu.rst, "SELinux basic confinement". */

import { Daemon, EMULATOR, type StartedVmm } from "../libvirt/daemon.ts";
import type { DomainDefinition } from "../libvirt/security/domain-definition.ts";
import { Audit } from "../linux/audit.ts";
import type { StoredImage } from "../linux/block/stored-image.ts";
import { makeDirectories, populate } from "../linux/fs/populate.ts";
import { DATE, type Host } from "../linux/host.ts";
import type { SecurityModule } from "../linux/security/security.ts";
import { administer, type LabelOfPath, labelTree } from "../selinux/administration.ts";
import { RECORD } from "../selinux/avc/records.ts";
import { type LoadedPolicy, loadPolicy } from "../selinux/decisions/loaded-policy.ts";
import { selinuxModule } from "../selinux/hooks/index.ts";
import { taskLabel } from "../selinux/hooks/labels.ts";
import { Selinux } from "../selinux/selinux.ts";
import { assert, InputError } from "../sim/assert.ts";
import type { World } from "../sim/world.ts";
import { labelsOfPaths, parsePolicy } from "./policy-file.ts";
import { policiesOf, type SelinuxConfig } from "./selinux-config.ts";

/** Of the daemon, which acts for all guests. */
const DAEMON = "system_u:system_r:virtd_t:s0-s0:c0.c1023";
/** As the reference policy has them in virtual_domain_context and virtual_image_context. */
const CONTEXTS = {
  domain: "system_u:system_r:svirt_t:s0",
  emulatedDomain: "system_u:system_r:svirt_tcg_t:s0",
  image: "system_u:object_r:svirt_image_t:s0",
  content: "system_u:object_r:virt_content_t:s0",
};

/** What a guest is started with. */
export interface GuestOnHost {
  readonly name: string;
  readonly number: number;
  readonly images: readonly StoredImage[];
  /** The name of its network interface; null without one. */
  readonly tap: string | null;
}

export class HostSecurity {
  readonly module: SecurityModule;
  readonly #world: World;
  readonly #config: SelinuxConfig;
  readonly #selinux: Selinux;
  readonly #labelOf: LabelOfPath;
  #daemon: Daemon | null = null;
  /** The last refusal, for whoever is told of what came of it. */
  #refused: string | null = null;

  /** To be made while the world is built. */
  constructor(world: World, prefix: string, config: SelinuxConfig) {
    this.#world = world;
    this.#config = config;
    const audit = new Audit(world, prefix, DATE);
    const policies = new Map(
      policiesOf(config).map((name) => [name, loadedOf(world.image(name), name)]),
    );
    this.#selinux = new Selinux({
      audit: {
        record: (type, message) => {
          if (type === RECORD.avc || type === RECORD.selinuxError) this.#refused = message;
          audit.record(type, message);
        },
      },
      policies: (name) => {
        const found = policies.get(name);
        if (found !== undefined) return found;
        const known = [...policies.keys()].join(", ");
        throw new InputError(`policy ${name}: not at hand; there is ${known}`);
      },
      policy: config.policy,
      enforcing: config.enforcing,
    });
    this.#labelOf = labelsOf(world.image(config.fileContexts), config.fileContexts);
    this.module = selinuxModule(this.#selinux);
    world.registry.keeper(`${prefix}selinux`, this.#selinux);
  }

  /** When all files are there: they get their labels, and the daemon is started. Adds the component `selinux`, behind the host's prefix. */
  begin({ kernel, prefix }: Host): void {
    makeDirectories(kernel, EMULATOR.slice(0, EMULATOR.lastIndexOf("/")));
    populate(kernel, EMULATOR, { kind: "file" });
    labelTree(this.#selinux, kernel, this.#labelOf);
    administer(this.#world, `${prefix}selinux`, this.#selinux, kernel);
    const sid = this.#selinux.sidOf(DAEMON);
    if (sid === null)
      throw new InputError(`policy ${this.#config.policy}: it has no context ${DAEMON}`);
    const { pid } = kernel.newProcess("virtqemud", taskLabel(sid));
    this.#daemon = new Daemon(this.#world, `${prefix}libvirt`, {
      kernel,
      pid,
      own: DAEMON,
      contexts: CONTEXTS,
      labelOf: this.#labelOf,
      boot: DATE,
    });
  }

  /** What `use` makes of its VMM. Throws InputError, with what was refused. */
  started<T>(guest: GuestOnHost, use: (vmm: StartedVmm) => T): T {
    const daemon = this.#daemon;
    assert(daemon !== null, "the daemon is started before guests are");
    this.#refused = null;
    try {
      return use(daemon.start(this.#definitionOf(guest), guest.tap));
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof InputError) || this.#refused === null) return error;
    return new InputError(`${error.message}: ${this.#refused}`);
  }

  #definitionOf({ name, number, images }: GuestOnHost): DomainDefinition {
    return {
      name,
      uuid: name,
      virtType: "kvm",
      seclabel: this.#config.labels[number] ?? { type: "dynamic" },
      disks: images.map(({ path, disk }) => ({
        source: { path, format: "raw" },
        readonly: disk.isReadOnly,
        shareable: false,
        relabel: true,
      })),
      bootFiles: [],
      nvram: null,
      devices: [],
      characterDevices: [],
      memory: [],
    };
  }
}

/** Made of an image's bytes alone, so that worlds with one image share it. */
const loaded = new WeakMap<Uint8Array, LoadedPolicy>();
const labels = new WeakMap<Uint8Array, LabelOfPath>();

function loadedOf(bytes: Uint8Array, name: string): LoadedPolicy {
  const known = loaded.get(bytes) ?? loadPolicy(parsePolicy(bytes, name));
  loaded.set(bytes, known);
  return known;
}

function labelsOf(bytes: Uint8Array, name: string): LabelOfPath {
  const known = labels.get(bytes) ?? labelsOfPaths(bytes, name);
  labels.set(bytes, known);
  return known;
}
