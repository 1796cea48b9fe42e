import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { readChatError } from '@chatroom/transport-grpc/chat'
import { mean, median, percentile } from '../arithmetic.ts'
import { makeAccounts, readerName } from '../chat/accounts.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { MailboxReader } from '../chat/mailbox-reader.ts'
import { bareUnary } from '../chat/senders.ts'
import { uniquePayload } from '../payload.ts'
import { programs } from '../processes.ts'
import { atLeast, atMost, row } from '../report/row.ts'
import type { Connection } from '../systems/system.ts'
import { processorSeconds } from '../usage.ts'
import { isServiceError } from '../wire.ts'
import type { Scenario } from './scenario.ts'

/** As many as one session may have in flight: a call more is refused. */
const saturating = 1_024
const times = 4
/** Of that session. A connection carries only so many calls at a time, and the client would keep the others back. */
const connectionCount = 8
/** After any other failure, so that a system that fails at once does not take the whole machine; milliseconds. */
const pauseAfterFailureMs = 50
/** Sends, one after the other, whose median tells how the latency is. */
const probes = 20
/** Latency is back when it is at most so many times what it was. */
const isBack = 2

/** Four times what the system takes: it should refuse quickly and go on with the rest. */
export const overload: Scenario = {
  name: 'overload',
  about: 'four times the load that saturates: goodput, refusals, recovery',
  async run({ rounds, windowMs, progress }) {
    const found: Overloaded[] = []
    for (let round = 1; round <= rounds; round++) {
      const one = await measure(windowMs)
      found.push(one)
      progress(
        `round ${round}: ${one.peak.map(({ rate }) => rate.toFixed(0)).join(' and ')}/s at ${saturating}, ${one.over.rate.toFixed(0)}/s at ${times * saturating} between, ${one.over.refusals} refused`,
      )
    }
    const figure = (what: string, unit: string, value: (one: Overloaded) => number) =>
      row('overload', what, unit, found.map(value))
    const pressed = (inFlight: number, windows: (one: Overloaded) => readonly Pressed[]) => {
      const all = found.flatMap(windows)
      return {
        ...figure(`chat-unary x${inFlight}`, '1/s', (one) => mean(windows(one).map(({ rate }) => rate))),
        note: {
          'leader, CPUs': median(all.map(({ leaderCpus }) => leaderCpus)),
          'driver, CPUs': median(all.map(({ driverCpus }) => driverCpus)),
        },
      }
    }
    return [
      pressed(saturating, ({ peak }) => peak),
      pressed(times * saturating, ({ over }) => [over]),
      row(
        'overload',
        `goodput at ${times} × the saturating load`,
        'ratio',
        found.map(({ peak, over }) => over.rate / mean(peak.map(({ rate }) => rate))),
        atLeast(0.9),
      ),
      figure(
        `chat-unary x${saturating}, after it / before it`,
        'ratio',
        ({ peak: [before, after] }) => after.rate / before.rate,
      ),
      figure('refused, of all calls', 'ratio', ({ over }) => over.refusals / over.calls),
      figure('other failures', '', ({ peak, over }) =>
        [...peak, over].reduce((sum, { failures }) => sum + failures, 0),
      ),
      ...(found.every(({ refusalMs }) => refusalMs.length > 0)
        ? [50, 99].map((percent) =>
            figure(`time to a refusal, p${percent}`, 'ms', ({ refusalMs }) => percentile(refusalMs, percent)),
          )
        : []),
      row(
        'overload',
        'latency is back after',
        'ms',
        found.map(({ backMs }) => backMs),
        atMost(1_000),
      ),
    ]
  },
}

interface Overloaded {
  /** Before and after the overload: the machine's own speed changes from window to window, and one alone would be compared with another minute. */
  readonly peak: readonly [before: Pressed, after: Pressed]
  readonly over: Pressed
  /** Of a client that is not overloaded itself. */
  readonly refusalMs: readonly number[]
  readonly backMs: number
}

/** What a window of load gave. */
interface Pressed {
  /** Acknowledged in a second. */
  readonly rate: number
  readonly calls: number
  readonly refusals: number
  readonly failures: number
  /** Processor time of the leader and of this process in a second: the load is the leader's when it takes more of it. */
  readonly leaderCpus: number
  readonly driverCpus: number
}

async function measure(windowMs: number): Promise<Overloaded> {
  const cluster = await ChatCluster.start()
  try {
    const id = await cluster.leader()
    const leader = cluster.servers[id] ?? ''
    const { pid } = cluster.replica(id)
    const [reader, sender] = await makeAccounts(leader, [readerName, 'sender'])
    if (reader === undefined || sender === undefined) throw new Error('Two accounts were to be made.')
    const mailbox = new MailboxReader(leader, reader)
    const connections = await Promise.all(
      Array.from({ length: connectionCount }, () => bareUnary(leader, sender)),
    )
    await press(connections, pid, saturating, windowMs / 3)
    const usual = await latency(connections)
    const before = await press(connections, pid, saturating, windowMs)
    const probe = new RefusalProbe(leader, sender.token)
    const over = await press(connections, pid, times * saturating, windowMs, probe)
    const ended = performance.now()
    while ((await latency(connections)) > isBack * usual) {
      if (performance.now() - ended > 30_000) throw new Error('Latency did not come back within 30 s.')
    }
    const backMs = performance.now() - ended
    const refusalMs = await probe.end()
    const after = await press(connections, pid, saturating, windowMs)
    for (const connection of connections) await connection.close()
    mailbox.stop()
    return { peak: [before, after], over, refusalMs, backMs }
  } catch (error) {
    throw new Error(`The overloaded leader did not go on. Replicas said: ${cluster.words}`, { cause: error })
  } finally {
    await cluster.destroy()
  }
}

/**
 * So many closed loops; who is refused waits as it is told to. The window begins half of its length after they do: what all loops send at once in the beginning is a burst that takes this process as
 * long as the leader.
 */
async function press(
  connections: readonly Connection[],
  leader: number,
  inFlight: number,
  ms: number,
  probe?: RefusalProbe,
): Promise<Pressed> {
  let refusals = 0
  let acknowledged = 0
  let failures = 0
  let counts = false
  let over = false
  const waiting = new Set<() => void>()
  const wait = (waitMs: number): Promise<void> =>
    new Promise((resolve) => {
      const goOn = (): void => {
        clearTimeout(timer)
        waiting.delete(goOn)
        resolve()
      }
      const timer = setTimeout(goOn, waitMs)
      waiting.add(goOn)
    })
  const loop = async (_: unknown, number: number): Promise<void> => {
    const connection = connections[number % connections.length]
    while (!over) {
      try {
        await connection?.write(uniquePayload(100))
        if (counts) acknowledged++
      } catch (error) {
        const told = isServiceError(error) ? readChatError(error) : null
        if (told?.reason !== 'OVERLOADED') failures++
        else if (counts) refusals++
        if (!over) await wait(told?.retryAfterMs || pauseAfterFailureMs)
      }
    }
  }
  const loops = Array.from({ length: inFlight }, loop)
  await pause(ms / 2)
  const begun = { at: performance.now(), leader: processorSeconds(leader), driver: process.cpuUsage() }
  counts = true
  probe?.begin()
  await pause(ms)
  // On a machine that stands still: until something was acknowledged.
  while (acknowledged + failures === 0) await pause(1)
  counts = false
  over = true
  const seconds = (performance.now() - begun.at) / 1_000
  const driver = process.cpuUsage(begun.driver)
  const leaderSeconds = processorSeconds(leader) - begun.leader
  for (const goOn of waiting) goOn()
  await Promise.all(loops)
  return {
    rate: acknowledged / seconds,
    calls: acknowledged + refusals + failures,
    refusals,
    failures,
    leaderCpus: leaderSeconds / seconds,
    driverCpus: (driver.user + driver.system) / 1e6 / seconds,
  }
}

/** Measures what refusals take by a client in a process of its own: here they would wait for the thousands of calls that are made. */
class RefusalProbe {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #printed: Promise<string>

  /** Its process is started, so that this takes nothing from what is measured. */
  constructor(leader: string, token: string) {
    this.#child = spawn(process.execPath, [programs.refusalProbe, leader, token], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#printed = text(this.#child.stdout)
  }

  begin(): void {
    this.#child.stdin.write('begin\n')
  }

  /** @returns milliseconds, one for each refusal */
  async end(): Promise<number[]> {
    this.#child.stdin.end()
    const found: unknown = JSON.parse(await this.#printed)
    if (!Array.isArray(found)) throw new Error('The probe found no list.')
    return found.map(Number)
  }
}

async function latency([connection]: readonly Connection[]): Promise<number> {
  const took: number[] = []
  for (let probe = 0; probe < probes; probe++) {
    const begun = performance.now()
    await connection?.write(uniquePayload(100))
    took.push(performance.now() - begun)
  }
  return median(took)
}
