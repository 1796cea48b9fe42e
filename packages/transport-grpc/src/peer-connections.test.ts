import { expect, it } from 'vitest'
import { PeerConnections } from './peer-connections.ts'

/** Connections by name; the letter of a name is its address. */
function port(strangers: number, guests: number) {
  const open = new Map<string, () => void>()
  const refused: string[] = []
  const connections = new PeerConnections({ strangers, guests }, ({ from, reason }) => {
    refused.push(`${from} ${reason.includes('who they are') ? 'stranger' : 'guest'}`)
  })
  const socketOf = (name: string) => ({
    remoteAddress: name.charAt(0),
    remotePort: Number(name.slice(1)),
  })
  const peerOf = (name: string): string => `${name.charAt(0)}:${name.slice(1)}`
  return {
    connections,
    refused,
    open: () => [...open.keys()],
    arrive: (...names: string[]) => {
      for (const name of names) {
        let closed = (): void => undefined
        open.set(name, () => {
          open.delete(name)
          closed()
        })
        connections.arrived({
          ...socketOf(name),
          on: (_, listener) => {
            closed = listener
          },
          destroy: () => open.get(name)?.(),
        })
      }
    },
    accept: (...names: string[]) => {
      for (const name of names) connections.accepted(socketOf(name))
    },
    link: (id: number, name: string) => connections.linked(id, peerOf(name)),
    leave: (name: string) => open.get(name)?.(),
  }
}

it('a stranger too many takes the place of the oldest of the address that has most', () => {
  const { arrive, open, refused } = port(4, 9)
  arrive('a1', 'b1', 'b2', 'c1', 'd1')
  expect(open()).toEqual(['a1', 'b2', 'c1', 'd1'])
  expect(refused).toEqual(['b stranger'])
  // Where all have as many, of the one that came first.
  arrive('e1')
  expect(open()).toEqual(['b2', 'c1', 'd1', 'e1'])
})

it('however many come from one place, who comes from another is not the one that goes', () => {
  const { arrive, open } = port(4, 9)
  arrive('r1')
  for (let n = 1; n <= 100; n++) arrive(`a${n}`)
  expect(open()).toEqual(['r1', 'a98', 'a99', 'a100'])
})

it('who has got through the door makes no room for strangers, and is bounded by itself', () => {
  const { arrive, accept, open, connections } = port(2, 2)
  arrive('a1')
  accept('a1')
  arrive('a2', 'a3', 'a4')
  expect(open()).toEqual(['a1', 'a3', 'a4'])
  accept('a3', 'a4')
  expect(open()).toEqual(['a3', 'a4'])
  expect(connections.counts).toEqual({ strangers: 0, guests: 2 })
})

it('the link of a replica never makes room, until the replica has a newer one', () => {
  const { arrive, accept, link, open } = port(2, 2)
  arrive('a1')
  accept('a1')
  link(1, 'a1')
  arrive('a2', 'a3')
  accept('a2', 'a3')
  arrive('a4')
  accept('a4')
  expect(open()).toEqual(['a1', 'a3', 'a4'])
  link(1, 'a4')
  // The old link's connection counts again, as the newest of the others.
  arrive('a5')
  accept('a5')
  expect(open()).toEqual(['a1', 'a4', 'a5'])
})

it('what is closed is not counted any more', () => {
  const { arrive, accept, link, leave, connections, refused } = port(2, 2)
  arrive('a1', 'a2')
  accept('a1')
  link(1, 'a1')
  leave('a1')
  leave('a2')
  arrive('a3', 'a4')
  accept('a3', 'a4')
  expect([connections.counts, refused]).toEqual([{ strangers: 0, guests: 2 }, []])
})

it('who is gone before it was looked at is not counted', () => {
  const { connections } = port(1, 1)
  let destroyed = false
  connections.arrived({
    on: () => undefined,
    destroy: () => {
      destroyed = true
    },
  })
  expect([destroyed, connections.counts]).toEqual([true, { strangers: 0, guests: 0 }])
})
