/** What a nice value or a cpu.weight is worth: Linux, kernel/sched/core.c, sched_prio_to_weight; kernel/sched/sched.h, sched_weight_from_cgroup. */

/** Of nice 0: virtual time goes as fast as real time. */
export const NICE_0 = 1024;
/** WEIGHT_IDLEPRIO: of SCHED_IDLE and cpu.idle. */
export const IDLE_WEIGHT = 3;
/** MIN_SHARES: of a group on one CPU. */
export const LEAST_SHARES = 2;

/** Each is about 1.25 times the next, from nice -20 on. */
const NICE = [
  88_761, 71_755, 56_483, 46_273, 36_291, 29_154, 23_254, 18_705, 14_949, 11_916, 9548, 7620, 6100,
  4904, 3906, 3121, 2501, 1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110,
  87, 70, 56, 45, 36, 29, 23, 18, 15,
];

const LEAST_NICE = -20;

/** `nice` is -20 to 19. */
export const niceWeight = (nice: number): number => NICE[nice - LEAST_NICE] ?? NICE_0;

/** Shares of a group whose cpu.weight is 1 to 10000. */
export const groupShares = (weight: number): number =>
  Math.max(LEAST_SHARES, Math.round((weight * NICE_0) / 100));
