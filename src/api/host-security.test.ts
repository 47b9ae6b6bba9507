import { expect, test } from "vitest";
import { multiboot } from "../guests/kernels/multiboot.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { Selinux } from "../selinux/selinux.ts";
import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";
import { World } from "../sim/world.ts";
import { host } from "./hosts.ts";
import { shippedImage } from "./node.ts";

const GUEST = { boot: "multiboot", memoryBytes: 1 << 24, reboot: false, disks: 1, network: true };
/** cli; hlt. */
const HALT = [0xfa, 0xf4];
/** Behind those of the kernel. */
const FIRST_SID = 28;

type SelinuxState = ReturnType<Selinux["save"]>;

const svirt = shippedImage("svirt")?.bytes ?? new Uint8Array(0);

/** A policy that lacks a rule. */
function without(rule: string): Uint8Array {
  const text = new TextDecoder().decode(svirt);
  expect(text).toContain(rule);
  return new TextEncoder().encode(text.replace(rule, ""));
}

function newWorld(selinux: object, images: Readonly<Record<string, Uint8Array>> = {}): World {
  const given = { policy: "svirt", ...selinux };
  const config = host.parse({ host: "amd", cpus: 1, guests: [GUEST, GUEST], selinux: given });
  const own = { kernel: multiboot(HALT), disk0: new Uint8Array(1 << 16), svirt };
  return World.create(host, { config, images: { ...own, ...images } });
}

function stateOf(world: World, name: string): unknown {
  const { registry } = world.snapshot();
  expect(registry.names).toContain(name);
  return registry.saved[registry.names.indexOf(name)];
}

const kernelOf = (world: World): Kernel["state"] =>
  stateOf(world, "host.kernel") as Kernel["state"];
const selinuxOf = (world: World): SelinuxState => stateOf(world, "host.selinux") as SelinuxState;

/** Of a file by its name. */
function labelOf(world: World, name: string): string | undefined {
  const inode = Object.values(kernelOf(world).inodes).find((one) => one.name === name);
  return inode?.xattrs.find((one) => one.name === "security.selinux")?.value;
}

/** Of each process: its name and its context. */
function processesOf(world: World): readonly (readonly [string, string | undefined])[] {
  const { contexts } = selinuxOf(world);
  return Object.values(kernelOf(world).processes).map(({ comm, security }) => [
    comm,
    contexts[(security?.["sid"] ?? 0) - FIRST_SID]?.text,
  ]);
}

test("each VMM runs in its own domain, and its image is its own", () => {
  const world = newWorld({});
  const [daemon, ...vmms] = processesOf(world);
  expect(daemon).toEqual(["virtqemud", "system_u:system_r:virtd_t:s0-s0:c0.c1023"]);
  expect(vmms.length).toBe(2);
  vmms.forEach(([comm, context = ""], i) => {
    expect(comm).toBe("qemu-system-x86");
    expect(context).toMatch(/^system_u:system_r:svirt_t:s0:c\d+,c\d+$/);
    const range = context.split(":").slice(3).join(":");
    expect(labelOf(world, `m${i}.disk0.img`)).toBe(`system_u:object_r:svirt_image_t:${range}`);
  });
  expect(vmms[0]?.[1]).not.toBe(vmms[1]?.[1]);
});

test("a label may be given, or none", () => {
  const label = "system_u:system_r:svirt_t:s0:c3,c9";
  const world = newWorld({ labels: [{ type: "static", label, relabel: true }] });
  expect(processesOf(world)[1]).toEqual(["qemu-system-x86", label]);
  expect(() => newWorld({ labels: [{ type: "none" }] })).toThrow(
    /^domain m0: \/usr\/bin\/qemu-system-x86_64: EACCES: avc: {2}denied {2}\{ execute_no_trans \}/,
  );
});

test.each([
  [
    "(allow svirt_t kvm_device_t device_use)",
    /^m0.qemu: \/dev\/kvm: EACCES: avc: {2}denied {2}\{ read write \} for {2}pid=2 comm="qemu-system-x86" name="kvm"/,
  ],
  [
    "(allow svirt_domain svirt_image_t file_write)",
    /^\/var\/lib\/libvirt\/images\/m0.disk0.img: cannot be opened: EACCES: avc: {2}denied/,
  ],
  [
    "(allow virtd_t virt_relabels relabel_all)",
    /^\/var\/lib\/libvirt\/images\/m0.disk0.img: cannot be labelled system_u:object_r:svirt_image_t:s0:c\d+,c\d+: EACCES: avc: {2}denied {2}\{ relabelfrom \}/,
  ],
  [
    "(allow svirt_domain tun_tap_device_t (chr_file (getattr read write ioctl)))",
    /^tap: TUNGETIFF: ENOTTY: avc: {2}denied {2}\{ read write \} .* path="\/dev\/net\/tun"/,
  ],
])("a policy without %s starts no guest, and says why", (rule, message) => {
  const images = { less: without(rule) };
  expect(() => newWorld({ policy: "less" }, images)).toThrow(InputError);
  expect(() => newWorld({ policy: "less" }, images)).toThrow(message);
  newWorld({ policy: "less", enforcing: false }, images);
});

test("what an administrator may do is said in one line when it is wrong", () => {
  const world = newWorld({});
  const told = (kind: string, payload: Json): void => world.input("host.selinux", kind, payload);
  told("setsebool", { virt_use_nfs: true });
  told("setenforce", false);
  expect(selinuxOf(world)).toMatchObject({ enforcing: false, sequence: 2 });
  const refusals: readonly (readonly [string, Json, string])[] = [
    ["load", "other", "policy other: not at hand; there is svirt"],
    ["load", 5, "host.selinux load: expected text, not 5"],
    ["setenforce", 1, "host.selinux setenforce: expected true or false, not 1"],
    ["setsebool", [], "host.selinux setsebool: expected booleans by name"],
    ["setsebool", { x: true }, "selinux: the policy has no boolean x"],
    ["chcon", { path: "/x" }, "host.selinux chcon: label: expected text, not null"],
    ["chcon", { path: "/x/y", label: "a" }, "host.selinux chcon: /x/y: ENOENT"],
    ["chcon", { path: "/usr", label: "a" }, "host.selinux chcon: the policy has no context a"],
  ];
  for (const [kind, payload, message] of refusals)
    expect(() => told(kind, payload)).toThrow(new InputError(message));
});

test.each([
  [{ selinux: 1 }, "host: selinux: expected an object"],
  [{ selinux: {} }, "host: selinux: policy: expected the name of an image, not undefined"],
  [{ selinux: { policy: "p", enforcing: 1 } }, "host: selinux: enforcing is true or false, not 1"],
  [
    { selinux: { policy: "p", labels: [{}, {}, {}] } },
    "host: selinux: labels is a list of the guests' labels",
  ],
  [
    { selinux: { policy: "p", labels: [{ type: "x" }] } },
    'host: selinux: label of guest 0: type is dynamic, static or none, not "x"',
  ],
  [
    { selinux: { policy: "p", labels: [{ type: "static", label: "x" }] } },
    'host: selinux: label of guest 0: label: "x" is no context: user:role:type:range',
  ],
])("a host says what is wrong with %j", (given, message) => {
  const config = { host: "amd", cpus: 1, guests: [GUEST, GUEST], ...given };
  expect(() => host.parse(config)).toThrow(new InputError(message));
});

test.each([
  [{ enforcing: 1 }, "host: selinux: enforcing is true or false, not 1"],
  [{ policies: "svirt" }, "host: selinux: policies is a list of names"],
  [{ labels: [{ type: "none", relabel: 3 }] }, "host: selinux: label of guest 0: relabel is true"],
  [{ labels: [{ type: "dynamic", baselabel: 3 }] }, "host: selinux: label of guest 0: baselabel:"],
  [{ labels: [{ type: "loose" }] }, "label of guest 0: type is dynamic, static or none"],
])("%j is no configuration", (given, message) => {
  expect(() => newWorld(given)).toThrow(message);
});

test("a guest without a label runs as the daemon does", () => {
  const labels = [{ type: "none" }];
  const world = newWorld({ enforcing: false, labels });
  const contexts = processesOf(world).map(([, context]) => context);
  expect(contexts.filter((context) => context?.includes(":svirt_t:") === true)).toHaveLength(1);
});
