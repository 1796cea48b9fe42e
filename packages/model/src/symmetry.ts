/** Every way to give `size` replicas new names, each as `newName[oldName]`; the first one keeps the names. */
export function permutationsOf(size: number): number[][] {
  let found: number[][] = [[]]
  for (let name = 0; name < size; name++) {
    found = found.flatMap((shorter) =>
      Array.from({ length: shorter.length + 1 }, (_, at) => shorter.toSpliced(shorter.length - at, 0, name)),
    )
  }
  return found
}

/** `oldName[newName]`. */
export function inverse(newName: readonly number[]): number[] {
  const oldName: number[] = []
  for (const [old, name] of newName.entries()) oldName[name] = old
  return oldName
}

/** Every set of the given things, the empty one first. */
export function subsetsOf<Thing>(things: readonly Thing[]): Thing[][] {
  let found: Thing[][] = [[]]
  for (const thing of things) found = found.flatMap((set) => [set, [...set, thing]])
  return found
}
