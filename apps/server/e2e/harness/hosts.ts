import { execFileSync } from 'node:child_process'
import { onTestFinished } from 'vitest'

const ids = [0, 1, 2] as const

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Why no hosts can be made here; null if they can. */
export function hostsFault(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  const trial = `crt${process.pid}`
  try {
    ip('netns', 'add', trial)
    ip('netns', 'delete', trial)
    return null
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return missing ? '`ip` is not installed (package iproute2)' : 'network namespaces cannot be made here'
  }
}

/** Three hosts on one network: network namespaces with addresses of their own, on a bridge where this process has one, too. Gone when the test is over. */
export class Hosts {
  /** Interface names have at most 15 characters. */
  readonly #prefix = `cr${process.pid}`
  readonly #network = `10.213.${process.pid % 250}`

  constructor() {
    onTestFinished(() => this.#remove())
    ip('link', 'add', this.#prefix, 'type', 'bridge')
    ip('address', 'add', `${this.#network}.254/24`, 'dev', this.#prefix)
    ip('link', 'set', this.#prefix, 'up')
    for (const id of ids) {
      const [namespace, cable] = [this.namespace(id), `${this.#prefix}v${id}`]
      ip('netns', 'add', namespace)
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      ip('link', 'set', cable, 'master', this.#prefix, 'up')
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
      ip('-n', namespace, 'address', 'add', `${this.address(id)}/24`, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    }
  }

  namespace(id: number): string {
    return `${this.#prefix}n${id}`
  }

  address(id: number): string {
    return `${this.#network}.${id + 1}`
  }

  /** From now on every packet between this host and the other two is dropped, in both directions. Clients still reach all three. */
  cutOff(id: number): void {
    this.#route('add', id)
  }

  heal(id: number): void {
    this.#route('delete', id)
  }

  #route(verb: 'add' | 'delete', id: number): void {
    for (const other of ids.filter((one) => one !== id)) {
      ip('-n', this.namespace(id), 'route', verb, 'blackhole', `${this.address(other)}/32`)
      ip('-n', this.namespace(other), 'route', verb, 'blackhole', `${this.address(id)}/32`)
    }
  }

  #remove(): void {
    const all = [
      ['link', 'delete', this.#prefix],
      ...ids.map((id) => ['link', 'delete', `${this.#prefix}v${id}`]),
      ...ids.map((id) => ['netns', 'delete', this.namespace(id)]),
    ]
    for (const words of all) {
      try {
        ip(...words)
      } catch {
        // It was never made.
      }
    }
  }
}
