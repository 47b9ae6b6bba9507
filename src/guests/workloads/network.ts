/** A workload that sends as much as two fifths of a gigabit can hold. */

import { PORT, type Workload } from "./workload.ts";

export const network: Workload = {
  name: "network",
  about: "sends 16 frames of 1,514 bytes every half millisecond",
  dataBytes: 0,
  source: `
start:  mov rcx, 16
.send:  mov eax, 1514
        out ${PORT.send}, eax
        dec rcx
        jnz .send
        mov eax, 500
        out ${PORT.sleep}, eax
        jmp start`,
};
