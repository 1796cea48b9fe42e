import {
  type CommandDefinition,
  ConfigurationError,
  operatorTls,
  options,
  peerAddresses,
  type TlsFiles,
  tlsOptions,
} from '@chatroom/configuration'
import { agreed, yes } from '../confirmation.ts'
import { leaderAddress, nobodyLeads } from '../leader-address.ts'
import type { ReplicaClient } from '../replica-client.ts'

const changes = {
  add: {
    type: 'addLearner',
    done: 'gets the log now and does not vote yet: "chatctl member promote" when it has caught up',
  },
  promote: { type: 'promote', done: 'votes now' },
  remove: { type: 'remove', done: 'does not count any more: stop it' },
} as const

const notes = `\
ACTION is one of
  add       the replica gets the log, and does not vote; it has to run, with all replicas in its --peers and itself in theirs
  promote   a replica that was added votes; it has to have caught up
  remove    the replica does not vote any more, and gets nothing; asks first, unless --yes is given

One change at a time, in majority mode. In fail-stop mode members come and go by themselves.

Exit codes: 0 done, 1 not done, 2 called or configured wrongly.`

/** `chatctl member` */
export function memberCommand(connect: (tls: TlsFiles | null) => ReplicaClient): CommandDefinition {
  return {
    name: 'member',
    summary: 'Changes who votes: adds a replica, promotes it, or removes one.',
    arguments: [
      { name: 'action', help: 'add, promote or remove' },
      { name: 'id', help: 'the replica' },
    ],
    options: [options.peers, options.peerPort, ...tlsOptions, yes],
    notes,
    run: async ({ settings, arguments: [action, given], surroundings }) => {
      const addresses = peerAddresses(settings).map(({ text }) => text)
      const change = changeOf(action)
      const id = Number(given)
      if (!/^\d$/.test(given ?? '') || id >= addresses.length)
        throw new ConfigurationError(
          'conflict',
          `id: there is no replica ${given}; the last one is ${addresses.length - 1}.`,
        )
      const client = connect(operatorTls(settings))
      try {
        const address = await leaderAddress(client, addresses)
        if (address === null) {
          surroundings.stderr(nobodyLeads)
          return 1
        }
        if (change.type === 'remove' && !settings.get(yes)) {
          surroundings.stdout(`Replica ${id} will not count any more, and fewer crashes can be survived.\n`)
          if (!(await agreed(surroundings))) return 1
        }
        await client.changeMembers(address, { type: change.type, id })
        surroundings.stdout(`Replica ${id} ${change.done}.\n`)
        return 0
      } catch (error) {
        if (error instanceof ConfigurationError || !(error instanceof Error)) throw error
        surroundings.stderr(`Nothing was changed: ${error.message}.\n`)
        return 1
      } finally {
        client.close()
      }
    },
  }
}

function changeOf(action: string | undefined): (typeof changes)[keyof typeof changes] {
  for (const [name, change] of Object.entries(changes)) if (name === action) return change
  throw new ConfigurationError('invalid value', `action: "${action}" is not add, promote or remove.`)
}
