/** An action in words: what, who, and with what. */
export function describeAction(action: { readonly type: string; readonly id: number }): string {
  const { type, id, ...rest } = action
  const words = Object.entries(rest).map(
    ([name, value]: [string, unknown]) =>
      `${name} ${Array.isArray(value) ? `{${value.join(' ')}}` : String(value)}`,
  )
  return [type, id, ...words].join(' ')
}
