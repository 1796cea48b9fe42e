import { isIPv6 } from 'node:net'
import { ChatFailure } from './failure.ts'
import type { ServiceLimits } from './limits.ts'
import { TokenBuckets } from './token-buckets.ts'

/** One try of a password. */
export interface LoginAttempt {
  /** It does not count: the password was right, or nobody looked at it. */
  forgive(): void
}

const minuteMs = 60_000

/**
 * Bounds how often passwords are tried: for one account, so that nobody guesses its password, and from one address, so that nobody tries one password at all accounts. An
 * attempt counts from its beginning, so that many at once are no way around, and what was no failure is given back. Names without an account count alike, so
 * that nothing is learned from the limit. Each replica counts what it is asked itself, and forgets it when it ends.
 */
export class LoginAttempts {
  readonly #accounts: TokenBuckets<string>
  readonly #addresses: TokenBuckets<string>

  constructor(
    limits: Pick<ServiceLimits, 'loginAttemptsPerAccount' | 'loginAttemptsPerAddress' | 'limiterKeys'>,
    now: () => number,
  ) {
    const perMinute = (capacity: number): TokenBuckets<string> =>
      new TokenBuckets(
        { capacity, refillMs: minuteMs / Math.max(1, capacity), keys: limits.limiterKeys },
        now,
      )
    this.#accounts = perMinute(limits.loginAttemptsPerAccount)
    this.#addresses = perMinute(limits.loginAttemptsPerAddress)
  }

  /** What is remembered of accounts and addresses. */
  get sizes(): { readonly accounts: number; readonly addresses: number } {
    return { accounts: this.#accounts.size, addresses: this.#addresses.size }
  }

  /** @param peer the caller, as `getPeer()` names it. Throws TOO_MANY_ATTEMPTS with the time to wait. */
  begin(name: string, peer: string): LoginAttempt {
    const address = networkOf(peer)
    const fromAddress = this.#addresses.take(address)
    if (fromAddress > 0) throw tooMany('from this address', fromAddress)
    const forAccount = this.#accounts.take(name)
    if (forAccount > 0) {
      // Also what is refused is an attempt from there.
      throw tooMany('to log in to this account', forAccount)
    }
    return {
      forgive: () => {
        this.#addresses.giveBack(address)
        this.#accounts.giveBack(name)
      },
    }
  }
}

/** The address of a peer without its port; of IPv6 the network of 64 bits, since who has one address there has all. */
export function networkOf(peer: string): string {
  const host = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  if (!isIPv6(host)) return host
  if (host.startsWith('::ffff:')) return host.slice('::ffff:'.length)
  const [head = '', tail] = host.split('::')
  const first = head.split(':').filter((group) => group !== '')
  const missing =
    tail === undefined ? 0 : 8 - first.length - tail.split(':').filter((group) => group !== '').length
  const groups = [...first, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')]
  return groups.slice(0, 4).join(':')
}

function tooMany(where: string, ms: number): ChatFailure {
  const seconds = Math.ceil(ms / 1_000)
  return new ChatFailure(
    'TOO_MANY_ATTEMPTS',
    `Too many failed attempts ${where}: wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'} and try again.`,
    { retryAfterMs: ms },
  )
}
