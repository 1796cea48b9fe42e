import { ReplicaError } from '../errors.ts'

interface Asker {
  resolve(): void
  reject(error: ReplicaError): void
}

/** Those who wait for an answer of the core other than an applied command: reads, a transfer, a change of membership. */
export class Questions {
  readonly #reads = new Map<number, Asker>()
  #tickets = 0
  #transfer: Asker[] = []
  #change: Asker[] = []
  #leave: Asker[] = []

  askRead(asker: Asker): number {
    this.#reads.set(++this.#tickets, asker)
    return this.#tickets
  }

  readReady(ticket: number): void {
    const asker = this.#reads.get(ticket)
    this.#reads.delete(ticket)
    asker?.resolve()
  }

  readRefused(ticket: number, error: ReplicaError): void {
    const asker = this.#reads.get(ticket)
    this.#reads.delete(ticket)
    asker?.reject(error)
  }

  askTransfer(asker: Asker): void {
    this.#transfer.push(asker)
  }

  transferred(ok: boolean, words: string): void {
    const askers = this.#transfer
    this.#transfer = []
    for (const asker of askers) settle(asker, ok, words)
  }

  askChange(asker: Asker): void {
    this.#change.push(asker)
  }

  changed(ok: boolean, words: string): void {
    const askers = this.#change
    this.#change = []
    for (const asker of askers) settle(asker, ok, words)
  }

  askLeave(asker: Asker): void {
    this.#leave.push(asker)
  }

  left(): void {
    const askers = this.#leave
    this.#leave = []
    for (const asker of askers) asker.resolve()
  }

  failAll(error: ReplicaError): void {
    const all = [...this.#reads.values(), ...this.#transfer, ...this.#change, ...this.#leave]
    this.#reads.clear()
    this.#transfer = []
    this.#change = []
    this.#leave = []
    for (const asker of all) asker.reject(error)
  }
}

function settle(asker: Asker, ok: boolean, words: string): void {
  if (ok) asker.resolve()
  else asker.reject(new ReplicaError('not ready', words))
}
