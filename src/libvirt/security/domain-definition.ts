/** What labelling needs to know of a domain: elements of its XML that name files. libvirt, docs/formatdomain.rst, Security label; Hard drives. */

/** `<seclabel>` of the domain. */
export type DomainSeclabel =
  | {
      readonly type: "dynamic";
      /** In the place of the policy's context of domains; its range is ignored. */
      readonly baselabel?: string;
    }
  | {
      readonly type: "static";
      readonly label: string;
      /** Files get the label of the domain's images. */
      readonly relabel: boolean;
    }
  | { readonly type: "none" };

/** `<source>` of a disk, and what it lies on: `<backingStore>`. */
export interface DiskSource {
  readonly path: string;
  readonly format: "raw" | "qcow2";
  /** Null: the chain ends here; left out: it is not said, and is looked for in the file. */
  readonly backing?: DiskSource | null;
}

export interface Disk {
  readonly source: DiskSource;
  readonly readonly: boolean;
  readonly shareable: boolean;
  /** `<seclabel relabel='no'/>` */
  readonly relabel: boolean;
}

export interface DomainDefinition {
  readonly name: string;
  /** Names of domains are those of one host; this is the same on all. */
  readonly uuid: string;
  /** hvm under KVM, or emulated, which needs more memory that is executable. */
  readonly virtType: "kvm" | "qemu";
  readonly seclabel: DomainSeclabel;
  readonly disks: readonly Disk[];
  /** Kernel, initial RAM disk, device tree: read only. */
  readonly bootFiles: readonly string[];
  readonly nvram: string | null;
  /** Nodes of devices that are passed to the guest: host devices, a TPM. */
  readonly devices: readonly string[];
  /** Files and sockets of character devices. */
  readonly characterDevices: readonly string[];
  /** Directories of huge pages and files of memory. */
  readonly memory: readonly string[];
}
