import { type MessagePort, parentPort, Worker } from 'node:worker_threads'
import { profiles } from '../faults/profile.ts'
import { chatWorkload } from '../workloads/chat-workload.ts'
import { registerWorkload } from '../workloads/register-workload.ts'
import { type SimulationResult, simulate } from './simulate.ts'

/** One run, by names: what a thread can be told. */
export interface SeedTask {
  readonly profile: string
  readonly workload: string
  readonly seed: number
}

interface Job {
  readonly task: SeedTask
  readonly resolve: (result: SimulationResult) => void
  readonly reject: (error: Error) => void
}

/** Threads that run seeds, each one at a time: a seed gives the same run in every thread. */
export class SeedWorkers {
  readonly #idle: Worker[] = []
  readonly #all: Worker[] = []
  readonly #busy = new Map<Worker, Job>()
  #waiting: Job[] = []

  /** `program`: a module that calls `serveSeeds` in a thread. */
  constructor(program: URL, threads: number) {
    for (let n = 0; n < threads; n++) {
      const worker = new Worker(program)
      worker.on('message', (result: SimulationResult) => {
        this.#busy.get(worker)?.resolve(result)
        this.#busy.delete(worker)
        this.#idle.push(worker)
        this.#next()
      })
      worker.on('error', (error) => this.#busy.get(worker)?.reject(error))
      this.#all.push(worker)
      this.#idle.push(worker)
    }
  }

  get threads(): number {
    return this.#all.length
  }

  run(task: SeedTask): Promise<SimulationResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject })
      this.#next()
    })
  }

  /** What has not begun is not begun any more. */
  forget(): void {
    this.#waiting = []
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()))
  }

  #next(): void {
    while (this.#idle.length > 0) {
      const job = this.#waiting.shift()
      const worker = job === undefined ? undefined : this.#idle.pop()
      if (job === undefined || worker === undefined) return
      this.#busy.set(worker, job)
      worker.postMessage(job.task)
    }
  }
}

/** In a thread: runs what it is told, one seed after the other. */
export function serveSeeds(port: MessagePort | null = parentPort): void {
  port?.on('message', (task: SeedTask) => {
    void runSeed(task).then((result) => port.postMessage(result))
  })
}

/** Runs a seed in this thread. */
function runSeed({ profile: name, workload, seed }: SeedTask): Promise<SimulationResult> {
  const profile = profiles.find((candidate) => candidate.name === name)
  if (profile === undefined) throw new TypeError(`there is no profile ${name}`)
  return workload === chatWorkload.name
    ? simulate({ seed, profile, workload: chatWorkload })
    : simulate({ seed, profile, workload: registerWorkload })
}
