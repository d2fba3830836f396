/** Makes many things of a cluster, some at once. */
export async function inParts(count: number, make: (index: number) => Promise<unknown>): Promise<void> {
  const part = 50
  for (let from = 0; from < count; from += part)
    await Promise.all(Array.from({ length: Math.min(part, count - from) }, (_, i) => make(from + i)))
}
