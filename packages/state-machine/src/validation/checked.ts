import type { Reason, Refusal } from '../reply.ts'

/** What a client wrote, in the form to propose it in, or why it may not be proposed. */
export type Checked = { readonly ok: true; readonly value: string } | Refusal

export function refusal(reason: Reason, message: string): Refusal {
  return { ok: false, reason, message }
}
