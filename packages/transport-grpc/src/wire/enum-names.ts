/** The other direction of a table from names to the wire's numbers. */
export function namesByNumber<Name extends string>(table: Record<Name, number>): ReadonlyMap<number, Name> {
  const names = new Map<number, Name>()
  for (const name in table) names.set(table[name], name)
  return names
}
