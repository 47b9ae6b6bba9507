/** The one generator of seedrandom that is used: it ships no types for its single files. */

declare module "seedrandom/lib/alea.js" {
  interface AleaState {
    readonly c: number;
    readonly s0: number;
    readonly s1: number;
    readonly s2: number;
  }

  interface Alea {
    /** From 0 to 1, 32 random bits. */
    (): number;
    /** A signed 32-bit integer. */
    int32(): number;
    state(): AleaState;
  }

  /** With `state: true` the generator is seeded; with a state it goes on from there. */
  export default function alea(seed: string, options: { state: true | AleaState }): Alea;
}
