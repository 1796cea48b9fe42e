import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import type { Address, Cluster, ClusterMember } from '@chatroom/configuration'
import { type LockOutcome, lockForLauncher } from './launcher-lock.ts'

// What is looked at before any replica is started, so that what cannot work is one sentence and not three logs.

/** What stands in the way of a start, as one sentence. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart'
}

export interface PreflightOptions {
  /** The data directory as the user gave it, for messages. */
  readonly shownDirectory: string
  /** The pid of the replica that answers at a peer address, or null; makes the sentence about a taken port more helpful. */
  readonly replicaAt: (address: string) => Promise<number | null>
  /** Milliseconds that replicas of a launcher that was killed get to end by themselves. */
  readonly patience: number
  readonly signal: AbortSignal
}

/**
 * Makes and locks the data directory and tries every port. Returns what gives the lock back.
 * @throws CannotStart
 */
export async function preflight(cluster: Cluster, options: PreflightOptions): Promise<() => void> {
  const lock = await prepareDirectory(cluster, options.shownDirectory)
  if (!lock.taken) {
    throw new CannotStart(
      `${options.shownDirectory}: another "pnpm dev" (pid ${lock.pid}) runs on this data; stop it first, or choose another --data-dir and other ports.`,
    )
  }
  try {
    await portsAreFree(cluster.members, lock.leftBehind ? options.patience : 0, options)
    return lock.release
  } catch (error) {
    lock.release()
    throw error
  }
}

async function prepareDirectory(cluster: Cluster, shown: string): Promise<LockOutcome> {
  let at = shown
  try {
    makeDirectory(cluster.dataDirectory)
    for (const { id, dataDirectory } of cluster.members) {
      at = `${shown}/replica-${id}`
      if (existsSync(dataDirectory))
        accessSync(dataDirectory, constants.R_OK | constants.W_OK | constants.X_OK)
    }
    at = shown
    return await lockForLauncher(cluster.dataDirectory)
  } catch (cause) {
    throw new CannotStart(
      `${at}: data cannot be kept there (${reason(cause)}); choose another directory with --data-dir.`,
      { cause },
    )
  }
}

/** With its parents, one after the other: Node's recursive mkdir never ends where nothing can be made, as in /proc. */
function makeDirectory(directory: string): void {
  if (existsSync(directory) && !statSync(directory).isDirectory()) mkdirSync(directory)
  if (existsSync(directory)) return
  if (directory !== dirname(directory)) makeDirectory(dirname(directory))
  mkdirSync(directory)
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write it'
    case 'EROFS':
      return 'the file system is read-only'
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it is not a directory'
    case 'ENOSPC':
      return 'the disk is full'
    case 'ENOENT':
      return 'it cannot be made'
    default:
      return cause instanceof Error ? cause.message : String(cause)
  }
}

async function portsAreFree(
  members: readonly ClusterMember[],
  patience: number,
  options: PreflightOptions,
): Promise<void> {
  const deadline = Date.now() + patience
  for (const member of members) {
    for (const purpose of ['clients', 'peers'] as const) {
      const address = purpose === 'clients' ? member.clientAddress : member.peerAddress
      for (;;) {
        if (options.signal.aborted) return
        const failure = await tryToListen(address)
        if (failure === null) break
        if (failure === 'EADDRINUSE' && Date.now() < deadline) {
          await new Promise((done) => setTimeout(done, 50))
          continue
        }
        throw new CannotStart(await portSentence(member, purpose, failure, options))
      }
    }
  }
}

/** The code of the error that listening on an address gives, or null if it can be listened on. */
export function tryToListen(address: Address): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', (error) =>
      done('code' in error && typeof error.code === 'string' ? error.code : error.message),
    )
    server.listen({ host: address.host, port: address.port, exclusive: true }, () =>
      server.close(() => done(null)),
    )
  })
}

async function portSentence(
  member: ClusterMember,
  purpose: 'clients' | 'peers',
  failure: string,
  options: PreflightOptions,
): Promise<string> {
  const address = purpose === 'clients' ? member.clientAddress : member.peerAddress
  const flag = purpose === 'clients' ? '--client-port' : '--peer-port'
  const what = `${address.text} (replica ${member.id}, for ${purpose})`
  if (failure === 'EADDRINUSE') {
    const pid = await options.replicaAt(member.peerAddress.text)
    const who = pid === null ? 'another program' : `a Chatroom replica (pid ${pid})`
    return `${what}: the port is taken by ${who}; stop it first, or choose other ports with ${flag}.`
  }
  if (failure === 'EADDRNOTAVAIL')
    return `${what}: is no address of this host; "pnpm dev" starts every replica here.`
  if (failure === 'EACCES')
    return `${what}: this user may not use the port; choose ports from 1024 up with ${flag}.`
  if (failure === 'ENOTFOUND' || failure === 'EAI_AGAIN') return `${what}: the host name is not known.`
  return `${what}: cannot be listened on (${failure}).`
}
