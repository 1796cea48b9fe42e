/** What shells expect of a program that wrote to a pipe which nobody reads any more: 128 and the number of SIGPIPE. */
const brokenPipeExitCode = 141

/** Standard output takes nothing any more, so that there is no use in going on. */
export class LostOutput extends Error {
  override readonly name = 'LostOutput'
  readonly exitCode: number

  constructor(cause: NodeJS.ErrnoException) {
    super(`Standard output cannot be written: ${reasonOf(cause)}.`, { cause })
    this.exitCode = cause.code === 'EPIPE' ? brokenPipeExitCode : 1
  }
}

/**
 * Watches standard output. When it cannot be written, because a disk is full, that is told on standard error, and the exit code is 1; that its reader went away (`| head`) is no news, and the
 * exit code that of SIGPIPE. Which concerns programs that are there to print: others go on, and end as they end.
 * @returns to be called by who is there to print, before each text; throws the `LostOutput` once there is one
 */
export function watchOutput(): () => void {
  let lost: LostOutput | null = null
  let printing = false
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (lost !== null) return
    const first = new LostOutput(error)
    lost = first
    if (error.code !== 'EPIPE') process.stderr.write(`${first.message}\n`)
    // The last that was printed may fail after the program has settled its exit code.
    process.once('exit', (code) => {
      if ((printing && code === 0) || code === brokenPipeExitCode) process.exitCode = first.exitCode
    })
  })
  return () => {
    printing = true
    if (lost !== null) throw lost
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC') return 'no space is left on its device'
  if (code === 'EPIPE') return 'its reader has gone away'
  return message
}
