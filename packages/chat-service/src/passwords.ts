import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { HashingQueue } from './hashing-queue.ts'
import type { ServiceLimits } from './limits.ts'
import type { Passwords, Random } from './ports.ts'

/**
 * Cost of one argon2id hash: the first of the equivalent minimum settings of the OWASP Password Storage Cheat Sheet. `memoryCost` in KiB, `timeCost`
 * in passes. argon2id (RFC 9106) is the library's default variant. A stored hash names its own cost, so these may be raised at any time.
 */
const argon2Cost: {
  readonly memoryCost: number
  readonly timeCost: number
  readonly parallelism: number
} = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
}

/**
 * argon2id with a bounded number of hashes at once. A login of an unknown account is verified against a hash that nobody knows a password
 * for, so that it takes as long as a wrong password.
 */
export async function createPasswords(
  options: Pick<ServiceLimits, 'hashesAtOnce' | 'hashesWaiting' | 'retryAfterMs'> & {
    readonly random: Random
  },
): Promise<Passwords> {
  const queue = new HashingQueue({
    // A hash keeps a processor busy, and who sends needs one, too.
    atOnce: Math.max(1, Math.min(options.hashesAtOnce, Math.floor(availableParallelism() / 2))),
    waiting: options.hashesWaiting,
    retryAfterMs: options.retryAfterMs,
  })
  const nobody = await hash(options.random(32), argon2Cost)
  return {
    hash: (password, asker) => queue.run(() => hash(password, argon2Cost), asker),
    verify: (stored, password, asker) =>
      queue.run(async () => (await verify(stored ?? nobody, password)) && stored !== null, asker),
  }
}
