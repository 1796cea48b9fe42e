import type { ReplicaId } from '@chatroom/election'
import type { Hello, Transport } from '@chatroom/replica'
import {
  acceptanceLimits,
  type RemoteMember,
  type TransportGroup,
  transportAcceptance,
} from '@chatroom/replica/testing'
import { describe, expect, test } from 'vitest'
import { freePorts } from '../test/ports.ts'
import { startRemote } from '../test/remote-member.ts'
import { createGrpcTransport } from './transport.ts'

async function makeGroup(size: number): Promise<TransportGroup> {
  const addresses = (await freePorts(size)).map((port) => ({ host: '127.0.0.1', port }))
  const addressOf = (id: ReplicaId): { host: string; port: number } =>
    addresses[id] ?? { host: '127.0.0.1', port: 0 }
  const local: Transport[] = []
  const remote: RemoteMember[] = []
  return {
    transport(id, { addresses: mixed = new Map<ReplicaId, ReplicaId>() } = {}) {
      const peers = new Map([...addresses.keys()].map((peer) => [peer, addressOf(mixed.get(peer) ?? peer)]))
      const transport = createGrpcTransport({ id, listen: addressOf(id), peers, limits: acceptanceLimits })
      local.push(transport)
      return transport
    },
    async remote(hello: Hello) {
      const member = await startRemote({ hello, addresses, limits: acceptanceLimits })
      remote.push(member)
      return member
    },
    async dispose() {
      await Promise.all([
        ...local.map((transport) => transport.stop()),
        ...remote.map((member) => member.kill()),
      ])
    },
  }
}

describe('the gRPC transport does what every transport has to do', () => {
  test.each([...transportAcceptance])('$name', async ({ members, run }) => {
    const group = await makeGroup(members)
    try {
      await expect(run(group)).resolves.toBeUndefined()
    } finally {
      await group.dispose()
    }
  })
})
