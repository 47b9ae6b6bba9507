/** Laws of guests on a host with SELinux: what a guest achieves through its devices goes through its VMM's permissions. */

import fc from "fast-check";
import { World } from "../../src/api/index.ts";
import type { Json } from "../../src/api/index.ts";
import { isErrno } from "../../src/linux/errno.ts";
import { O } from "../../src/linux/fs/file.ts";
import { VENDORS } from "../support/kvm-guest.ts";
import { law } from "../support/law.ts";
import {
  GUESTS,
  imageOf,
  POLICIES,
  type PolicyName,
  READ,
  SvirtHost,
  type Told,
} from "../support/svirt-hosts.ts";

const NAMES = Object.keys(POLICIES) as readonly PolicyName[];
const SELINUX = { policy: "svirt", policies: NAMES };
/** Some requests of each guest. */
const PHASE = 400_000;
const TUN = "/dev/net/tun";

/** What an administrator does. */
type Change =
  | { readonly is: "image"; readonly guest: number; readonly label: "own" | "other's" | "nobody's" }
  | { readonly is: "tap"; readonly label: "own" | "nobody's" }
  | { readonly is: "load"; readonly policy: PolicyName }
  | { readonly is: "setenforce"; readonly enforcing: boolean }
  | { readonly is: "setsebool"; readonly value: boolean };

const anyChange = (): fc.Arbitrary<Change> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        is: fc.constant("image" as const),
        guest: fc.nat(GUESTS - 1),
        label: fc.constantFrom("own" as const, "other's" as const, "nobody's" as const),
      }),
    },
    fc.record({
      is: fc.constant("tap" as const),
      label: fc.constantFrom("own" as const, "nobody's" as const),
    }),
    {
      weight: 3,
      arbitrary: fc.record({
        is: fc.constant("load" as const),
        policy: fc.constantFrom(...NAMES),
      }),
    },
    fc.record({ is: fc.constant("setenforce" as const), enforcing: fc.boolean() }),
    fc.record({ is: fc.constant("setsebool" as const), value: fc.boolean() }),
  );

const anyChanges = (): fc.Arbitrary<readonly Change[]> =>
  fc.array(anyChange(), { minLength: 1, maxLength: 5 });

const vendor = fc.constantFrom(...VENDORS);

law("a-guest-under-selinux-is-given-what-it-is-given-without", {
  says: "Under a policy that is enforced, with labels from the manager, each request of a guest to its own disk succeeds, and guests and network show the same at the same times as on a host without SELinux, and the disks hold the same; nothing is denied.",
  cites: "libvirt, docs/drvqemu.rst, SELinux basic confinement; DESIGN, Security",
  forAll: { vendor, seed: fc.nat(), length: fc.integer({ min: 1, max: 8 }) },
  runs: 10,
  holds: ({ vendor: of, seed, length }) => {
    const [plain, secure] = [null, SELINUX].map((selinux) => {
      const made = SvirtHost.create(of, selinux, String(seed));
      made.run(length * PHASE);
      made.world.release();
      return made;
    }) as [SvirtHost, SvirtHost];
    if (secure.records.length > 0) throw new Error(secure.records[0]);
    if (plain.seen.length < 10 * length) throw new Error("the guests do nothing");
    if (
      secure
        .take()
        .flat()
        .some(({ status }) => status !== 0)
    )
      throw new Error("an I/O error");
    return secure.seen.join("\n") === plain.seen.join("\n") && sameDisks(plain, secure);
  },
});

law("a-running-guest-loses-what-is-taken-from-it-and-no-other-does", {
  says: "From when an administrator gives its image another label, or loads a policy that lacks the rule, each request of a guest that is not allowed any more fails with an I/O error and each that is succeeds, whatever was allowed when the file was opened; the other guest's go on as its own label says; frames pass while the tap may be used, and only then; and when labels and policy are as before, all is as before.",
  cites:
    "Linux, security/selinux/hooks.c, selinux_revalidate_file_permission; VIRTIO 1.2, Block Device: VIRTIO_BLK_S_IOERR",
  forAll: { vendor, changes: anyChanges() },
  runs: 25,
  holds: ({ vendor: of, changes }) => {
    const made = SvirtHost.create(of, SELINUX);
    const model = new Model(made);
    made.run(PHASE);
    made.take();
    for (const change of [...changes, ...PUT_BACK]) {
      apply(made, change, model);
      settle(made);
      const [frames, ...received] = framesOf(made);
      made.world.input("switch", "receive", FRAME);
      made.run(PHASE);
      made.take().forEach((told, guest) => check(told, guest, model));
      const [later, ...laterReceived] = framesOf(made);
      const passed = [later !== frames, ...laterReceived.map((one, i) => one !== received[i])];
      if (passed.some((one) => one !== model.mayUseTap))
        throw new Error(`frames: ${passed.join()}, not ${String(model.mayUseTap)}`);
    }
    made.world.release();
  },
});

law("whatever-a-vmm-tries-it-reaches-nothing-of-another-guest", {
  says: "A VMM that calls the kernel as it likes, beside what its guest asks for, opens, reads, changes, renames and relabels no image of another guest, signals and traces no other VMM, becomes nothing else, and gets nothing that another has written.",
  cites: "The SELinux Notebook, Multi-Category Security; libvirt, docs/drvqemu.rst, SELinux",
  forAll: {
    vendor,
    seed: fc.nat(),
    attempts: fc.array(
      fc.record({ guest: fc.nat(GUESTS - 1), attempt: fc.nat(1000), fd: fc.nat(12) }),
      { minLength: 5, maxLength: 40 },
    ),
  },
  runs: 15,
  holds: ({ vendor: of, seed, attempts }) => {
    const made = SvirtHost.create(of, { policy: "watching" }, String(seed));
    for (let guest = 0; guest < GUESTS; guest += 1) made.fill(guest, MARKS[guest] ?? 0);
    for (const { guest, attempt, fd } of attempts) {
      const other = 1 - guest;
      const [what, answer] = ATTEMPTS[attempt % ATTEMPTS.length]?.(made, guest, other) ?? ["", ""];
      if (!isErrno(answer)) throw new Error(`guest ${guest}: ${what}: ${String(answer)}`);
      made.call(guest, "lseek", { fd, offset: 512 });
      const bytes = made.call(guest, "read", { fd, count: 512 });
      if (bytes instanceof Uint8Array && bytes.includes(MARKS[other] ?? 0))
        throw new Error(`guest ${guest} reads what is not its own`);
      made.run(PHASE / 10);
    }
    for (let guest = 0; guest < GUESTS; guest += 1)
      if (
        made
          .disk(guest)
          .subarray(512)
          .some((byte) => byte !== MARKS[guest])
      )
        throw new Error(`the disk of guest ${guest} is another`);
    made.world.release();
    return made.records.every((record) => {
      const [, pid, of1] =
        /granted .* pid=(\d+) .*(?:path|name)="[^"]*\bm(\d)\.disk0/.exec(record) ?? [];
      return of1 === undefined || Number(pid) === made.pidOf(Number(of1));
    });
  },
});

law("a-host-with-selinux-can-be-copied", {
  says: "A fork and a snapshot of a host with SELinux go on as the original, whatever an administrator does afterwards.",
  cites: "DESIGN, State is data",
  forAll: { vendor, before: anyChanges(), after: anyChanges(), elapsed: fc.nat(PHASE) },
  runs: 10,
  holds: ({ vendor: of, before, after, elapsed }) => {
    const made = SvirtHost.create(of, SELINUX);
    const model = new Model(made);
    made.run(elapsed);
    for (const change of before) {
      apply(made, change, model);
      made.run(PHASE / 4);
    }
    const { world } = made;
    const snapshot = world.snapshot();
    const fork = world.fork();
    const finish = (one: World): string => {
      const copy = new SvirtHost(one);
      for (const change of after) {
        apply(copy, change, model);
        copy.run(PHASE / 4);
      }
      return `${one.digest()} ${copy.records.join("\n")} ${copy.seen.join("\n")}`;
    };
    const wanted = finish(world);
    world.restore(snapshot);
    const again = [world, fork].map(finish);
    world.release();
    fork.release();
    return again.every((one) => one === wanted);
  },
});

// Helpers

/** Nothing that guests write to their first sector. */
const MARKS = [0xd0, 0xd1];

const sameDisks = (a: SvirtHost, b: SvirtHost): boolean =>
  [0, 1].every((guest) => a.disk(guest).join() === b.disk(guest).join());

/** What is allowed, by labels and policy as an administrator has made them. */
class Model {
  /** As the manager gave them. */
  readonly own: readonly string[];
  readonly tun: string;
  readonly labels: string[];
  tap: "own" | "nobody's" = "own";
  policy: PolicyName = "svirt";
  enforcing = true;

  constructor(made: SvirtHost) {
    this.own = [0, 1].map((guest) => made.labelOf(imageOf(guest)));
    this.labels = [...this.own];
    this.tun = made.labelOf(TUN);
  }

  mayUse(guest: number, kind: Told["kind"]): boolean {
    if (!this.enforcing) return true;
    const isOwn = this.labels[guest] === this.own[guest];
    const hasRule = kind === READ ? this.policy !== "nothing" : !LESS.includes(this.policy);
    return isOwn && hasRule;
  }

  get mayUseTap(): boolean {
    return !this.enforcing || this.tap === "own";
  }
}

/** Under which no guest writes. */
const LESS: readonly PolicyName[] = ["nothing", "reading"];

const PUT_BACK: readonly Change[] = [
  { is: "setenforce", enforcing: true },
  { is: "image", guest: 0, label: "own" },
  { is: "image", guest: 1, label: "own" },
  { is: "tap", label: "own" },
  { is: "load", policy: "svirt" },
];

const NOBODYS = {
  image: "system_u:object_r:virt_image_t:s0",
  tap: "system_u:object_r:device_t:s0",
};

function apply({ world }: SvirtHost, change: Change, model: Model): void {
  const tell = (kind: string, payload: Json): void => world.input("host.selinux", kind, payload);
  switch (change.is) {
    case "image": {
      const { guest } = change;
      const others = { own: model.own[guest], "other's": model.own[1 - guest] };
      const label = { ...others, "nobody's": NOBODYS.image }[change.label] ?? "";
      model.labels[guest] = label;
      return tell("chcon", { path: imageOf(guest), label });
    }
    case "tap":
      model.tap = change.label;
      return tell("chcon", { path: TUN, label: change.label === "own" ? model.tun : NOBODYS.tap });
    case "load":
      model.policy = change.policy;
      return tell("load", change.policy);
    case "setenforce":
      model.enforcing = change.enforcing;
      return tell("setenforce", change.enforcing);
    case "setsebool":
      return tell("setsebool", { virt_use_nfs: change.value });
  }
}

/** To everybody, from outside. */
const FRAME = [...Array(6).fill(0xff), 2, 0, 0, 0, 0, 9, ...Array(48).fill(0)] as number[];

/** What was on its way is done: each guest has told of one request, and frames have arrived. */
function settle(made: SvirtHost): void {
  made.run(PHASE / 2);
  made.take();
}

const framesOf = (made: SvirtHost): readonly number[] => [
  made.frames,
  made.received(0),
  made.received(1),
];

function check(told: readonly Told[], guest: number, model: Model): void {
  if (told.length < 2) throw new Error(`guest ${guest} does not go on`);
  for (const { kind, status } of told)
    if ((status === 0) !== model.mayUse(guest, kind) || status > 1)
      throw new Error(`guest ${guest}: ${kind} has status ${status}`);
}

type Attempt = (made: SvirtHost, guest: number, other: number) => readonly [string, unknown];

const opens =
  (flags: number): Attempt =>
  (made, guest, other) => [
    `open ${flags}`,
    made.call(guest, "open", { path: imageOf(other), flags }),
  ];
const relabels =
  (of: "own" | "other", to: "own" | "other"): Attempt =>
  (made, guest, other) => {
    const [path, from] = [of, to].map((one) => imageOf(one === "own" ? guest : other));
    const value = made.labelOf(from ?? "");
    return ["relabel", made.call(guest, "setxattr", { path: path ?? "", name: XATTR, value })];
  };
const XATTR = "security.selinux";

/** What must be refused. */
const ATTEMPTS: readonly Attempt[] = [
  opens(O.RDONLY),
  opens(O.WRONLY),
  opens(O.RDWR),
  opens(O.RDWR | O.APPEND),
  opens(O.RDWR | O.CREAT | O.TRUNC),
  relabels("own", "other"),
  relabels("other", "own"),
  (made, guest, other) => ["stat", made.call(guest, "stat", { path: imageOf(other) })],
  (made, guest, other) => ["unlink", made.call(guest, "unlink", { path: imageOf(other) })],
  (made, guest, other) => [
    "rename",
    made.call(guest, "rename", { from: imageOf(other), to: `${imageOf(guest)}.mine` }),
  ],
  (made, guest, other) => [
    "link",
    made.call(guest, "link", { from: imageOf(other), to: "/tmp.mine" }),
  ],
  (made, guest, other) => ["kill", made.call(guest, "kill", { pid: made.pidOf(other), signal: 9 })],
  (made, guest, other) => ["ptrace", made.call(guest, "ptrace", { pid: made.pidOf(other) })],
  (made, guest, other) => [
    "setprocattr current",
    made.call(guest, "setprocattr", { attribute: "current", value: made.contextOf(other) }),
  ],
  (made, guest, other) => [
    "setprocattr exec",
    made.call(guest, "setprocattr", { attribute: "exec", value: made.contextOf(other) }),
  ],
  (made, guest) => ["open tun", made.call(guest, "open", { path: TUN, flags: O.RDWR })],
];
