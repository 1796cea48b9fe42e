import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { ClientConnections, type Connection } from '../src/client-connections.ts'

let port = 1

class FakeConnection extends EventEmitter implements Connection {
  readonly remoteAddress: string
  readonly remotePort = ++port

  constructor(address: string) {
    super()
    this.remoteAddress = address
  }

  destroy(): void {
    this.emit('close')
  }
}

/** Lets connections from these addresses come, and gives those that stay. */
function come(connections: ClientConnections, addresses: readonly string[]): FakeConnection[] {
  return addresses
    .map((address) => new FakeConnection(address))
    .filter((each) => connections.admit(each) === null)
}

describe('connections of clients', () => {
  test.each([
    ['one address', ['10.0.0.1', '10.0.0.1', '10.0.0.1']],
    ['one address, however it is written', ['10.0.0.1', '::ffff:10.0.0.1', '10.0.0.1']],
    ['one network of IPv6', ['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2:3:4:5:6']],
  ])('from %s are bounded', (_, addresses) => {
    const connections = new ClientConnections({ total: 10, perAddress: 2 })
    const staying = come(connections, addresses)
    expect(staying.map(({ remoteAddress }) => remoteAddress)).toEqual(addresses.slice(0, 2))
    // Others do not suffer for them, and who leaves makes room.
    expect(come(connections, ['10.0.0.2', '2001:db8:1:3::1'])).toHaveLength(2)
    staying[0]?.destroy()
    expect(come(connections, addresses)).toHaveLength(1)
  })

  test('are broken by the name that calls have for their peer, and forgotten', () => {
    const connections = new ClientConnections({ total: 2, perAddress: 2 })
    const [one] = come(connections, ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    expect(connections.size).toBe(2)
    connections.disconnect(`10.0.0.1:${one?.remotePort}`)
    expect(connections.size).toBe(1)
    connections.destroyAll()
    expect(connections.size).toBe(0)
  })
})
