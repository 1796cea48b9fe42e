import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { TransportError } from './errors.ts'
import { type Listener, type ListenerEvents, openListener } from './listener.ts'

const open: Listener[] = []
afterEach(() => {
  for (const listener of open.splice(0)) listener.close()
})

const ignore: ListenerEvents = { connected: () => {}, lost: () => {} }

async function listen(
  host: string,
  port: number,
  events = ignore,
  server = createServer(),
): Promise<Listener> {
  const listener = await openListener({ host, port }, events, server)
  open.push(listener)
  return listener
}

test('tells what is bound', async () => {
  const { address } = await listen('localhost', 0)
  expect(['127.0.0.1', '::1']).toContain(address.host)
  expect(address.port).toBeGreaterThan(0)
})

test.each(['127.0.0.1', '0.0.0.0'])(
  'an address that is taken is not shared, also not by %s',
  async (host) => {
    const { address } = await listen('127.0.0.1', 0)
    await expect(listen(host, address.port)).rejects.toMatchObject({
      name: 'TransportError',
      code: 'address in use',
      message: `The peer address ${host}:${address.port} is taken by another process: end that process, or choose another peer port.`,
    })
  },
)

test('an address of another host is refused in words', async () => {
  const attempt = listen('192.0.2.1', 0)
  await expect(attempt).rejects.toMatchObject({ code: 'address not available' })
  await expect(attempt).rejects.toThrow(
    /^The peer address 192\.0\.2\.1:0 cannot be bound .*: choose an address of this host\.$/,
  )
})

test('tells once when the listener is lost, and not when it is closed', async () => {
  const lost: TransportError[] = []
  const server = createServer()
  const { address } = await listen('127.0.0.1', 0, { ...ignore, lost: (error) => lost.push(error) }, server)
  const closed = new Promise((resolve) => server.once('close', resolve))
  server.emit('error', new Error('the kernel took it'))
  await closed
  expect(lost.map(({ code, message }) => [code, message])).toEqual([
    [
      'listener lost',
      `The peer address 127.0.0.1:${address.port} is not bound any more (the kernel took it). The other replicas now take this one for dead, so it must stop.`,
    ],
  ])
  const quiet = createServer()
  const ended = new Promise((resolve) => quiet.once('close', resolve))
  const listener = await listen('127.0.0.1', 0, { ...ignore, lost: (error) => lost.push(error) }, quiet)
  listener.close()
  await ended
  expect(lost.length).toBe(1)
})
