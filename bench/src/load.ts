import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from './arithmetic.ts'
import { uniquePayload } from './payload.ts'
import type { Connection, RunningSystem } from './systems/system.ts'
import { processorSeconds } from './usage.ts'

const payloadBytes = 100
/** After a failure, so that a system that refuses everything does not take the whole machine. */
const pauseAfterFailureMs = 5

/** What a window of load gave. */
export interface Window {
  /** Acknowledged in a second. */
  readonly rate: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly failures: number
  /** Before, in and after the window. */
  readonly acknowledged: number
  /** Microseconds of processor time for an acknowledged message. */
  readonly serverCpu: number
  readonly driverCpu: number
}

export interface LoadOptions {
  readonly inFlight: number
  readonly ms: number
  /** Load before the window. Default: a third of it. */
  readonly warmupMs?: number
}

/** So many closed loops over one connection: each sends its next text when the last one is acknowledged. */
export async function load(system: RunningSystem, options: LoadOptions): Promise<Window> {
  const connection = await system.connect()
  try {
    return await loadOver(connection, system.pids(), options)
  } finally {
    await connection.close()
  }
}

async function loadOver(
  connection: Connection,
  pids: readonly number[],
  { inFlight, ms, warmupMs = ms / 3 }: LoadOptions,
): Promise<Window> {
  const latencies: number[] = []
  let counts = false
  let over = false
  let failures = 0
  let answers = 0
  /** On a machine that stands still a window lasts until something was answered in it. */
  const window = async (windowMs: number): Promise<void> => {
    const before = answers
    await pause(windowMs)
    while (answers === before) await pause(1)
  }
  const loop = async (): Promise<void> => {
    while (!over) {
      const begun = performance.now()
      try {
        await connection.write(uniquePayload(payloadBytes))
        if (counts) latencies.push(performance.now() - begun)
      } catch {
        failures++
        await pause(pauseAfterFailureMs)
      }
      answers++
    }
  }
  const loops = Array.from({ length: inFlight }, loop)
  await window(warmupMs)
  const servers = (): number => pids.reduce((sum, pid) => sum + processorSeconds(pid), 0)
  const before = { servers: servers(), driver: process.cpuUsage(), at: performance.now() }
  counts = true
  await window(ms)
  counts = false
  const seconds = (performance.now() - before.at) / 1_000
  const driver = process.cpuUsage(before.driver)
  const serverSeconds = servers() - before.servers
  over = true
  await Promise.all(loops)
  const count = latencies.length
  return {
    rate: count / seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    failures,
    acknowledged: answers - failures,
    serverCpu: (serverSeconds * 1e6) / count,
    driverCpu: (driver.user + driver.system) / count,
  }
}
