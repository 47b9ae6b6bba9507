/** What cpu.max and cpu.max.burst may be: Linux, Documentation/scheduler/sched-bwc.rst, Management; tg_set_cfs_bandwidth. */

import type { Errno } from "../errno.ts";
import type { Bandwidth, CpuController } from "./cpu-controller.ts";

/** In microseconds. */
const LEAST = 1000;
const LONGEST_PERIOD = 1_000_000;
/** max_bw_quota_period_us: of quota and burst. */
const MOST = 2 ** 44 - 1;

export function setBandwidth(cpu: CpuController, group: number, asked: Bandwidth): Errno | null {
  const { quotaUs, periodUs, burstUs } = asked;
  if (periodUs < LEAST || periodUs > LONGEST_PERIOD) return "EINVAL";
  if (quotaUs !== null) {
    if (quotaUs < LEAST || quotaUs > MOST) return "EINVAL";
    if (burstUs > quotaUs || quotaUs + burstUs > MOST) return "EINVAL";
  }
  cpu.setBandwidth(group, asked);
  return null;
}
