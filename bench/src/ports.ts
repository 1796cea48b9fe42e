import { createServer } from 'node:net'

// Outside the ranges from which systems take ports for outgoing connections (Linux 32768 to 60999, others from 49152).
const lowest = 12_000
const highest = 31_000
const attempts = 200

/** First of so many consecutive TCP ports on 127.0.0.1 that nobody uses now. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count))
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`No ${count} consecutive free ports between ${lowest} and ${highest}: end some programs.`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
