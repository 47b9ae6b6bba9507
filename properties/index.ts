/** Every file of laws, one line each. */

import "./guests/assembler.property.ts";
import "./hw/chips/chips.property.ts";
import "./hw/cpu/cpuid.property.ts";
import "./hw/cpu/decoding.property.ts";
import "./hw/cpu/division.property.ts";
import "./hw/cpu/encoding.property.ts";
import "./hw/cpu/engines.property.ts";
import "./hw/cpu/invalidation.property.ts";
import "./hw/cpu/instructions.property.ts";
import "./hw/cpu/modes.property.ts";
import "./hw/cpu/msr.property.ts";
import "./hw/cpu/paging.property.ts";
import "./hw/cpu/ports.property.ts";
import "./hw/cpu/selectors.property.ts";
import "./hw/cpu/system-calls.property.ts";
import "./hw/cpu/system.property.ts";
import "./hw/cpu/transfers.property.ts";
import "./hw/cpu/translation.property.ts";
import "./hw/cpu/vectors.property.ts";
import "./hw/cpu/x87.property.ts";
import "./hw/cpu/xsave.property.ts";
import "./sim/determinism.property.ts";
import "./sim/difference.property.ts";
import "./sim/order.property.ts";
import "./sim/recording.property.ts";
import "./sim/snapshot.property.ts";
