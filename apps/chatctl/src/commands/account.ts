import {
  type CommandDefinition,
  ConfigurationError,
  operatorTls,
  options,
  peerAddresses,
  printableJson,
  type Surroundings,
  type TlsFiles,
  tlsOptions,
} from '@chatroom/configuration'
import { agreed, yes } from '../confirmation.ts'
import { leaderAddress, nobodyLeads } from '../leader-address.ts'
import type { AccountRow, ReplicaClient } from '../replica-client.ts'

const notes = `\
ACTION is one of
  list [prefix]   accounts in the order of their names, one a line: name, messages that wait, and "locked"
  lock NAME       its session ends, and nobody can log in to it until "unlock"; messages still reach it
  unlock NAME     its password is good again
  delete NAME     with all messages that wait for it
  export NAME     what the chat holds of it, one JSON object a line: the account, then the messages that wait; never its password

"lock" and "delete" ask first, unless --yes is given. With --json "list" prints one object a line: name, accountId, locked, waiting, waitingBytes.

Exit codes: 0 done, 1 not done, 2 called or configured wrongly.`

interface Work {
  readonly client: ReplicaClient
  /** Of the leader. */
  readonly address: string
  readonly surroundings: Surroundings
  readonly json: boolean
  readonly yes: boolean
}

/** `chatctl account` */
export function accountCommand(connect: (tls: TlsFiles | null) => ReplicaClient): CommandDefinition {
  return {
    name: 'account',
    summary: 'Lists, locks, unlocks, deletes and exports accounts.',
    arguments: [
      { name: 'action', help: 'list, lock, unlock, delete or export' },
      { name: '[name]', help: 'the account; for "list", how its name begins' },
    ],
    options: [options.peers, options.peerPort, ...tlsOptions, options.json, yes],
    notes,
    run: async ({ settings, arguments: [action, name], surroundings }) => {
      const addresses = peerAddresses(settings).map(({ text }) => text)
      const work = workOf(action, name)
      const client = connect(operatorTls(settings))
      try {
        const address = await leaderAddress(client, addresses)
        if (address === null) {
          surroundings.stderr(nobodyLeads)
          return 1
        }
        const done = await work({
          client,
          address,
          surroundings,
          json: settings.get(options.json),
          yes: settings.get(yes),
        })
        return done ? 0 : 1
      } catch (error) {
        if (error instanceof ConfigurationError || !(error instanceof Error)) throw error
        surroundings.stderr(`Not done: ${error.message}.\n`)
        return 1
      } finally {
        client.close()
      }
    },
  }
}

/** @throws ConfigurationError for what is no action, or lacks its account */
function workOf(action: string | undefined, name: string | undefined): (work: Work) => Promise<boolean> {
  if (action === 'list') return async (work) => await list(work, name ?? '')
  if (action !== 'lock' && action !== 'unlock' && action !== 'delete' && action !== 'export')
    throw new ConfigurationError(
      'invalid value',
      `action: "${action}" is not list, lock, unlock, delete or export.`,
    )
  if (name === undefined)
    throw new ConfigurationError('invalid value', `name: say which account to ${action}.`)
  if (action === 'export') return async (work) => await exported(work, name)
  return async (work) => await change(work, action, name)
}

async function list({ client, address, surroundings, json }: Work, prefix: string): Promise<boolean> {
  for (let after = ''; ; ) {
    const page = await client.listAccounts(address, prefix, after)
    const last = page.at(-1)
    if (last === undefined) return true
    for (const account of page)
      surroundings.stdout(json ? `${printableJson(account)}\n` : `${line(account)}\n`)
    after = last.name
  }
}

function line({ name, waiting, locked }: AccountRow): string {
  return `${name}  ${waiting} waiting${locked ? '  locked' : ''}`
}

const effects = {
  lock: ['will be logged out and cannot log in until it is unlocked', 'is locked'],
  unlock: ['', 'is unlocked'],
  delete: ['and all messages that wait for it will be gone for good', 'is deleted'],
} as const

async function change(
  { client, address, surroundings, yes: sure }: Work,
  action: keyof typeof effects,
  name: string,
): Promise<boolean> {
  const [warning, done] = effects[action]
  if (action !== 'unlock' && !sure) {
    surroundings.stdout(`The account ${name} ${warning}.\n`)
    if (!(await agreed(surroundings))) return false
  }
  await client.administerAccount(address, name, action)
  surroundings.stdout(`The account ${name} ${done}.\n`)
  return true
}

async function exported({ client, address, surroundings }: Work, name: string): Promise<boolean> {
  const [account] = (await client.listAccounts(address, name, '')).filter(
    (one) => one.name === name.normalize('NFC'),
  )
  if (account === undefined) {
    surroundings.stderr(`Not done: there is no account named ${JSON.stringify(name)}.\n`)
    return false
  }
  surroundings.stdout(`${printableJson({ account })}\n`)
  for (let after = 0; ; ) {
    const page = await client.readMailbox(address, name, after)
    const last = page.at(-1)
    if (last === undefined) return true
    for (const message of page) surroundings.stdout(`${printableJson({ message })}\n`)
    after = last.sequence
  }
}
