import { join } from 'node:path'
import { type Address, addressKey, addressOf, isLoopback } from './address.ts'
import { ConfigurationError } from './error.ts'
import * as options from './options.ts'
import type { Settings } from './settings.ts'

/** One replica as the configuration describes it. */
export interface ClusterMember {
  /** 0 to 6: its place in the list of peers. */
  readonly id: number
  /** Where it serves clients. */
  readonly clientAddress: Address
  /** Where it talks to the other replicas and answers `chatctl`. */
  readonly peerAddress: Address
  /** Absolute. */
  readonly dataDirectory: string
}

export interface Cluster {
  readonly mode: options.Mode
  /** In the order of their ids, from 0. */
  readonly members: readonly ClusterMember[]
  /** The directory around the replicas' own ones. Absolute. */
  readonly dataDirectory: string
}

/** The options that `resolveCluster` needs a program to declare. */
export const clusterOptions: readonly (typeof options.fileOptions)[number][] = [
  options.dataDir,
  options.clientPort,
  options.peerPort,
  options.servers,
  options.peers,
  options.mode,
]

/**
 * Which replicas there are, where each is, and which rules they follow.
 *
 * Without `--peers` there are three on 127.0.0.1. Replica N's client address is the Nth of `--servers`, else the host of peer N with the port
 * `--client-port` + N.
 * @throws ConfigurationError if the options cannot work together.
 */
export function resolveCluster(settings: Settings): Cluster {
  const peers = peerAddresses(settings)
  const servers = settings.get(options.servers)
  if (servers !== null && servers.length !== peers.length) {
    throw new ConfigurationError(
      'conflict',
      `${nameOf(settings, options.servers)}: lists ${servers.length} addresses for ${peers.length} replicas; ` +
        'list one for each, in the order of their ids.',
    )
  }
  const hosts = peers.map((peer) => peer.host)
  const clients = servers ?? consecutive(settings, options.clientPort, hosts)
  checkDistinct(settings, clients, peers)
  const dataDirectory = settings.path(options.dataDir)
  return {
    mode: resolveMode(settings, peers),
    dataDirectory,
    members: clients.map((clientAddress, id) => ({
      id,
      clientAddress,
      peerAddress: peers[id] ?? clientAddress,
      dataDirectory: join(dataDirectory, `replica-${id}`),
    })),
  }
}

/**
 * Where the replicas' peer ports are: for programs that operate a cluster. Needs `peers` and `peerPort`.
 * @throws ConfigurationError if the options cannot work together.
 */
export function peerAddresses(settings: Settings): readonly Address[] {
  return settings.get(options.peers) ?? consecutive(settings, options.peerPort, localHosts)
}

/**
 * Where clients reach the replicas: for programs that use a cluster. Needs `servers` and `clientPort`.
 * @throws ConfigurationError if the options cannot work together.
 */
export function serverAddresses(settings: Settings): readonly Address[] {
  return settings.get(options.servers) ?? consecutive(settings, options.clientPort, localHosts)
}

/**
 * The replica that `--id` names, among the cluster's.
 * @throws ConfigurationError if none is named or there is no such replica.
 */
export function ownMember(settings: Settings, cluster: Cluster): ClusterMember {
  const id = settings.require(options.id)
  const member = cluster.members[id]
  if (member !== undefined) return member
  const count = cluster.members.length
  throw new ConfigurationError(
    'conflict',
    `${nameOf(settings, options.id)}: there is no replica ${id}; ` +
      `the ${count === 1 ? 'only replica is 0' : `${count} replicas are 0 to ${count - 1}`}.`,
  )
}

const localHosts: readonly string[] = Array.from({ length: options.defaultReplicas }, () => '127.0.0.1')

function nameOf(settings: Settings, option: Parameters<Settings['source']>[0]): string {
  return settings.source(option).name
}

function consecutive(
  settings: Settings,
  option: typeof options.clientPort,
  hosts: readonly string[],
): Address[] {
  const first = settings.get(option)
  const last = first + hosts.length - 1
  if (last > 65535) {
    throw new ConfigurationError(
      'conflict',
      `${nameOf(settings, option)}: ${hosts.length} replicas would use the ports ${first} to ${last}; ` +
        `the first may be ${65535 - hosts.length + 1} at most.`,
    )
  }
  return hosts.map((host, id) => addressOf(host, first + id))
}

/** Two listeners cannot have one address: neither two replicas, nor the clients' and the peers' of one. */
function checkDistinct(settings: Settings, clients: readonly Address[], peers: readonly Address[]): void {
  const peerKeys = new Map(peers.map((peer, id) => [addressKey(peer), id]))
  for (const [id, client] of clients.entries()) {
    const other = peerKeys.get(addressKey(client))
    if (other === undefined) continue
    const forClients = settings.get(options.servers) === null ? options.clientPort : options.servers
    const forPeers = settings.get(options.peers) === null ? options.peerPort : options.peers
    throw new ConfigurationError(
      'conflict',
      `${nameOf(settings, forClients)}: overlaps with ${nameOf(settings, forPeers)}: ${client.text} would be ` +
        `replica ${id}'s address for clients and replica ${other}'s for its peers; choose ports that differ.`,
    )
  }
}

function resolveMode(settings: Settings, peers: readonly Address[]): options.Mode {
  const distant = peers.find((peer) => !isLoopback(peer))
  const near = peers.find(isLoopback)
  if (distant !== undefined && near !== undefined) {
    throw new ConfigurationError(
      'conflict',
      `${nameOf(settings, options.peers)}: ${near.text} is a loopback address, which ${distant.text} cannot reach; ` +
        'give the address that the other hosts use.',
    )
  }
  const asked = settings.get(options.mode)
  if (asked === 'fail-stop' && distant !== undefined) {
    throw new ConfigurationError(
      'conflict',
      `${nameOf(settings, options.mode)}: fail-stop needs all replicas on one host, because between hosts a cut network looks like a ` +
        `crash and both sides would go on; ${distant.text} is no loopback address. Use majority.`,
    )
  }
  return asked ?? (distant === undefined ? 'fail-stop' : 'majority')
}
