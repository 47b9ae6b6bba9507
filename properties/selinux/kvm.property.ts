/** Laws of /dev/kvm and of what it gives under SELinux. */

import fc from "fast-check";
import { ioctl, IOCTLS, mapRun, openKvm } from "../../src/kvm/ioctls/index.ts";
import { isErrno } from "../../src/linux/errno.ts";
import { call } from "../../src/linux/syscalls/index.ts";
import { selinuxModule } from "../../src/selinux/hooks/index.ts";
import { contextOf, FakeSecurityServer, rule, type Rule } from "../support/fake-security-server.ts";
import { newKvm, newSecureHost } from "../support/kvm-guest.ts";
import { law } from "../support/law.ts";

const command = (name: keyof typeof IOCTLS): string => `ioctl-${IOCTLS[name].number % 0x1_0000}`;

const RULES: readonly Rule[] = [
  ...["read", "write", "open"].map((one) => rule("red", "kvm", "chr_file", one)),
  rule("red", "kvm", "chr_file", "ioctl"),
  rule("red", "kvm", "chr_file", command("KVM_CREATE_VM")),
  rule("red", "kvm", "chr_file", command("KVM_GET_API_VERSION")),
  rule("green", "red", "fd", "use"),
  rule("green", "kvm", "chr_file", "ioctl"),
  // Nobody asks for these: VMs and vCPUs are the kernel's own.
  rule("green", "unlabeled", "anon_inode", "ioctl"),
  rule("green", "unlabeled", "anon_inode", "map"),
];

law("kvm-is-guarded-as-a-device-and-what-it-gives-by-the-descriptor", {
  says: "Opening /dev/kvm and each ioctl on it need what any character device needs. A VM and a vCPU need nothing of whoever made them; another domain needs the right to use the descriptor, and nothing else.",
  cites:
    "Linux, virt/kvm/kvm_main.c, anon_inode_getfd; security/selinux/hooks.c, ioctl_has_perm, selinux_mmap_file",
  forAll: { changes: fc.boolean(), denied: fc.subarray([...RULES]) },
  runs: 300,
  holds: ({ changes, denied }) => {
    const server = new FakeSecurityServer();
    const host = newSecureHost(selinuxModule(server));
    newKvm(host);
    const [cpu] = host.cpus;
    if (cpu === undefined) return false;
    const { kernel } = host;
    const task = host.newTask(0, server.task("red"));
    const label = { path: "/dev/kvm", name: "security.selinux", value: contextOf("kvm") };
    equal(call(kernel, task.id, "setxattr", label), 0);
    const may = (source: string, target: string, tclass: string, ...names: string[]): boolean =>
      names.every((name) => !denied.includes(rule(source, target, tclass, name)));
    server.policy = { denied, sequence: 2, enforcing: true };
    const caller = { task, cpu, limit: Infinity };
    const device = openKvm(task);
    equal(!isErrno(device), may("red", "kvm", "chr_file", "read", "write", "open"));
    if (isErrno(device)) return true;
    const vm = ioctl(caller, device, "KVM_CREATE_VM", 0n);
    equal(
      isErrno(vm) ? vm : "done",
      answer(may("red", "kvm", "chr_file", "ioctl", command("KVM_CREATE_VM"))),
    );
    if (isErrno(vm)) return true;
    const current = { attribute: "current", value: contextOf("green") } as const;
    if (changes) equal(call(kernel, task.id, "setprocattr", current), current.value.length);
    const mayUse = !changes || may("green", "red", "fd", "use");
    const mayAsk = changes
      ? mayUse && may("green", "kvm", "chr_file", "ioctl")
      : may("red", "kvm", "chr_file", "ioctl", command("KVM_GET_API_VERSION"));
    const version = ioctl(caller, device, "KVM_GET_API_VERSION", null);
    equal(version, mayAsk ? 12 : "EACCES");
    const vcpu = ioctl(caller, vm, "KVM_CREATE_VCPU", 0n);
    equal(isErrno(vcpu) ? vcpu : "done", answer(mayUse));
    if (isErrno(vcpu)) return true;
    const run = mapRun({ task }, vcpu);
    equal(isErrno(run) ? run : "done", "done");
    return true;
  },
});

// Helpers

const answer = (isAllowed: boolean): string => (isAllowed ? "done" : "EACCES");

function equal(seen: unknown, wanted: unknown): void {
  if (seen !== wanted) throw new Error(`${String(seen)}, not ${String(wanted)}`);
}
