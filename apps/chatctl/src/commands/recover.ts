import { randomBytes } from 'node:crypto'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CommandDefinition,
  ConfigurationError,
  defineOption,
  type Option,
  options,
  textLike,
} from '@chatroom/configuration'
import { StrandedReplica } from '@chatroom/replica'
import { StorageError } from '@chatroom/replication-log'
import { openFileStorage } from '@chatroom/replication-log/file'
import { Chat } from '@chatroom/state-machine'
import { agreed, yes } from '../confirmation.ts'
import { planRecovery, type RecoveryPlan } from '../recovery-plan.ts'

const without: Option<string> = defineOption<string>({
  key: 'without',
  placeholder: 'id,…',
  help: 'the replicas whose disks are gone for good',
  schema: textLike('a list of replicas', /[^\0]*/),
  fallback: '-',
  fallbackWords: '',
  flagOnly: true,
})

const notes = `\
For when all replicas have stopped and those that the others wait for ("chatctl status" names them) cannot come back, because their disks are gone. Works on the
data directories of this host, with all replicas stopped; a replica that runs is noticed, and nothing is done.

What only the lost replicas held is lost for good, although its senders were told that it was sent. The replica with the longest log goes on as a new cluster;
the data of the others is renamed, nothing is deleted, and they are brought up to date when they start. A lost replica that turns up after all is refused.

Exit codes: 0 recovered, or nobody waits for the lost replicas, 1 not done, 2 called or configured wrongly.`

/** `chatctl recover` */
export const recoverCommand: CommandDefinition = {
  name: 'recover',
  summary: 'Goes on without replicas whose disks are gone. What only they held is lost.',
  options: [options.dataDir, without, yes],
  notes,
  run: async ({ settings, surroundings }) => {
    const given = settings.get(without)
    if (!/^[0-6](,[0-6])*$/.test(given))
      throw new ConfigurationError(
        'invalid value',
        `--without: is needed: the ids of the lost replicas, as in --without 2 or --without 1,2.`,
      )
    const lost = given.split(',').map(Number)
    const directory = settings.path(options.dataDir)
    const opened: StrandedReplica[] = []
    try {
      for (const id of await idsIn(directory)) {
        if (lost.includes(id)) continue
        const place = join(directory, `replica-${id}`)
        opened.push(
          await StrandedReplica.open(
            openFileStorage({ directory: place, replicaId: id, report: () => undefined }),
          ),
        )
      }
      const plan = planRecovery(opened, lost)
      const base = opened.find(({ id }) => plan.type === 'recover' && id === plan.base)
      if (plan.type === 'unneeded') {
        surroundings.stdout(`${plan.why}\n`)
        return 0
      }
      if (plan.type === 'refuse' || base === undefined) {
        surroundings.stderr(`${plan.type === 'refuse' ? plan.why : 'There is nothing to go on with.'}\n`)
        return 1
      }
      surroundings.stdout(warning(base, plan))
      if (!settings.get(yes) && !(await agreed(surroundings))) return 1
      const clusterId = randomBytes(12).toString('hex')
      await base.foundCluster(clusterId, new Chat())
      await closeAll(opened)
      for (const id of plan.aside) {
        const place = join(directory, `replica-${id}`)
        await rename(place, `${place}.before-recovery-${clusterId}`)
      }
      surroundings.stdout(done(plan, clusterId))
      return 0
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      surroundings.stderr(`Nothing was recovered: ${error.message}.\n`)
      return 1
    } finally {
      await closeAll(opened)
    }
  },
}

async function closeAll(opened: StrandedReplica[]): Promise<void> {
  for (const replica of opened.splice(0)) await replica.close()
}

async function idsIn(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch(() => [])
  return names.flatMap((name) => /^replica-(?<id>[0-6])$/.exec(name)?.groups?.['id'] ?? []).map(Number)
}

type Recovery = Extract<RecoveryPlan, { type: 'recover' }>

function warning({ id, last, lastTime }: StrandedReplica, { lost, aside }: Recovery): string {
  const newest = lastTime === 0 ? '' : `, of ${new Date(lastTime).toISOString()}`
  return [
    `Replica ${id} has the longest log: up to entry ${last.index}${newest}.`,
    `Whatever replica ${lost.join(', ')} acknowledged without replica ${id} after that is lost for good.`,
    `Replica ${id} goes on as a new cluster.`,
    ...aside.map((other) => `The data of replica ${other} is put aside, and it starts anew.`),
    '',
  ].join('\n')
}

function done({ base, lost, aside }: Recovery, clusterId: string): string {
  const others = [...aside, ...lost].toSorted((a, b) => a - b)
  return `Recovered: replica ${base} is the cluster ${clusterId} now. Start it, then replica ${others.join(', ')} with empty data directories.\n`
}
