import type { ReplicaClient } from './replica-client.ts'

/** What one replica said of its state. */
interface StateRow {
  readonly id: number
  /** null if it gave none. */
  readonly hash: string | null
  /** Milliseconds for which it did nothing else. */
  readonly tookMs: number | null
  /** Why it gave none, in words. */
  readonly reason: string | null
}

export interface Comparison {
  /** The entry up to which all were compared; null if nobody leads. */
  readonly index: number | null
  /** All that were asked gave the same hash. */
  readonly same: boolean
  /** Those that differ from the most, or from the leader where none is held by most. */
  readonly different: readonly number[]
  readonly replicas: readonly StateRow[]
}

/** How many entries ahead to compare: where nobody writes the next one will do; where many write it is past when the replicas hear of it. */
const margins = [1, 64, 1_024, 16_384, 131_072] as const

type Asked = Pick<ReplicaClient, 'status' | 'stateHash'>

/** Asks every replica for the hash of its state as of one entry, which is still to come, and says who differs. */
export async function compareStates(
  client: Asked,
  addresses: readonly string[],
  howeverLong: boolean,
): Promise<Comparison> {
  let last: Comparison = { index: null, same: false, different: [], replicas: [] }
  for (const margin of margins) {
    const leader = await leaderOf(client, addresses)
    if (leader === null) return { ...last, index: null }
    const index = leader.lastIndex + margin
    const replicas = await Promise.all(
      addresses.map((address, id) => hashOf(client, address, id, index, howeverLong)),
    )
    last = verdict(index, leader.id, replicas)
    if (!replicas.some(({ reason }) => reason?.includes('is past') === true)) return last
  }
  return last
}

async function leaderOf(
  client: Asked,
  addresses: readonly string[],
): Promise<{ readonly id: number; readonly lastIndex: number } | null> {
  const answers = await Promise.all(addresses.map((address) => client.status(address).catch(() => null)))
  const serving = answers.filter((answer) => answer?.serving === true)
  return serving.sort((a, b) => (b?.term ?? 0) - (a?.term ?? 0))[0] ?? null
}

async function hashOf(
  client: Asked,
  address: string,
  id: number,
  index: number,
  howeverLong: boolean,
): Promise<StateRow> {
  try {
    const { hash, tookMs } = await client.stateHash(address, index, howeverLong)
    return { id, hash, tookMs, reason: null }
  } catch (error) {
    return { id, hash: null, tookMs: null, reason: error instanceof Error ? error.message : String(error) }
  }
}

function verdict(index: number, leader: number, replicas: readonly StateRow[]): Comparison {
  const given = replicas.filter(({ hash }) => hash !== null)
  const votes = new Map<string | null, number>()
  for (const { hash } of given) votes.set(hash, (votes.get(hash) ?? 0) + 1)
  const most = [...votes].find(([, count]) => count * 2 > given.length)?.[0]
  const right = most ?? replicas.find(({ id }) => id === leader)?.hash ?? null
  const different = given.filter(({ hash }) => hash !== right).map(({ id }) => id)
  return { index, same: given.length > 0 && different.length === 0, different, replicas }
}
