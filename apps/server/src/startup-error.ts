/** Why a replica could not be started: one sentence for whoever started it. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}
