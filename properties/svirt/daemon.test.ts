import { expect, test } from "vitest";
import { inWorld } from "../support/kvm-guest.ts";
import { RecordingModule } from "../support/recording-module.ts";
import { mount, populate, makeDirectories } from "../../src/linux/fs/populate.ts";
import { Kernel } from "../../src/linux/kernel.ts";
import { InputError } from "../../src/sim/assert.ts";
import { Daemon, EMULATOR } from "../../src/libvirt/daemon.ts";
import type { DomainDefinition } from "../../src/libvirt/security/domain-definition.ts";

const BEFORE = "system_u:object_r:virt_image_t:s0";
const IMAGE = "/images/a";
const QCOW2 = "/images/b";

const definition: DomainDefinition = {
  name: "one",
  uuid: "uuid-of-one",
  virtType: "kvm",
  seclabel: { type: "dynamic" },
  disks: [
    { source: { path: IMAGE, format: "raw" }, readonly: false, shareable: false, relabel: true },
    { source: { path: QCOW2, format: "qcow2" }, readonly: false, shareable: false, relabel: true },
  ],
  bootFiles: [],
  nvram: null,
  devices: [],
  characterDevices: [],
  memory: [],
};

/** Of qcow2 version 2 without a backing file. */
const HEADER = Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 2, ...new Uint8Array(64));

interface Bench {
  readonly module: RecordingModule;
  readonly kernel: Kernel;
  readonly daemon: Daemon;
}

function newBench(): Bench {
  return inWorld((world) => {
    const module = new RecordingModule();
    const kernel = new Kernel(world, { prefix: "", security: module.hooks });
    mount(kernel, "/dev", "devtmpfs", "devtmpfs");
    for (const path of ["/dev/net", "/usr/bin", "/images"]) makeDirectories(kernel, path);
    populate(kernel, "/dev/net/tun", { kind: "character", driver: "tun" });
    const file = { kind: "file", xattrs: { "security.selinux": BEFORE } } as const;
    populate(kernel, EMULATOR, file);
    populate(kernel, IMAGE, file);
    populate(kernel, QCOW2, { ...file, data: HEADER });
    const { pid } = kernel.newProcess("virtqemud", null);
    const daemon = new Daemon(world, "libvirt", {
      kernel,
      pid,
      own: "system_u:system_r:virtd_t:s0-s0:c0.c1023",
      contexts: {
        domain: "system_u:system_r:svirt_t:s0",
        emulatedDomain: "system_u:system_r:svirt_tcg_t:s0",
        image: "system_u:object_r:svirt_image_t:s0",
        content: "system_u:object_r:virt_content_t:s0",
      },
      labelOf: () => null,
      boot: 1,
    });
    module.asked = [];
    return { module, kernel, daemon };
  });
}

/** What is open, who runs, and what files carry. */
function seen({ kernel: { state } }: Bench): object {
  return {
    processes: Object.values(state.processes)
      .filter(({ isOver }) => !isOver)
      .map((one) => ({ ...one, descriptors: one.descriptors.filter((held) => held !== null) })),
    files: structuredClone(state.files),
    tuns: state.tuns.map(({ name }) => name),
    xattrs: Object.values(state.inodes).map(({ name, xattrs }) => [
      name,
      [...xattrs].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ]),
  };
}

// libvirt, src/qemu/qemu_process.c, qemuProcessStop after a failed start.
test("a start that is refused anywhere leaves nothing, and the next one succeeds", () => {
  const asked = newBench();
  asked.daemon.start(definition, "tap0");
  const questions = asked.module.asked.length;
  expect(questions).toBeGreaterThan(40);
  let refusals = 0;
  for (let at = 0; at < questions; at += 1) {
    const bench = newBench();
    const before = JSON.stringify(seen(bench));
    bench.module.refused = at;
    try {
      bench.daemon.start(definition, "tap0");
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect([at, JSON.stringify(seen(bench))]).toEqual([at, before]);
      refusals += 1;
      bench.daemon.start(definition, "tap0");
    }
  }
  expect(refusals).toBeGreaterThan(30);
});

test("the daemon keeps no tap, and its child has nothing else of it", () => {
  const bench = newBench();
  const { pid, tap } = bench.daemon.start(definition, "tap0");
  const { processes, tuns } = bench.kernel.state;
  expect(processes[1]?.descriptors.every((one) => one === null)).toBe(true);
  const held = processes[pid]?.descriptors.flatMap((one, fd) => (one === null ? [] : [fd]));
  expect(held).toEqual([tap]);
  expect(tuns.map(({ name }) => name)).toEqual(["tap0"]);
});
