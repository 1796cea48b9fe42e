import { createServer } from 'node:net'

/** Below the range from which Linux and macOS take the ports of outgoing connections, so that none of those takes a port between its choice and its use. */
const share = 1_300
/** Each worker of the test runner has a share of its own: two that look at once do not find the same. */
const lowest = 10_000 + share * ((Number(process.env['VITEST_POOL_ID'] ?? 1) - 1) % 16)

/** Ports on 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = lowest + Math.floor(Math.random() * share)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
