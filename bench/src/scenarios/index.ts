import { builds } from './builds.ts'
import { endToEnd } from './end-to-end.ts'
import { failover, suspension } from './failover.ts'
import { growth } from './growth.ts'
import { memory } from './memory.ts'
import { overload } from './overload.ts'
import type { Scenario } from './scenario.ts'
import { startup } from './startup.ts'
import { syncs } from './syncs.ts'
import { throughput } from './throughput.ts'
import { traces } from './traces.ts'

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  throughput,
  endToEnd,
  syncs,
  failover,
  suspension,
  overload,
  traces,
  growth,
  memory,
  startup,
  builds,
]
