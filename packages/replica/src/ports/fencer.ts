import type { Hello } from './transport.ts'

/**
 * Ends another replica's process for certain (STONITH). Needed in fail-stop mode: a silent member is killed and then proven dead; without a
 * fencer writes wait for it.
 */
export interface Fencer {
  /**
   * Which process this replica is, as the fencers of the others have to know it to end it, should it fall silent. A replica asks once, when it starts,
   * and says it in its hellos. Without it `hello` in the replica's options says it, or nobody can fence this replica.
   */
  self?(): Promise<Pick<Hello, 'pid' | 'processStart'>>
  /**
   * Kills exactly the process that said this hello, or does nothing if that process has ended. Resolves when the kill was issued; the proof of death comes
   * from the transport. Rejects with the reason if it cannot, or does not want to yet: it is asked again while the silence goes on.
   *
   * @param silentMs since when nothing was heard of it; absent: nobody knows. Any sign of life begins it anew
   */
  fence(hello: Hello, silentMs?: number): Promise<void>
}
