/** Laws of the host's network: what limits, shares and carries frames. */

import fc from "fast-check";
import { changeWeight, dequeueDrr, enqueueDrr, newDrr, QUANTUM } from "../../src/linux/net/drr.ts";
import {
  type DisturbanceKind,
  linkDeadline,
  newLink,
  sendOn,
  takeArrived,
} from "../../src/linux/net/link.ts";
import { newNic, nicDeadline, startSending, takeSent } from "../../src/linux/net/nic.ts";
import {
  changeTbf,
  dequeueTbf,
  enqueueTbf,
  newTbf,
  type Tbf,
  type TbfParameters,
  tbfDeadline,
} from "../../src/linux/net/tbf.ts";
import { law } from "../support/law.ts";
import { anyGap, anySize, anyTbf, frameOf, idOf } from "../support/net.ts";

const arrivals = (maxLength = 40) =>
  fc.array(fc.record({ gap: anyGap(), bytes: anySize() }), {
    minLength: 1,
    maxLength,
    size: "max",
  });

law("shaping-is-never-exceeded-and-never-idles", {
  says: "What leaves a token bucket in any time is at most its burst and what its rate gives; frames leave in their order, each at the first moment that this allows; none is lost but one for which there is no room.",
  cites: "Linux, tc-tbf(8); Firecracker, docs/design.md, Rate limiting",
  forAll: { parameters: anyTbf(), frames: arrivals() },
  runs: 300,
  holds: ({ parameters, frames }) => {
    const { left, dropped, accepted } = shape(parameters, frames);
    const rate = BigInt(parameters.bytesPerSecond);
    const burst = BigInt(parameters.burstBytes);
    left.forEach((first, i) => {
      let bytes = 0n;
      for (const { at, size } of left.slice(i)) {
        bytes += BigInt(size);
        if ((bytes - burst) * SECOND > rate * BigInt(at - first.at))
          throw new Error(`${bytes} bytes from ${first.at} to ${at}`);
      }
    });
    // The generic cell rate algorithm, in parts of a cycle of which there are `rate`.
    let theoretical = 0n;
    let before = 0;
    accepted.forEach(({ at, id, size }, i) => {
      const whole = theoretical + (BigInt(size) - burst) * SECOND;
      const earliest = whole <= 0n ? 0 : Number((whole + rate - 1n) / rate);
      before = Math.max(before, at, earliest);
      const arrived = BigInt(before) * rate;
      theoretical = (theoretical > arrived ? theoretical : arrived) + BigInt(size) * SECOND;
      if (left[i]?.id !== id || left[i]?.at !== before)
        throw new Error(`frame ${id} leaves at ${left[i]?.at}, not ${before}`);
    });
    return left.length === accepted.length && dropped + left.length === frames.length;
  },
});

law("limits-may-change", {
  says: "From the moment at which a shaper gets another limit, what leaves in any time is at most the new burst and what the new rate gives; no frame is lost but one for which there is no room, and in the end all have left.",
  cites: "Linux, tc-tbf(8), tc(8): change",
  forAll: {
    first: fc.option(anyTbf(), { nil: null }),
    second: fc.option(anyTbf(), { nil: null }),
    frames: arrivals(),
    more: arrivals(),
  },
  runs: 500,
  holds: ({ first, second, frames, more }) => {
    const tbf = newTbf(first);
    const before = feed(tbf, frames, 0, 0, "no longer");
    changeTbf(tbf, second, before.now);
    const after = feed(tbf, more, before.now, frames.length, "to the end");
    if (second !== null)
      after.left.forEach(({ at }, i) => {
        let bytes = 0n;
        for (const { at: later, size } of after.left.slice(i)) {
          bytes += BigInt(size);
          const most = BigInt(second.bytesPerSecond) * BigInt(later - at);
          if ((bytes - BigInt(second.burstBytes)) * SECOND > most) throw new Error("too much");
        }
      });
    const ids = [...before.left, ...after.left].map(({ id }) => id);
    const inOrder = ids.every((id, i) => i === 0 || id > (ids[i - 1] ?? 0));
    return inOrder && ids.length + tbf.dropped === frames.length + more.length;
  },
});

law("the-uplink-is-shared-by-weight", {
  says: "While two queues are never empty, what they have sent since any moment, each divided by its weight, differs by at most a quantum and twice the longest frame; a queue's frames leave in their order, and while any waits one leaves.",
  cites:
    'Shreedhar and Varghese, "Efficient fair queueing using deficit round robin", fairness measure',
  forAll: {
    weights: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 4 }),
    frames: fc.array(fc.record({ queue: fc.nat(3), bytes: anySize(), sends: fc.nat(2) }), {
      minLength: 10,
      maxLength: 120,
      size: "max",
    }),
    crowd: fc.nat(60),
    change: fc.option(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 7 })), { nil: null }),
  },
  runs: 200,
  holds: ({ weights, frames, crowd, change }) => {
    const bench = new DrrBench(weights);
    for (let i = 0; i < crowd; i += 1)
      weights.forEach((_, queue) => bench.add(queue, frames[i % frames.length]?.bytes ?? 60));
    for (const { queue, bytes, sends } of frames) {
      bench.add(queue % weights.length, bytes);
      for (let i = 0; i < sends; i += 1) bench.send();
    }
    if (change !== null) bench.setWeight(change[0] % weights.length, change[1]);
    while (bench.waiting > 0) bench.send();
    return dequeueDrr(bench.drr) === null;
  },
});

law("a-line-has-its-rate", {
  says: "Frames leave an interface one after the other, each after the time that its bits, its preamble and its gap take at the line's rate, without a pause while any waits and without a bit more than the rate in any time.",
  cites:
    'IEEE Std 802.3, "Media access control frame and packet specifications", "Interpacket gap"',
  forAll: {
    bitsPerSecond: fc.constantFrom(10_000_000, 999_999_937, 100_000_000_000),
    bursts: fc.array(
      fc.record({ gap: anyGap(), sizes: fc.array(anySize(), { minLength: 1, maxLength: 12 }) }),
      { minLength: 1, maxLength: 8 },
    ),
  },
  holds: ({ bitsPerSecond, bursts }) => {
    const nic = newNic(bitsPerSecond);
    let now = 0;
    for (const { gap, sizes } of bursts) {
      now += gap + 1;
      const start = now;
      let bits = 0n;
      for (const [id, bytes] of sizes.entries()) {
        const frame = frameOf({ from: 0, to: 1, id, bytes });
        startSending(nic, frame, now);
        bits += 8n * BigInt(Math.max(bytes, 60) + 24);
        const free = (bits * SECOND + BigInt(bitsPerSecond) - 1n) / BigInt(bitsPerSecond);
        const due = nicDeadline(nic) ?? -1;
        if (due !== start + Number(free)) throw new Error(`${bits} bits take ${due - start}`);
        if (takeSent(nic, due - 1) !== null || takeSent(nic, due) !== frame) return false;
        now = due;
      }
    }
    return nicDeadline(nic) === null;
  },
});

law("a-link-loses-and-reorders-by-plan-only", {
  says: "A link delivers every frame as it was sent, in order and after its latency, but for as many frames as the plan takes away, holds up or lets others overtake.",
  cites: "Linux, tc-netem(8); DESIGN, Faults: real bugs, switchable",
  forAll: {
    latency: fc.constantFrom(0, 700),
    frames: fc.array(fc.record({ gap: fc.nat(300), fault: anyFault() }), {
      minLength: 1,
      maxLength: 40,
      size: "max",
    }),
  },
  runs: 200,
  holds: ({ latency, frames }) => {
    const link = newLink(latency);
    const wanted: { id: number; at: number }[] = [];
    const plan = { loss: QUIET, delay: QUIET, reorder: QUIET };
    /** How much longer this frame takes, if it is disturbed. */
    const take = (kind: DisturbanceKind, at: number): number | null => {
      const { frames: left, until, by } = plan[kind];
      if (left === 0 || at >= until) return null;
      plan[kind] = { frames: left - 1, until, by };
      return by;
    };
    let [lost, last, now] = [0, 0, 0];
    frames.forEach(({ gap, fault }, id) => {
      now += gap;
      if (fault !== null) {
        const { kind, count, within, by } = fault;
        plan[kind] = link.disturbances[kind] = { frames: count, until: now + within, by };
      }
      sendOn(link, frameOf({ from: 0, to: 1, id }), now);
      if (take("loss", now) !== null) {
        lost += 1;
        return;
      }
      const kept = Math.max(last, now + latency + (take("delay", now) ?? 0));
      const late = take("reorder", now);
      if (late === null) last = kept;
      wanted.push({ id, at: kept + (late ?? 0) });
    });
    const got: { id: number; at: number }[] = [];
    for (let at = linkDeadline(link); at !== null; at = linkDeadline(link))
      for (const frame of takeArrived(link, at)) got.push({ id: idOf(frame), at });
    wanted.sort((a, b) => a.at - b.at);
    return link.lost === lost && JSON.stringify(got) === JSON.stringify(wanted);
  },
});

// Helpers

const QUIET = { frames: 0, until: 0, by: 0 };
const SECOND = 1_000_000_000n;

interface Left {
  readonly id: number;
  readonly at: number;
  readonly size: number;
}

interface Fed {
  /** What left, and what was accepted, with the times. */
  readonly left: Left[];
  readonly accepted: Left[];
  readonly now: number;
}

/** Offers frames at their times and takes each out when the shaper says that it may leave. */
function feed(
  tbf: Tbf,
  frames: readonly { readonly gap: number; readonly bytes: number }[],
  start: number,
  firstId: number,
  end: "to the end" | "no longer",
): Fed {
  const left: Left[] = [];
  const accepted: Left[] = [];
  const drain = (limit: number): void => {
    for (let due = tbfDeadline(tbf); due !== null && due <= limit; due = tbfDeadline(tbf)) {
      const at = Math.max(due, now);
      const frame = dequeueTbf(tbf, at);
      if (frame === null) throw new Error(`nothing leaves at ${at}`);
      left.push({ id: idOf(frame), at, size: frame.length });
      now = at;
    }
  };
  let now = start;
  frames.forEach(({ gap, bytes }, i) => {
    const at = Math.max(now, start) + gap;
    drain(at);
    now = at;
    const id = firstId + i;
    if (enqueueTbf(tbf, frameOf({ from: 0, to: 1, id, bytes }), at))
      accepted.push({ id, at, size: bytes });
    drain(now);
  });
  if (end === "to the end") drain(Infinity);
  return { left, accepted, now };
}

function shape(
  parameters: TbfParameters,
  frames: readonly { readonly gap: number; readonly bytes: number }[],
): Fed & { readonly dropped: number } {
  const tbf = newTbf(parameters);
  const fed = feed(tbf, frames, 0, 0, "to the end");
  return { ...fed, dropped: tbf.dropped };
}

function anyFault() {
  return fc.option(
    fc.record({
      kind: fc.constantFrom("loss" as const, "delay" as const, "reorder" as const),
      count: fc.integer({ min: 1, max: 3 }),
      within: fc.constantFrom(0, 1, 50, 1000),
      by: fc.constantFrom(0, 1, 400, 2000),
    }),
    { nil: null },
  );
}

/** Sends, and checks each pair of queues over every stretch in which neither was empty. */
class DrrBench {
  readonly drr;
  readonly #weights: number[];
  readonly #waiting: number[][];
  #sentAll = 0;
  /** By pair: the least and most difference so far in its stretch, and the one now. */
  readonly #pairs = new Map<string, { least: number; most: number; now: number }>();

  constructor(weights: readonly number[]) {
    this.drr = newDrr(weights);
    this.#weights = [...weights];
    this.#waiting = weights.map(() => []);
  }

  get waiting(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  setWeight(queue: number, weight: number): void {
    changeWeight(this.drr, queue, weight);
    this.#weights[queue] = weight;
    this.#pairs.clear();
  }

  add(queue: number, bytes: number): void {
    const id = (this.#sentAll += 1);
    const frame = frameOf({ from: queue, to: 1, id, bytes });
    if (!enqueueDrr(this.drr, queue, frame)) throw new Error("there is room for it");
    this.#waiting[queue]?.push(id);
  }

  send(): void {
    const before = this.#waiting.map(({ length }) => length > 0);
    const frame = dequeueDrr(this.drr);
    if (frame === null) {
      if (before.includes(true)) throw new Error("it idles");
      return;
    }
    const queue = frame[11] ?? 0;
    if (this.#waiting[queue]?.shift() !== idOf(frame)) throw new Error("out of order");
    this.#weights.forEach((_, other) => {
      if (other !== queue) this.#count(queue, other, frame.length, before[other] === true);
    });
    this.#weights.forEach((_, one) => {
      if ((this.#waiting[one]?.length ?? 0) === 0) this.#forget(one);
    });
  }

  #count(queue: number, other: number, bytes: number, isBusy: boolean): void {
    const [low, high] = [Math.min(queue, other), Math.max(queue, other)];
    const key = `${low} ${high}`;
    if (!isBusy) return;
    const pair = this.#pairs.get(key) ?? { least: 0, most: 0, now: 0 };
    pair.now += ((queue === low ? 1 : -1) * bytes) / (this.#weights[queue] ?? 1);
    pair.least = Math.min(pair.least, pair.now);
    pair.most = Math.max(pair.most, pair.now);
    this.#pairs.set(key, pair);
    if (pair.most - pair.least > QUANTUM + 2 * 1514 + 1e-6)
      throw new Error(`queues ${key} differ by ${pair.most - pair.least}`);
  }

  #forget(queue: number): void {
    for (const key of this.#pairs.keys())
      if (key.split(" ").includes(String(queue))) this.#pairs.delete(key);
  }
}
