/** Where pieces go. */
export interface Output {
  /** Writes one piece and a line break. Resolves when the operating system has it; rejects if it never will. */
  write(to: 'stdout' | 'stderr', text: string): Promise<void>
}

/** The part of a stream that is needed here. */
export interface Sink {
  write(text: string, callback: (error?: Error | null) => void): boolean
}

/** Writes to files and pipes as it comes. */
export function plainOutput(stdout: Sink, stderr: Sink): Output {
  return {
    write: (to, text) => written(to === 'stdout' ? stdout : stderr, `${text}\n`),
  }
}

/** Resolves when a text has left the process. */
export function written(sink: Sink, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(text, (error) => {
      if (error === undefined || error === null) resolve()
      else reject(error)
    })
  })
}
