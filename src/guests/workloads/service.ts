/** A workload as most guests are: mostly asleep, now and then at work, and then it says so. */

import { PORT, type Workload } from "./workload.ts";

export const service: Workload = {
  name: "service",
  about: "computes for about 40 microseconds, sends a frame of 200 bytes, sleeps 10 ms",
  dataBytes: 0,
  source: `
start:  mov rcx, 20000
.work:  dec rcx
        jnz .work
        mov eax, 200
        out ${PORT.send}, eax
        mov eax, 10000
        out ${PORT.sleep}, eax
        jmp start`,
};
